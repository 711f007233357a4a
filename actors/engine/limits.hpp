#pragma once

#include <cstddef>
#include <cstdint>

/// Bounds of the engine: work in flight, mailboxes, waits, each with its answer at the limit.
namespace factory::limits {

inline constexpr std::size_t percentile_readings = 5'000'000;  ///< 400, narrow the range
inline constexpr std::size_t in_flight_readings = 4'000'000;   ///< credits: 503 with Retry-After
inline constexpr std::size_t in_flight_bytes = 256UL << 20;    ///< credits: 503 with Retry-After
inline constexpr double credit_reserve = 0.125;           ///< of the credits; with less free, bodies are refused undecoded: 503
inline constexpr double plentiful_credits = 0.5;          ///< of the credits; with less free, long bodies are answered later ...
inline constexpr std::size_t paced_readings = 1'000;      ///< ... those of as many readings ...
inline constexpr std::int64_t pace_ms = 200;              ///< ... by so much at most
inline constexpr std::size_t head_readings_spread = 512;  ///< or up to so much smaller: not all sensors at once
inline constexpr std::size_t unstored_block_bytes = 32UL << 10;  ///< of a sensor's sealed blocks: stored, with its state
inline constexpr std::size_t checkpoint_block_readings =
    512;                                            ///< a checkpoint seals heads of this size and keeps smaller ones in the state
inline constexpr int spare_heap_s = 60;             ///< malloc keeps what nobody uses no longer, under load too
inline constexpr std::size_t groups_under_way = 2;  ///< in mailboxes; entries committed meanwhile wait and go together
inline constexpr std::size_t group_readings = 262'144;  ///< of those that go together: their credits come back together
inline constexpr std::size_t overtaking_entries = 8;    ///< of a commit group; the others wait in line
inline constexpr std::size_t overtaking_readings = 16;  ///< of an entry; a longer one waits in line
inline constexpr std::size_t overtaken_entries = 64;    ///< in line; behind more nothing is overtaken
inline constexpr std::size_t wake_bundle = 32;          ///< actors that one worker runs in turn: fewer keep more workers busy
inline constexpr std::size_t journal_bytes_per_checkpoint = 128UL << 20;
inline constexpr std::size_t journal_checkpoints_held = 32;  ///< times that length, held back by a failed sensor: readings 503
inline constexpr std::size_t checkpoint_wave = 64;           ///< sensors whose states are collected at once
inline constexpr std::size_t sensor_restarts_in_a_row = 3;   ///< then the sensor is failed, its queries 503
inline constexpr std::int64_t query_deadline_ms = 10'000;    ///< 503
inline constexpr std::int64_t job_deadline_ms = 10'000;      ///< of a run by hand: 503, the run goes on

}  // namespace factory::limits
