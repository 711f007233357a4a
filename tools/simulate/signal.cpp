#include "simulate/signal.hpp"

#include "simulate/chance.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace factory {
namespace {

constexpr std::int64_t second_us = 1'000'000;
constexpr double hour_s = 3'600, day_s = 24 * hour_s;
constexpr double early = 1.0, late = 0.9, night = 0.55;
constexpr std::int64_t longest_warm_up = 20'000;  // steps

// Counters of chance that belong to a sensor as a whole; noise uses another key.
enum signal_question : std::uint64_t { cycle_phase, trend_phase, white_noise };

double seconds(std::int64_t us) { return static_cast<double>(us) / second_us; }
double fraction(double x) { return x - std::floor(x); }

/// 0 to 1 without corners.
double smooth(double x) {
  const double t = std::clamp(x, 0.0, 1.0);
  return t * t * (3 - 2 * t);
}

double cycle_at(cycle_form form, double phase) {
  if (form == cycle_form::sine) return std::sin(2 * std::numbers::pi * phase);
  return phase < 0.6 ? -1 + 2 * phase / 0.6 : 1 - 2 * (phase - 0.6) / 0.4;
}

}  // namespace

double load_at(std::int64_t time_us, double ramp_s) {
  const double of_day = fraction(seconds(time_us) / day_s) * day_s;
  const auto change = [&](double hour, double from, double to) {
    return from + (to - from) * smooth((of_day - hour * hour_s) / ramp_s);
  };
  if (of_day < 6 * hour_s) return change(-2, late, night);  // since 22 h of the day before
  if (of_day < 14 * hour_s) return change(6, night, early);
  if (of_day < 22 * hour_s) return change(14, early, late);
  return change(22, late, night);
}

double signal_shape::lowest() const {
  return idle + std::min(load_gain * early, load_gain * night) - daily_swing - cycle_swing + std::min(0.0, trend_gain);
}

double signal_shape::highest() const {
  return idle + std::max(load_gain * early, load_gain * night) + daily_swing + cycle_swing + std::max(0.0, trend_gain);
}

double signal_shape::fault_scale() const { return 0.6 * (highest() - lowest()) + 10 * noise; }

sensor_signal::sensor_signal(const signal_shape& shape, std::uint64_t key, const fault_policy& policy, std::int64_t begin_us,
                             std::int64_t step_us)
    : shape_(shape),
      key_(key),
      policy_(policy),
      step_us_(step_us),
      memory_(std::exp(-seconds(step_us) / shape.noise_memory_s)),
      fresh_(std::sqrt(1 - memory_ * memory_)) {
  // The noise starts so far back that nothing of its start is left at the first reading; a fault may be under way there.
  const double forgotten_after = std::ceil(28 / -std::log(memory_));
  const auto warm_up = static_cast<std::int64_t>(std::min(forgotten_after, static_cast<double>(longest_warm_up)));
  const std::int64_t first_us = (begin_us + step_us - 1) / step_us * step_us;
  time_us_ = first_us - warm_up * step_us;
  while (time_us_ < first_us) step();

  slot_ = first_us / policy_.slot_us;
  planned_ = fault_of_slot(policy_, key_, slot_, step_us_, shape_.fault_scale());
  if (planned_ && planned_->kind == fault_kind::stuck && planned_->begin_us < first_us && first_us < planned_->end_us)
    stuck_at_ = sensor_signal(shape, key, {policy.slot_us, 0}, planned_->begin_us, step_us).next().value_or(0);
}

void sensor_signal::step() {
  noise_ = memory_ * noise_ + fresh_ * gaussian(~key_, static_cast<std::uint64_t>(time_us_ / step_us_));
  time_us_ += step_us_;
}

double sensor_signal::healthy() const {
  const double t = seconds(time_us_);
  const double day = std::cos(2 * std::numbers::pi * (t / day_s - 15.0 / 24));
  const double cycle = cycle_at(shape_.form, fraction(t / shape_.cycle_s + uniform(key_, cycle_phase)));
  const double white = gaussian(mix(key_, white_noise), static_cast<std::uint64_t>(time_us_ / step_us_));
  const double noise = shape_.noise * std::numbers::sqrt2 / 2 * (noise_ + white);
  const double wear = fraction(t / (60 * day_s) + uniform(key_, trend_phase));
  return shape_.idle + shape_.load_gain * load_at(time_us_, shape_.ramp_s) + shape_.daily_swing * day +
         shape_.cycle_swing * cycle + shape_.trend_gain * (wear < 0.5 ? 2 * wear : 2 - 2 * wear) + noise;
}

double sensor_signal::quantized(double value) const {
  return std::max(shape_.floor, std::round(value * shape_.steps_per_unit) / shape_.steps_per_unit);
}

std::optional<double> sensor_signal::next() {
  const std::int64_t now_us = time_us_;
  if (now_us / policy_.slot_us != slot_) {
    slot_ = now_us / policy_.slot_us;
    planned_ = fault_of_slot(policy_, key_, slot_, step_us_, shape_.fault_scale());
  }
  const double value = healthy();
  step();
  active_ = planned_ && planned_->begin_us <= now_us && now_us < planned_->end_us ? planned_ : std::nullopt;
  if (!active_) return quantized(value);
  switch (active_->kind) {
    case fault_kind::spike:
    case fault_kind::level_shift: return quantized(value + active_->size);
    case fault_kind::drift: {
      const double share =
          static_cast<double>(now_us - active_->begin_us) / static_cast<double>(active_->end_us - active_->begin_us);
      return quantized(value + share * active_->size);
    }
    case fault_kind::stuck:
      if (now_us == active_->begin_us) stuck_at_ = quantized(value);
      return stuck_at_;
    case fault_kind::drop_out: break;
  }
  return std::nullopt;
}

}  // namespace factory
