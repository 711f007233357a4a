#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace factory {

using factory_id = std::uint32_t;
using machine_id = std::uint32_t;
using sensor_id = std::uint32_t;  ///< 1 up; 0 means none
using rule_id = std::uint32_t;

/// One value of one sensor at one event time. Identity is (sensor, event_time_us).
struct reading {
  sensor_id sensor = 0;
  std::int64_t event_time_us = 0;  ///< microseconds since the Unix epoch, UTC
  double value = 0;                ///< finite
  std::uint8_t flags = 0;          ///< reading_flag bits
};

/// What is known of a reading beside its value: its quality as sent, what the engine noticed, what an operator decided. Stored with the
/// reading, shown in answers (reading_flags.hpp has the names). Good quality is no bit.
enum reading_flag : std::uint8_t {
  flag_none = 0,
  flag_late = 1,       ///< older than the watermark by more than the allowed lateness
  flag_future = 2,     ///< newer than received_at_us by more than the allowed skew
  flag_uncertain = 4,  ///< quality: used like any other, and shown
  flag_bad = 8,        ///< quality: stored, and left out of all that is computed
  flag_excluded = 16,  ///< by a correction; left out likewise
};
inline constexpr std::uint8_t quality_flags = flag_uncertain | flag_bad;
/// Windows, aggregates, roll-ups, detectors and limits take no reading with one of these.
inline constexpr std::uint8_t left_out_flags = flag_bad | flag_excluded;
constexpr bool is_left_out(std::uint8_t flags) { return (flags & left_out_flags) != 0; }

/// Rows [begin, end) of a batch: all readings of one sensor, in arrival order.
struct slice {
  sensor_id sensor = 0;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  std::size_t size() const { return end - begin; }
};

/// What flows: the readings of one request as columns, grouped by sensor.
/// Invariants: slices are sorted by sensor, each sensor at most once, contiguous, and cover all rows;
/// rows keep arrival order within a slice (a later row with the same time is the later write).
struct reading_batch {
  std::vector<std::int64_t> event_time_us;
  std::vector<double> value;
  std::vector<slice> slices;
  std::vector<std::uint8_t> flags = {};  ///< what the sender says of each row (quality_flags); empty: of none

  std::size_t size() const { return value.size(); }
  std::span<const std::int64_t> times(const slice& s) const { return {event_time_us.data() + s.begin, s.size()}; }
  std::span<const double> values(const slice& s) const { return {value.data() + s.begin, s.size()}; }
  /// One for each row of the slice, or none at all.
  std::span<const std::uint8_t> flags_of(const slice& s) const {
    return flags.empty() ? std::span<const std::uint8_t>() : std::span(flags).subspan(s.begin, s.size());
  }
  /// Asks the processor for the ends of a slice that is read soon: its rows were written by another core, a while ago. Inlined always:
  /// GCC takes a function that only fetches ahead for one without effect, and leaves its calls out.
  [[gnu::always_inline]] void fetch_ahead(const slice& s) const {
    if (s.begin >= s.end) return;
    for (const auto row : {s.begin, s.end - 1}) {
      __builtin_prefetch(&event_time_us[row]);
      __builtin_prefetch(&value[row]);
    }
  }
};

/// Rows in event-time order with unique times; what a query reads and what a block holds.
struct reading_run {
  std::vector<std::int64_t> event_time_us;
  std::vector<double> value;
  std::vector<std::uint8_t> flags;  ///< reading_flag bits

  std::size_t size() const { return value.size(); }
  bool empty() const { return value.empty(); }
  void push_back(std::int64_t time_us, double v, std::uint8_t f) {
    event_time_us.push_back(time_us);
    value.push_back(v);
    flags.push_back(f);
  }
};

}  // namespace factory
