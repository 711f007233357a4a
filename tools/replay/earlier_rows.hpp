#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "pipelines/model/reading.hpp"

namespace factory::replay {

/// The readings of one file so far, so that two that meet at (sensor, time) are seen. Readings of a sensor that come in time order cost
/// 16 bytes and no look-up. Of `most` readings only the newest of each sensor is kept on; whether a later one meets one of those
/// that were let go is then not known, unless it is newer than all of them.
class earlier_rows {
 public:
  enum class meeting : std::uint8_t { none, same, other, unknown };

  explicit earlier_rows(std::size_t most) : most_(most) {}
  /// Takes a reading in; where it meets an `other`, `before` is its value, and the new one takes its place.
  meeting put(sensor_id sensor, std::int64_t time_us, double value, double& before);

 private:
  struct run {  // in time order
    std::vector<std::int64_t> times_us;
    std::vector<double> values;
  };
  struct readings {
    std::vector<run> runs;
    std::int64_t newest_us = INT64_MIN;
    std::int64_t forgotten_from_us = INT64_MAX, forgotten_to_us = INT64_MIN;  // [from, to)
  };

  static double* find(readings& of, std::int64_t time_us);
  static void append(readings& to, std::int64_t time_us, double value);
  void forget();

  std::size_t most_, kept_ = 0;
  std::unordered_map<sensor_id, readings> sensors_;
};

}  // namespace factory::replay
