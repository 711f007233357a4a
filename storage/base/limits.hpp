#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

/// Bounds of what is stored and of the memory that storing takes, each with its answer at the limit.
namespace factory::limits {

inline constexpr std::size_t name_bytes = 256;                   ///< names of entities: 400
inline constexpr std::uint32_t retention_days = 36'500;          ///< 400; 0 keeps for ever
inline constexpr std::size_t tokens = 1'000;                     ///< 413
inline constexpr std::size_t audit_records = 100'000;            ///< the newest are kept; older ones go
inline constexpr std::size_t entities_per_body = 200'000;        ///< catalog POST of an array: 413
inline constexpr std::size_t sensors = 4'000'000;                ///< 409
inline constexpr std::size_t rules_per_sensor = 32;              ///< 409
inline constexpr std::size_t rule_templates = 256;               ///< rules with a selector: 409
inline constexpr std::size_t overrides_per_rule = 1'000;         ///< 400
inline constexpr std::size_t head_readings = 2'048;              ///< a head of this size is sealed into a block
inline constexpr std::size_t rule_text_bytes = 2'048;            ///< message and instructions of a rule: 400
inline constexpr std::int64_t alarm_delay_ms = 86'400'000;       ///< on_delay_ms, off_delay_ms: 400
inline constexpr std::int64_t re_alarm_ms_least = 60'000;        ///< re_alarm_ms, where it is not 0: 400
inline constexpr std::int64_t alarm_days_ms = 31 * 86'400'000L;  ///< re_alarm_ms, silence_ms: 400
inline constexpr std::int64_t silence_ms_least = 1'000;          ///< silence_ms: 400
inline constexpr std::size_t shifts_per_rule = 32;               ///< times of a schedule: 400
inline constexpr std::int64_t shelf_ms = 7 * 86'400'000L;        ///< an alarm is shelved for so long at most: 400
inline constexpr std::size_t comment_bytes = 1'024;              ///< reason or comment of an operator: 400
inline constexpr std::uint32_t alarm_readings = 64;              ///< `of` of a rule: 400
inline constexpr std::size_t annotations = 100'000;              ///< 409
inline constexpr std::size_t sensors_a_correction = 10'000;      ///< 413
inline constexpr std::size_t corrections_in_force = 256;         ///< of a sensor: 409
inline constexpr std::size_t channels = 100;                     ///< 409
inline constexpr std::size_t channels_per_rule = 16;             ///< and of each step of its escalation: 400
inline constexpr std::size_t escalation_steps = 8;               ///< 400
inline constexpr std::size_t channel_url_bytes = 2'048;          ///< 400
inline constexpr std::size_t channel_recipients = 50;            ///< of an e-mail: 400
inline constexpr std::int64_t channel_timeout_ms = 60'000;       ///< largest timeout_ms: 400
inline constexpr std::int64_t give_up_after_ms = 604'800'000;    ///< largest give_up_after_ms, a week: 400
inline constexpr std::uint32_t digest_above = 1'000;             ///< of a channel: 400
inline constexpr std::size_t digest_lines = 50;                  ///< alerts that a digest names; the rest is counted
inline constexpr std::size_t open_deliveries = 10'000;           ///< of a channel; what comes beyond is a dead letter at once
inline constexpr std::size_t dead_letters = 10'000;              ///< of a channel; the oldest go, counted
inline constexpr std::size_t block_readings = 8'192;             ///< background rewriting joins blocks up to this
inline constexpr std::size_t decoded_block_bytes = 128UL << 20;  ///< cached rows of decoded blocks; the oldest are evicted
inline constexpr std::size_t stored_block_bytes =
    64UL << 20;  ///< cached table files; evicted entries usually remain in the page cache
inline constexpr std::size_t memtable_bytes = 256UL << 20;  ///< all of RocksDB's write buffers; when full, the oldest is flushed
inline constexpr std::size_t commit_group_bytes = 16UL << 20;  ///< one journal record; the rest waits for the next
inline constexpr std::size_t event_sequences_ahead = 65'536;   ///< reserved by one fsync; a start after a crash skips them
inline constexpr std::size_t feed_events = 4'096;        ///< newest events in memory, for all subscribers; older ones are read
inline constexpr std::size_t events_looked_at = 20'000;  ///< for one page of events, alerts, anomalies; the next page goes on
inline constexpr std::size_t disk_reserve_bytes = 128UL << 20;  ///< kept free, so that started work can finish: 507
inline constexpr std::size_t freed_ranges = 200'000;            ///< deleted ranges to free soon; RocksDB frees others later
inline constexpr std::chrono::seconds room_delay{15};           ///< deletions within it free their room together
inline constexpr std::int64_t commit_deadline_ms = 10'000;      ///< 503

}  // namespace factory::limits
