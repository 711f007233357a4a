#pragma once

#include "simulate/faults.hpp"

#include <cstdint>
#include <optional>

namespace factory {

/// Shape of the machine's work cycle: a sine, or a slow rise and a faster fall (a tank that fills and empties).
enum class cycle_form : std::uint8_t { sine, saw };

/// The signal of a healthy sensor. Values are in the sensor's unit.
///
///   value(t) = idle + load_gain * load(t) + daily_swing * day(t) + cycle_swing * cycle(t) + trend_gain * trend(t) + noise(t)
///
/// load is 1 in the early shift (06-14 h UTC), 0.9 in the late one (14-22 h), 0.55 at night, and takes `ramp_s` to change;
/// day is a cosine with its top at 15 h; trend rises from 0 to 1 in 30 days of wear and goes back in 30 days of renewal;
/// noise has the deviation `noise`: half its variance is the process's (AR(1), forgets within `noise_memory_s`), half is
/// the sensor's own (white).
struct signal_shape {
  double idle = 0, load_gain = 0, ramp_s = 600;
  double daily_swing = 0;
  double cycle_swing = 0, cycle_s = 60;
  cycle_form form = cycle_form::sine;
  double trend_gain = 0;
  double noise = 0, noise_memory_s = 60;
  double steps_per_unit = 10;  ///< resolution: 10 means one decimal
  double floor = 0;            ///< readings are never below it: the physical or the sensor's own limit

  double lowest() const;  ///< of value(t), noise left out
  double highest() const;
  /// The size of a fault that matters: about what lies between the middle of the range and beyond its end.
  double fault_scale() const;
};

/// 0.55 to 1: how hard the factory works.
double load_at(std::int64_t time_us, double ramp_s);

/// The readings of one simulated sensor, one every step_us. A reading is a function of shape, key, policy, step and time
/// alone: a second run over the same time gives the same readings, wherever it starts.
class sensor_signal {
 public:
  /// The first reading is at the first multiple of step_us that is not before begin_us.
  sensor_signal(const signal_shape& shape, std::uint64_t key, const fault_policy& policy, std::int64_t begin_us,
                std::int64_t step_us);

  std::int64_t next_time_us() const { return time_us_; }
  /// The reading at next_time_us(), which moves on by one step; nullopt in a drop-out.
  std::optional<double> next();
  /// The fault that the reading last asked for was under, if any.
  const std::optional<fault>& active_fault() const { return active_; }

 private:
  double healthy() const;
  double quantized(double value) const;
  void step();

  signal_shape shape_;
  std::uint64_t key_;
  fault_policy policy_;
  std::int64_t step_us_;
  std::int64_t time_us_;
  double memory_, fresh_;  ///< of the noise: what stays from step to step, what comes in
  double noise_ = 0;
  std::int64_t slot_ = -1;
  std::optional<fault> planned_, active_;
  double stuck_at_ = 0;
};

}  // namespace factory
