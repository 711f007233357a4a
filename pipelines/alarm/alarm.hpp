#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/alarm/anomaly_note.hpp"
#include "pipelines/alarm/limit_order.hpp"
#include "pipelines/alarm/thresholds.hpp"
#include "pipelines/model/event.hpp"
#include "pipelines/model/shared_value.hpp"

namespace factory {

/// The alarm states of one sensor: where min, max and each rule stand (limit_state), and what operators made of them.
/// A plain limit is raised by its first breach and cleared by the first reading back in range; a rule's options say otherwise. Readings
/// must come in increasing event time (out-of-order ones do not move alarms: they are ignored). A change of a limit clears its
/// alert when the last value does not pass the limit any more; it never raises one, the next reading does.
///
/// Alerts are raised whether or not somebody is told: that nobody is (shelved, suppressed, out of service) stands in the detail of each
/// event (alarm_detail::hushed), and a change of it while the alert is open is an event.
///
/// A rule with a schedule is watched from the begin of a shift to its end, half-open: the first reading of the next shift finds it as new.
///
/// Events name the time at which the alert was raised in their key, so that the same readings, configs and orders at the same places
/// give the same events. A cleared event repeats the limit and the level of the raising one.
///
/// What a rule about anomalies is compared with is not kept here but looked up (look_up): it is what was said up to the instant at hand.
///
/// An alert follows its readings to its peak: the one that is furthest beyond the limit. It is escalated where that says another level,
/// or has grown by `peak_growth` since it was told last; what grew behind the last escalation is told with the end.
class alarm_board {
 public:
  const sensor_config& config() const { return config_.read(); }
  /// Where anomalies are looked up, which must outlive the board and its copies; null: there are none.
  void look_up(const anomaly_notes* where) { anomalies_ = where; }
  /// Puts new limits and rules into force; appends findings for alerts that this ends to `out`. What is due up to `place_us` happens
  /// before; a silence that a new rule is about begins at `since_us` at the earliest.
  void configure(sensor_config wanted, std::int64_t place_us, std::int64_t since_us, std::int64_t received_at_us,
                 std::vector<event>& out);
  /// `received_at_us` is that of the commit and becomes recorded_at_us of the findings.
  void observe(std::int64_t time_us, double value, std::int64_t received_at_us, std::vector<event>& out) {
    observe({time_us, value}, received_at_us, out);
  }
  /// What is to be seen at one time.
  struct instant {
    std::int64_t time_us = 0;
    std::optional<double> value = {};  ///< of a reading that is judged
    bool looks = false;                ///< something is said of anomalies
    bool poor = false;                 ///< there is a reading, and it is not of good quality
    bool heard = false;                ///< there is a reading, and all that counts of it is that it came: no silence
  };
  void observe(const instant& at, std::int64_t received_at_us, std::vector<event>& out);
  /// Time has come to `time_us` without a reading: delays, shelves and silences that end by then have ended, in the order of their ends.
  void advance(std::int64_t time_us, std::int64_t received_at_us, std::vector<event>& out);
  /// An operator's order takes force. An acknowledgement says nothing here; one that asks for what is not there does nothing.
  void obey(const limit_order& order, std::int64_t received_at_us, std::vector<event>& out);
  /// When time alone next changes something; INT64_MAX while it does not.
  std::int64_t due_us() const;
  /// Event time begins anew: the next reading may have any time. Alerts stay as they are.
  void begin_anew() {
    last_time_us_ = INT64_MIN;
    poor_since_us_ = INT64_MAX;
    is_to_look_ = true;
  }
  std::size_t active_count() const;  ///< alerts that are raised and not cleared
  limit_state::phase phase_of(event_source source, rule_id rule) const;
  const std::vector<shelf>& shelves() const { return shelves_; }
  /// What an event says beside the limit: whether anybody is told of this limit's alerts.
  alarm_detail detail_of(event_source source, rule_id rule) const;

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
  /// How bad a breach is: by its level, then by how far it is beyond the limit.
  struct extent {
    severity level{};
    double excess = 0;
    auto operator<=>(const extent&) const = default;
  };
  /// Why nobody is told of an alert, the strongest reason, and until when.
  enum class hush_reason : std::uint8_t { none, shelved, suppressed, out_of_service };
  struct hush {
    hush_reason why = hush_reason::none;
    std::int64_t until_us = 0;
    bool operator==(const hush&) const = default;
  };
  struct watched_limit {
    event_source source{};
    rule_id rule = 0;
    limit_state state;
    breach newest;        ///< the last breach seen: what an alert is raised with
    breach raised;        ///< what it was raised with
    double compared = 0;  ///< what the newest reading was to the limit: its value, rate, or the silence before it
    ladder_step step = ladder_step::none;    ///< of the newest breach
    bool silent = false;                     ///< of silence: what lasts since the newest reading is a breach already; of
                                             ///< anomaly: there is one now
    std::int64_t shift_ends_us = INT64_MAX;  ///< when its rule's schedule ends
    bool off_shift = false;                  ///< it has ended: only a silence is remembered
    // Of the open alert:
    bool acknowledged = false;
    hush told{};                   ///< as its newest event says
    std::uint32_t repeats = 0;     ///< events that may be repeated: the revision of the next one
    std::int64_t repeated_us = 0;  ///< when the newest of them happened: their times do not fall
    std::uint32_t reminders = 0;   ///< times at which it was to be told again
    extent peak, told_peak;        ///< of its worst reading; as far as events have told
    double peak_value = 0;
    std::int64_t peak_us = 0;
    std::uint32_t escalations = 0;  ///< so far: the revision of the next one
    bool worse = false;             ///< since the newest reading, not yet reported, like `said`
    bool stepped = false;           ///< on its ladder, not yet reported, like `said`
    limit_state::outcome said{};
  };

  const alert_rule* rule_of(const watched_limit& limit) const;
  const alarm_options& options_of(const watched_limit& limit) const;
  std::optional<breach> breach_of(event_source source, rule_id rule, double value) const;
  limit_state::standing standing(const watched_limit& limit, const std::optional<breach>& now) const;
  bool is_unchanged(const watched_limit& limit, const sensor_config& before) const;
  bool still_breaches(const watched_limit& limit, std::int64_t time_us) const;
  std::optional<double> compared_by(const watched_limit& limit, std::int64_t time_us, double value) const;
  std::optional<double> rate_to(std::int64_t time_us, double value) const;
  void observe_limit(watched_limit& limit, std::int64_t time_us, double value, bool poor);
  void note_quality(const instant& at);
  void hear(std::int64_t time_us);
  void judge(watched_limit& limit, std::int64_t time_us, limit_state::standing how, bool was_raised);
  std::optional<anomaly_note> anomaly_at(const alert_rule& rule, std::int64_t time_us) const;
  void see_anomalies(std::int64_t time_us);
  std::int64_t looks_in_shift_us(const watched_limit& limit) const;
  bool looks_in_shift(std::int64_t time_us) const;
  void climb(watched_limit& limit, const alert_rule& rule);
  extent extent_of(const watched_limit& limit, const breach& of) const;
  void grow(watched_limit& limit, std::int64_t time_us, const extent& by);
  watched_limit& watch(event_source source, rule_id rule, std::int64_t time_us);
  watched_limit* find_limit(event_source source, rule_id rule);
  void watch_breached(std::int64_t time_us, double value);

  void come_to(std::int64_t time_us, std::int64_t received_at_us, std::vector<event>& out);
  void pass_time(std::int64_t until_us, std::int64_t received_at_us, std::vector<event>& out);
  bool end_shifts(std::int64_t time_us);
  void place_in_shift(watched_limit& limit, std::int64_t time_us) const;
  void note_silence(std::int64_t time_us);
  void advance_limits(std::int64_t time_us);
  std::int64_t silence_ends_us(const alert_rule& rule) const;
  std::int64_t reminder_us(const watched_limit& limit) const;
  void remind(std::int64_t time_us, std::int64_t received_at_us, std::vector<event>& out);

  hush hush_of(event_source source, rule_id rule) const;
  bool is_in_breach(rule_id rule) const;
  shelf* find_shelf(event_source source, rule_id rule, bool out_of_service);
  void take_off_once(event_source source, rule_id rule);
  void change_shelf(const limit_order& order, std::int64_t received_at_us, std::vector<event>& out);
  void answer_unraised(const limit_order& order, event_kind kind, std::int64_t received_at_us, std::vector<event>& out) const;

  void report_all(std::int64_t at_us, std::int64_t received_at_us, std::vector<event>& out, const limit_order* order = nullptr);
  void report(watched_limit& limit, const limit_order* order, std::int64_t received_at_us, std::vector<event>& out);
  void escalate(watched_limit& limit, std::int64_t at_us, std::int64_t received_at_us, std::vector<event>& out);
  void end(watched_limit& limit, std::int64_t raised_us, std::int64_t at_us, std::int64_t received_at_us,
           const limit_order* order, std::vector<event>& out);
  void raise(watched_limit& limit, std::int64_t at_us, std::int64_t received_at_us, std::vector<event>& out);
  event made(const watched_limit& limit, event_kind kind, std::int64_t raised_us, std::int64_t at_us,
             std::int64_t received_at_us) const;
  void repeat(watched_limit& limit, event_kind kind, std::int64_t at_us, std::int64_t received_at_us, const limit_order* order,
              std::vector<event>& out);
  void tell_hush(watched_limit& limit, std::int64_t at_us, std::int64_t received_at_us, std::vector<event>& out);
  void forget_idle();

  static bool get_breach(std::string_view& in, breach& read);
  static bool get_limit(std::string_view& in, std::uint8_t version, watched_limit& limit);
  static bool get_discipline(std::string_view& in, watched_limit& limit);
  static bool get_peak(std::string_view& in, watched_limit& limit);
  void set_old_peak(watched_limit& limit) const;
  static void put_limit(std::string& out, const watched_limit& limit);
  bool decode_body(std::string_view& in, std::uint8_t version);
  void prepare();

  shared_value<sensor_config> config_;
  std::vector<watched_limit> limits_;  ///< those that are not idle
  std::vector<shelf> shelves_;         ///< few; at most one of each kind for a limit
  std::int64_t last_time_us_ = 0;
  double last_value_ = 0;
  std::int64_t silent_since_us_ = INT64_MIN;  ///< newest reading, or when a rule about silence came later
  calm_band calm_;
  std::int64_t good_since_us_ = INT64_MIN;  ///< newest good reading, or when a rule about quality came later
  std::int64_t poor_since_us_ = INT64_MAX;  ///< first reading behind it; INT64_MAX: there is none
  bool seen_ = false;
  bool watches_silence_ = false;
  bool is_to_look_ = false;  ///< anomalies ended without a word
  const anomaly_notes* anomalies_ = nullptr;
};

}  // namespace factory
