#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/alarm/thresholds.hpp"
#include "pipelines/model/event.hpp"

namespace factory {

/// The alarm states of one sensor: for min, max and each rule either clear or active since a reading.
/// A breach while clear raises an alert; the first reading that is back in range clears it. Readings must come in
/// increasing event time (out-of-order ones do not move alarms: they are ignored). A config change clears alerts whose
/// limit is gone or is no longer passed by the last value; it never raises one, the next reading does.
///
/// Events name the reading that raised the alert in their key, so that the same readings and configs in the same order
/// give the same events. A cleared event repeats the limit and the level of the raising one.
class alarm_board {
 public:
  const sensor_config& config() const { return config_; }
  /// Puts new limits and rules into force; appends findings for alerts that this ends to `out`.
  void configure(sensor_config config, std::int64_t received_at_us, std::vector<event>& out);
  /// `received_at_us` is that of the commit and becomes recorded_at_us of the findings.
  void observe(std::int64_t time_us, double value, std::int64_t received_at_us, std::vector<event>& out);
  std::size_t active_count() const { return active_.size(); }

  void encode(std::string& out) const;  ///< appended
  /// Reads what encode wrote from the front of `in` and advances it; false, and the board as it was, when damaged.
  bool decode(std::string_view& in);

 private:
  /// A limit that the current value passes.
  struct breach {
    double limit;
    severity level;
  };
  struct active_alert {
    event_source source;
    rule_id rule;
    std::int64_t since_us;
    breach raised;
  };

  std::optional<breach> breach_of(event_source source, rule_id rule, double value) const;
  void raise_if_clear(event_source source, rule_id rule, const breach& found, std::int64_t received_at_us,
                      std::vector<event>& out);
  void clear_ended(std::int64_t received_at_us, std::vector<event>& out);

  sensor_config config_;
  std::vector<active_alert> active_;
  std::int64_t last_time_us_ = 0;
  double last_value_ = 0;
  bool seen_ = false;
  calm_band calm_;
};

}  // namespace factory
