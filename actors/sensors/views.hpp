#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "pipelines/detect/detector_set.hpp"
#include "pipelines/judge/spc_watch.hpp"
#include "pipelines/model/reading.hpp"
#include "storage/series/time_series.hpp"

namespace factory {

/// A rolling window's statistics.
struct window_view {
  std::uint64_t count = 0;
  double mean = 0, std_dev = 0, min = 0, max = 0;  ///< all 0 when count is 0
  std::int64_t oldest_us = 0, newest_us = 0;
  std::int64_t covers_us = 0;  ///< how far back from the newest it is sure to hold all readings
};

/// A sensor's live state.
struct sensor_status {
  std::uint64_t accepted = 0;      ///< readings its actor has seen, repeated ones included
  std::uint64_t duplicate = 0;     ///< same time and value as a reading in memory: nothing changed
  std::uint64_t corrected = 0;     ///< same time as a reading in memory, other value: replaced
  std::uint64_t out_of_order = 0;  ///< behind the watermark, within the allowed lateness
  std::uint64_t late = 0;          ///< behind it by more
  std::uint64_t future = 0;        ///< ahead of received_at_us by more than the allowed skew
  std::uint64_t left_out = 0;      ///< of bad quality, or excluded: stored, not judged
  std::uint64_t restarts = 0;
  std::int64_t oldest_us = 0;     ///< earliest event time ever seen; meaningless when accepted is 0
  std::int64_t watermark_us = 0;  ///< newest event time that was not from the future
  std::uint64_t applied_sequence = 0;
  window_view count_window, time_window;
};

/// What the detectors of a sensor know.
struct detection_view {
  detector_set::expectation expected;
  std::array<bool, detector_count> warm{};  ///< by id of the detector, less 1
  std::vector<episode> open;                ///< in the order in which they were opened
  std::vector<spc_watch::change> broken;    ///< rules of control charts that are broken now
  spc_rules spc;                            ///< by which
  std::int64_t newest_us = INT64_MIN;       ///< newest reading judged; INT64_MIN before the first
  std::int64_t quiet_until_us =
      INT64_MAX;  ///< counts as silent from then on if nothing comes; INT64_MAX while it cannot, or is silent
};

/// Where a sensor's readings are settled: no older one is judged with those that come.
struct judging_edge {
  std::int64_t floor_us = INT64_MIN;
  std::optional<std::int64_t> held_us;  ///< where its judges stand still (hold_judging)
  std::int64_t oldest_us = INT64_MAX;   ///< earliest event time ever seen
};

/// What a query wants of a sensor beside its cut.
enum class view_more : std::uint8_t {
  nothing,
  status,    ///< counters and windows: costs a walk over the windows
  detection  ///< what its detectors know
};

/// A sensor actor's answer to a query.
struct sensor_view {
  sensor_cut cut;
  std::optional<reading> latest;            ///< the newest reading that was not from the future
  std::optional<sensor_status> status;      ///< if requested
  std::optional<detection_view> detection;  ///< if requested
  judging_edge edge = {};
};

}  // namespace factory
