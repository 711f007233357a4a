#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/alarm/thresholds.hpp"
#include "pipelines/model/event.hpp"

namespace factory {

/// The alarm states of one sensor: where min, max and each rule stand (limit_state).
/// A plain limit is raised by its first breach and cleared by the first reading back in range; a rule's options say otherwise. Readings
/// must come in increasing event time (out-of-order ones do not move alarms: they are ignored). A change of a limit clears its
/// alert when the last value does not pass the limit any more; it never raises one, the next reading does.
///
/// Events name the time at which the alert was raised in their key, so that the same readings and configs in the same order
/// give the same events. A cleared event repeats the limit and the level of the raising one. An alert of min or max whose readings pass the
/// limit by so much more that its level rises is escalated: once to each level, whose rank is the revision of the event.
class alarm_board {
 public:
  const sensor_config& config() const { return config_; }
  /// Puts new limits and rules into force; appends findings for alerts that this ends to `out`.
  void configure(sensor_config config, std::int64_t received_at_us, std::vector<event>& out);
  /// `received_at_us` is that of the commit and becomes recorded_at_us of the findings.
  void observe(std::int64_t time_us, double value, std::int64_t received_at_us, std::vector<event>& out);
  /// Time has come to `time_us` without a reading: delays that end by then have ended.
  void advance(std::int64_t time_us, std::int64_t received_at_us, std::vector<event>& out);
  /// When the next delay ends; INT64_MAX while none runs.
  std::int64_t due_us() const;
  /// Event time begins anew: the next reading may have any time. Alerts stay as they are.
  void begin_anew() { last_time_us_ = INT64_MIN; }
  std::size_t active_count() const;  ///< alerts that are raised and not cleared

  void encode(std::string& out) const;  ///< appended
  /// Reads what encode wrote from the front of `in` and advances it; false, and the board as it was, when damaged.
  bool decode(std::string_view& in);

 private:
  /// A limit that the current value passes.
  struct breach {
    double limit = 0;
    severity level{};
    double value = 0;
  };
  struct watched_limit {
    event_source source{};
    rule_id rule = 0;
    limit_state state;
    breach newest;     ///< the last breach seen: what an alert is raised with
    breach raised;     ///< what it was raised with
    severity worst{};  ///< since then
  };

  std::optional<breach> breach_of(event_source source, rule_id rule, double value) const;
  limit_state::standing standing(const watched_limit& limit, const std::optional<breach>& now) const;
  bool is_unchanged(const watched_limit& limit, const sensor_config& before) const;
  const alarm_options& options_of(const watched_limit& limit) const;
  void observe_limit(watched_limit& limit, std::int64_t received_at_us, std::vector<event>& out);
  void escalate(watched_limit& limit, const breach& now, std::int64_t received_at_us, std::vector<event>& out) const;
  void watch_breached();
  void report(watched_limit& limit, const limit_state::outcome& what, std::int64_t received_at_us, std::vector<event>& out) const;
  void forget_idle();
  static bool get_breach(std::string_view& in, breach& read);
  static bool get_limit(std::string_view& in, std::uint8_t version, watched_limit& limit);

  sensor_config config_;
  std::vector<watched_limit> limits_;  ///< those that are not idle
  std::int64_t last_time_us_ = 0;
  double last_value_ = 0;
  bool seen_ = false;
  calm_band calm_;
};

}  // namespace factory
