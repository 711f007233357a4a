#pragma once

#include <cstddef>
#include <cstdint>

/// Bounds of the engine: work in flight, mailboxes, waits, each with its answer at the limit.
namespace factory::limits {

inline constexpr std::size_t percentile_readings = 5'000'000;  ///< 400, narrow the range
inline constexpr std::size_t in_flight_readings = 4'000'000;   ///< credits: 503 with Retry-After
inline constexpr std::size_t in_flight_bytes = 256UL << 20;    ///< credits: 503 with Retry-After
inline constexpr double credit_reserve = 0.125;           ///< share of credits; with less free, bodies are refused undecoded: 503
inline constexpr double plentiful_credits = 0.5;          ///< share of credits; with less free, answers to long bodies wait
inline constexpr std::size_t paced_readings = 1'000;      ///< a body of this size is long
inline constexpr std::int64_t pace_ms = 200;              ///< answers to long bodies wait at most this long
inline constexpr std::size_t head_readings_spread = 512;  ///< heads differ by up to this: sensors do not all seal at once
inline constexpr std::size_t unstored_block_bytes = 32UL << 10;  ///< sealed blocks of a sensor, before they are stored
inline constexpr std::size_t checkpoint_block_readings =
    512;  ///< a checkpoint seals heads of this size and keeps smaller ones in the state
inline constexpr std::size_t dropped_head_readings = 256;  ///< of a sensor whose readings are stored elsewhere
inline constexpr int spare_heap_s = 60;                    ///< malloc returns unused memory at least this often
inline constexpr std::size_t groups_under_way = 2;         ///< in mailboxes; entries committed meanwhile wait, then go together
inline constexpr std::size_t group_readings = 262'144;     ///< of one group, whose credits return together
inline constexpr std::size_t overtaking_entries = 8;       ///< per commit group; further short entries wait in line
inline constexpr std::size_t overtaking_readings = 16;     ///< of an entry that may overtake; a longer one waits in line
inline constexpr std::size_t overtaken_entries = 64;       ///< in line; when there are more, none is overtaken
inline constexpr std::size_t wake_bundle = 32;             ///< sensors that one wake-up gives one worker
inline constexpr std::size_t journal_bytes_per_checkpoint = 128UL << 20;
inline constexpr std::size_t journal_checkpoints_held = 32;  ///< such lengths, held when setting aside fails; then 503
inline constexpr std::size_t set_aside_bytes = 64UL
                                               << 20;  ///< for failed sensors, beside the journal; then 503 for their readings
inline constexpr std::size_t ticks_kept =
    65'536;  ///< for actors that lag behind: 18 hours; the oldest go, a recovery waits instead
inline constexpr std::size_t checkpoint_wave = 64;          ///< sensors whose states are collected at once
inline constexpr std::size_t sensor_restarts_in_a_row = 3;  ///< then the sensor is failed, its queries 503
inline constexpr std::size_t left_out_kept = 100;           ///< machines that a pipeline leaves out; others are counted
inline constexpr std::size_t left_out_logged = 10;          ///< of them, a change of the catalog; then how many there are
inline constexpr std::int64_t query_deadline_ms = 10'000;   ///< 503
inline constexpr std::int64_t job_deadline_ms = 10'000;     ///< of a run by hand: 503, the run goes on

}  // namespace factory::limits
