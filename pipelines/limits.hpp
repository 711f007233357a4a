#pragma once

#include <cstddef>
#include <cstdint>

/// Every bound of the process, in one place, each with its answer at the limit.
namespace factory::limits {

inline constexpr std::size_t body_bytes = 64UL << 20;          ///< 413
inline constexpr std::size_t small_body_bytes = 1UL << 20;     ///< one reading, a change of the catalog: 413
inline constexpr std::size_t refused_body_bytes = 64UL << 10;  ///< of who is not let in: thrown away; above: answered, closed
inline constexpr std::size_t body_bytes_in_all = 512UL << 20;  ///< of a gateway's bodies on their way in: 503 with Retry-After
inline constexpr std::size_t worth_packing_bytes = 1UL
                                                   << 10;    ///< answers from here on have an ETag and are sent as gzip if asked
inline constexpr std::size_t readings_per_body = 1'000'000;  ///< 413
inline constexpr unsigned json_depth = 64;                   ///< nested deeper: 400
inline constexpr std::size_t row_errors_per_answer = 100;    ///< further ones are counted only
inline constexpr std::size_t text_row_bytes = 1UL << 20;     ///< a CSV row or line of a file: refused with its line number
inline constexpr std::size_t request_head_bytes = 16UL << 10;     ///< 431
inline constexpr std::size_t request_fields = 100;                ///< 431
inline constexpr std::size_t request_id_bytes = 128;              ///< a longer X-Request-Id: one of ours instead
inline constexpr std::int64_t first_byte_ms = 30'000;             ///< from connecting to the first byte: closed
inline constexpr std::int64_t idle_connection_ms = 120'000;       ///< between requests: closed
inline constexpr std::int64_t request_head_ms = 10'000;           ///< first to last byte of a head: 408
inline constexpr std::int64_t transfer_grace_ms = 30'000;         ///< a body (408) or an answer (closed) may take this long
inline constexpr std::int64_t transfer_bytes_per_s = 16UL << 10;  ///< ... and longer only when it moves faster than this
inline constexpr std::int64_t linger_ms = 2'000;                  ///< after the last answer: what still comes is thrown away
inline constexpr std::int64_t drain_ms = 15'000;                  ///< stop: requests in flight; more than commit and query take
inline constexpr std::size_t connections = 4096;                  ///< of a gateway: one more is closed at once
inline constexpr std::size_t connections_per_address = 2048;      ///< likewise, so that one client leaves room for others
inline constexpr std::int64_t request_rate = 1'000'000;  ///< of a rate limit and its burst: a larger one ends factoryd with 2
inline constexpr std::size_t rate_buckets =
    65'536;  ///< client addresses that a gateway knows the rate of; then the one nearest to its full quota is forgotten
inline constexpr std::size_t page_readings = 10'000;  ///< `limit` above it: 400
inline constexpr std::size_t page_default = 1'000;
inline constexpr std::size_t piece_bytes = 128UL << 10;        ///< of an answer in pieces; the next is made when it is sent
inline constexpr std::size_t export_step_readings = 8'192;     ///< read at once for an export; twice as many at most
inline constexpr std::size_t stream_bytes = 1UL << 20;         ///< what an answer in pieces holds at most, rows, coding and piece
inline constexpr std::size_t streams = 64;                     ///< answers in pieces at once: 503 with Retry-After
inline constexpr std::size_t analysis_readings = 100'000;      ///< `limit` of anomalies and alerts: 400
inline constexpr std::size_t sensors_per_answer = 10'000;      ///< of statistics: 400, ask by machine
inline constexpr std::size_t aggregate_buckets = 11'000;       ///< 400, with a larger step proposed
inline constexpr std::size_t percentile_readings = 5'000'000;  ///< 400, narrow the range
inline constexpr std::size_t name_bytes = 256;                 ///< names of things: 400
inline constexpr std::uint32_t retention_days = 36'500;        ///< 400; 0 keeps for ever
inline constexpr std::size_t tokens = 1'000;                   ///< 413
inline constexpr std::size_t audit_records = 100'000;          ///< newest ones are kept; the oldest goes
inline constexpr std::size_t idempotency_keys = 10'000;        ///< remembered answers; the oldest is forgotten
inline constexpr std::size_t entities_per_body = 200'000;      ///< catalog POST of an array: 413
inline constexpr std::size_t sensors = 4'000'000;              ///< 409
inline constexpr std::size_t rules_per_sensor = 32;            ///< 409
inline constexpr std::size_t in_flight_readings = 4'000'000;   ///< credits: 503 with Retry-After
inline constexpr std::size_t in_flight_bytes = 256UL << 20;    ///< credits: 503 with Retry-After
inline constexpr double credit_reserve = 0.125;           ///< of the credits; with less free, bodies are refused undecoded: 503
inline constexpr double calm_credits = 0.5;               ///< of the credits; with less free, long bodies are answered later ...
inline constexpr std::size_t paced_readings = 1'000;      ///< ... those of as many readings ...
inline constexpr std::int64_t pace_ms = 200;              ///< ... by so much at most
inline constexpr std::size_t head_readings = 2'048;       ///< a head of this size is sealed into a block
inline constexpr std::size_t head_readings_spread = 512;  ///< or up to so much smaller: not all sensors at once
inline constexpr std::size_t unstored_block_bytes = 32UL << 10;  ///< of a sensor's sealed blocks: stored, with its state
inline constexpr std::size_t checkpoint_block_readings =
    512;  ///< a checkpoint seals heads of this size and keeps smaller ones in the state
inline constexpr std::size_t block_readings = 8'192;             ///< background rewriting joins blocks up to this
inline constexpr std::size_t decoded_block_bytes = 128UL << 20;  ///< rows of blocks at hand for queries; the oldest go
inline constexpr std::size_t stored_block_bytes =
    64UL << 20;  ///< of table files at hand; the oldest go, and are in the page cache yet
inline constexpr std::size_t memtable_bytes = 256UL << 20;     ///< RocksDB's write buffers in all; full, the oldest is flushed
inline constexpr int spare_heap_s = 60;                        ///< malloc keeps what nobody uses no longer, under load too
inline constexpr std::size_t commit_group_bytes = 16UL << 20;  ///< one journal record; the rest waits for the next
inline constexpr std::size_t groups_under_way = 2;             ///< in mailboxes; entries committed meanwhile wait and go together
inline constexpr std::size_t group_readings = 262'144;         ///< of those that go together: their credits come back together
inline constexpr std::size_t overtaking_entries = 8;           ///< of a commit group; the others wait in line
inline constexpr std::size_t overtaking_readings = 16;         ///< of an entry; a longer one waits in line
inline constexpr std::size_t overtaken_entries = 64;           ///< in line; behind more nothing is overtaken
inline constexpr std::size_t wake_bundle = 32;  ///< actors that one worker runs in turn: fewer keep more workers busy
inline constexpr std::size_t journal_bytes_per_checkpoint = 128UL << 20;
inline constexpr std::size_t journal_checkpoints_held = 32;  ///< times that length, held back by a failed sensor: readings 503
inline constexpr std::size_t event_sequences_ahead =
    65'536;  ///< given out under one fsync; a start after a crash passes them over
inline constexpr std::size_t disk_reserve_bytes = 128UL << 20;  ///< kept free for finishing what was begun: 507
inline constexpr std::size_t checkpoint_wave = 64;              ///< sensors whose states are collected at once
inline constexpr std::size_t window_readings = 100;             ///< the count window
inline constexpr std::size_t time_window_readings = 1'024;      ///< the time window; older ones leave early
inline constexpr std::size_t sensor_restarts_in_a_row = 3;      ///< then the sensor is failed, its queries 503
inline constexpr std::int64_t commit_deadline_ms = 10'000;      ///< 503
inline constexpr std::int64_t query_deadline_ms = 10'000;       ///< 503
inline constexpr std::int64_t job_deadline_ms = 10'000;         ///< of a run by hand: 503, the run goes on

}  // namespace factory::limits
