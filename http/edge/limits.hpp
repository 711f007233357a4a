#pragma once

#include <cstddef>
#include <cstdint>

/// Bounds of the gateways, each with its answer at the limit.
namespace factory::limits {

inline constexpr std::size_t body_bytes = 64UL << 20;          ///< 413
inline constexpr std::size_t unwell_sensors_listed = 1'000;    ///< in the health of a machine or a factory
inline constexpr std::size_t small_body_bytes = 1UL << 20;     ///< one reading, a change of the catalog: 413
inline constexpr std::size_t refused_body_bytes = 64UL << 10;  ///< body of a refused client: thrown away; larger: closed
inline constexpr std::size_t body_bytes_in_all = 512UL << 20;  ///< all bodies that a gateway is receiving: 503 with Retry-After
inline constexpr std::size_t worth_packing_bytes = 1UL
                                                   << 10;  ///< answers from here on have an ETag and are sent as gzip if asked
inline constexpr std::size_t request_head_bytes = 16UL << 10;     ///< 431
inline constexpr std::size_t request_fields = 100;                ///< 431
inline constexpr std::size_t request_id_bytes = 128;              ///< a longer X-Request-Id is replaced
inline constexpr std::int64_t first_byte_ms = 30'000;             ///< from connecting to the first byte: closed
inline constexpr std::int64_t idle_connection_ms = 120'000;       ///< between requests: closed
inline constexpr std::int64_t request_head_ms = 10'000;           ///< first to last byte of a head: 408
inline constexpr std::int64_t transfer_grace_ms = 30'000;         ///< a body (408) or an answer (closed) may take this long
inline constexpr std::int64_t transfer_bytes_per_s = 16UL << 10;  ///< ... and longer only when it moves faster than this
inline constexpr std::int64_t linger_ms = 2'000;                  ///< after the last answer: input is thrown away
inline constexpr std::int64_t drain_ms = 15'000;              ///< stop: for requests in flight; more than a commit or query takes
inline constexpr std::size_t connections = 4096;              ///< of a gateway: one more is closed at once
inline constexpr std::size_t connections_per_address = 2048;  ///< likewise; one client leaves room for others
inline constexpr std::int64_t request_rate = 1'000'000;  ///< of a rate limit and its burst: a larger one ends factoryd with 2
inline constexpr std::size_t rate_buckets =
    65'536;  ///< clients whose rate a gateway remembers; when full, it forgets the one nearest to its whole quota
inline constexpr std::size_t page_readings = 10'000;  ///< `limit` above it: 400
inline constexpr std::size_t page_default = 1'000;
inline constexpr std::size_t piece_bytes = 128UL << 10;      ///< piece of an answer; the next is made when it is sent
inline constexpr std::size_t export_step_readings = 8'192;   ///< an export reads so many at once, twice as many at most
inline constexpr std::size_t stream_bytes = 1UL << 20;       ///< memory of an answer in pieces: rows, coding and piece
inline constexpr std::size_t streams = 64;                   ///< answers in pieces at once: 503 with Retry-After
inline constexpr std::size_t analysis_readings = 100'000;    ///< `limit` of anomalies and alerts: 400
inline constexpr std::size_t sensors_per_answer = 10'000;    ///< of statistics: 400, ask by machine
inline constexpr std::size_t aggregate_buckets = 11'000;     ///< 400, with a larger step proposed
inline constexpr std::size_t channel_transfers = 4;          ///< to one channel at once; further notifications of it wait
inline constexpr std::int64_t first_retry_ms = 1'000;        ///< after a failed notification; doubles with each failure ...
inline constexpr std::int64_t longest_retry_ms = 300'000;    ///< ... up to this
inline constexpr std::size_t receiver_answer_bytes = 2'048;  ///< of a receiver's answer are kept; the rest is not read
inline constexpr std::int64_t alertmanager_reminder_ms =
    60'000;                                          ///< active alerts are posted again so often; forgotten by it after four
inline constexpr std::size_t reminded_alerts = 500;  ///< in one such post; the next one follows
inline constexpr std::size_t notified_events = 256;  ///< worked in at once, then what is due is sent
inline constexpr std::int64_t notified_age_ms = 86'400'000;  ///< an alert that is older when it is found is history: not told
inline constexpr std::int64_t flood_window_ms = 600'000;     ///< in which new alarms of a factory are counted, for digests
inline constexpr std::size_t grouped_notices = 50;    ///< told in one notice of a group; what is beyond goes into the next one
inline constexpr std::size_t notice_groups = 10'000;  ///< of all channels: an alarm of one more machine opens none
inline constexpr std::int64_t chatter_window_ms = 60'000;  ///< an alert that comes and goes so often within it ...
inline constexpr std::size_t chatter_transitions = 3;      ///< ... is held back until it is quiet for as long
inline constexpr std::size_t ended_told = 10'000;  ///< alerts that are over and unacknowledged, of which the receivers will hear
inline constexpr std::size_t chatter_watched = 100'000;  ///< alerts whose changes are counted; beyond, counting begins anew
inline constexpr std::size_t explained_readings =
    100'000;  ///< of a sensor, over which its detectors run again to explain an anomaly
inline constexpr std::size_t explained_machine_readings = 2'000'000;  ///< of all sensors of a machine, likewise
inline constexpr std::size_t idempotency_keys = 10'000;               ///< remembered answers; the oldest is forgotten

}  // namespace factory::limits
