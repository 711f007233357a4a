#include "pipelines/alarm/alarm.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "pipelines/alarm/alarm_rules.hpp"

namespace factory {

void alarm_board::prepare() {
  calm_ = calm_values(config());
  watches_silence_ = std::any_of(config().rules.begin(), config().rules.end(), watches_silence);
}

void alarm_board::configure(sensor_config wanted, std::int64_t place_us, std::int64_t since_us, std::int64_t received_at_us,
                            std::vector<event>& out) {
  pass_time(place_us, received_at_us, out);
  const auto held = config_;
  const auto& before = held.read();
  config_ = {};
  config_.change() = std::move(wanted);
  const auto at_us = place_us == INT64_MIN ? since_us : place_us;
  prepare();
  for (auto& limit : limits_) {
    if (is_unchanged(limit, before)) continue;
    place_in_shift(limit, at_us);
    if (still_breaches(limit, at_us) && !limit.off_shift) continue;
    limit.said = limit.state.end(at_us);
    limit.silent = false;
  }
  std::erase_if(shelves_, [this](const shelf& each) { return each.rule != 0 && find_rule(config(), each.rule) == nullptr; });
  for (const alert_rule& rule : config().rules) {
    const auto* const old = find_rule(before, rule.id);
    if (!watches_silence(rule) || (old != nullptr && *old == rule)) continue;
    auto& counts_from_us = is_about_quality(&rule) ? good_since_us_ : silent_since_us_;
    counts_from_us = std::max(counts_from_us, since_us);
  }
  if (poor_since_us_ <= good_since_us_) poor_since_us_ = INT64_MAX;
  see_anomalies(at_us);
  report_all(at_us, received_at_us, out);
  forget_idle();
}

bool alarm_board::is_unchanged(const watched_limit& limit, const sensor_config& before) const {
  if (limit.source != event_source::alert_rule) return before.thresholds == config().thresholds;
  const auto* const old = find_rule(before, limit.rule);
  const auto* const now = find_rule(config(), limit.rule);
  return old != nullptr && now != nullptr && judged(*old) == judged(*now);  // older journals have the texts, too
}

bool alarm_board::still_breaches(const watched_limit& limit, std::int64_t time_us) const {
  const auto* const rule = rule_of(limit);
  if (is_about_anomalies(rule)) return anomaly_at(*rule, time_us).has_value();
  if (rule != nullptr && is_about_silence(*rule)) return false;  // the next silence decides
  const bool is_rate = rule != nullptr && rule->condition == rule_condition::rate_above;
  return breach_of(limit.source, limit.rule, is_rate ? limit.compared : last_value_).has_value();
}

void alarm_board::observe(const instant& at, std::int64_t received_at_us, std::vector<event>& out) {
  const auto time_us = at.time_us;
  if (at.value && seen_ && time_us <= last_time_us_) return;
  come_to(time_us, received_at_us, out);
  if (std::exchange(is_to_look_, false) || at.looks || looks_in_shift(time_us)) see_anomalies(time_us);
  if (at.heard) hear(time_us);
  const bool is_quiet = limits_.empty() && !at.poor && (!at.value || calm_.contains(*at.value));  // nearly every reading
  if (!is_quiet && at.value) {
    watch_breached(time_us, *at.value);
    for (auto& limit : limits_) observe_limit(limit, time_us, *at.value, at.poor);
  }
  note_quality(at);
  if (at.value) {
    seen_ = true;
    last_time_us_ = silent_since_us_ = time_us;
    last_value_ = *at.value;
  }
  if (is_quiet) return;
  note_silence(time_us);
  advance_limits(time_us);
  report_all(time_us, received_at_us, out);
  forget_idle();
}

/// Delays that end by this time, of what nothing else was said of.
void alarm_board::advance_limits(std::int64_t time_us) {
  for (auto& limit : limits_)
    if (limit.said.what == limit_state::change::none) limit.said = limit.state.advance(options_of(limit), time_us);
}

void alarm_board::note_quality(const instant& at) {
  if (at.value && !at.poor) {
    good_since_us_ = at.time_us;
    poor_since_us_ = INT64_MAX;
  } else if (at.poor && at.time_us > good_since_us_) {
    poor_since_us_ = std::min(poor_since_us_, at.time_us);
  }
}

void alarm_board::hear(std::int64_t time_us) {
  for (auto& limit : limits_)
    if (const auto* const rule = rule_of(limit); rule != nullptr && is_about_silence(*rule) && !is_about_quality(rule))
      observe_limit(limit, time_us, last_value_, false);
  silent_since_us_ = std::max(silent_since_us_, time_us);
}

/// All that happens before this time has happened.
void alarm_board::come_to(std::int64_t time_us, std::int64_t received_at_us, std::vector<event>& out) {
  if (limits_.empty() && shelves_.empty() && !watches_silence_) return;
  pass_time(time_us - 1, received_at_us, out);
  if (end_shifts(time_us)) report_all(time_us, received_at_us, out);
}

/// The worst anomaly that the rule is about.
std::optional<anomaly_note> alarm_board::anomaly_at(const alert_rule& rule, std::int64_t time_us) const {
  if (!rule.enabled || anomalies_ == nullptr) return std::nullopt;
  return anomalies_->worst_at(time_us, rule.options.anomalies);
}

void alarm_board::see_anomalies(std::int64_t time_us) {
  for (const alert_rule& rule : config().rules) {
    if (!is_about_anomalies(&rule)) continue;
    const auto worst = anomaly_at(rule, time_us);
    if (!worst && find_limit(event_source::alert_rule, rule.id) == nullptr) continue;
    auto& limit = watch(event_source::alert_rule, rule.id, time_us);
    limit.silent = worst.has_value();
    if (limit.off_shift) continue;
    const bool was_raised = limit.state.is_raised() && !limit.state.is_latched();
    limit.compared = worst ? worst->score : 0;
    if (worst) limit.newest = {rule.options.anomalies.score, rule.level, worst->score};
    judge(limit, time_us, worst ? limit_state::standing::breach : limit_state::standing::back, was_raised);
  }
}

/// When a rule first looks at an anomaly that opened while it was off shift; INT64_MAX when there is none.
std::int64_t alarm_board::looks_in_shift_us(const watched_limit& limit) const {
  if (!limit.off_shift || !limit.silent || !is_about_anomalies(rule_of(limit))) return INT64_MAX;
  return options_of(limit).schedule.begins_us(limit.shift_ends_us);
}

bool alarm_board::looks_in_shift(std::int64_t time_us) const {
  return std::ranges::any_of(limits_, [&](const auto& limit) { return looks_in_shift_us(limit) <= time_us; });
}

std::optional<double> alarm_board::rate_to(std::int64_t time_us, double value) const {
  if (!seen_ || last_time_us_ == INT64_MIN) return std::nullopt;
  return std::abs(value - last_value_) / (static_cast<double>(time_us - last_time_us_) / 1e6);
}

/// What this reading is to the limit; nullopt where it says nothing.
std::optional<double> alarm_board::compared_by(const watched_limit& limit, std::int64_t time_us, double value) const {
  const auto* const rule = rule_of(limit);
  if (rule == nullptr) return value;
  if (rule->condition == rule_condition::rate_above) return rate_to(time_us, value);
  if (!is_about_silence(*rule)) return value;
  const auto since_us = is_about_quality(rule) ? good_since_us_ : silent_since_us_;
  return since_us == INT64_MIN ? 0 : static_cast<double>(time_us - since_us) / 1e6;
}

void alarm_board::observe_limit(watched_limit& limit, std::int64_t time_us, double value, bool poor) {
  if (is_about_anomalies(rule_of(limit)) || (poor && is_about_quality(rule_of(limit)))) return;
  if (limit.off_shift) {
    limit.silent = false;
    return;
  }
  const auto compared = compared_by(limit, time_us, value);
  if (!compared) return;
  limit.compared = *compared;
  const bool was_raised = limit.state.is_raised() && !limit.state.is_latched();
  if (std::exchange(limit.silent, false) && was_raised)
    grow(limit, time_us, extent_of(limit, {limit.newest.limit, limit.newest.level, *compared}));
  const auto now = breach_of(limit.source, limit.rule, limit.compared);
  if (now) {
    limit.newest = *now;
    if (const auto* const rule = rule_of(limit); rule != nullptr && rule->condition == rule_condition::ladder)
      climb(limit, *rule);
  }
  judge(limit, time_us, standing(limit, now), was_raised);
}

/// By its newest breach, if this is one.
void alarm_board::judge(watched_limit& limit, std::int64_t time_us, limit_state::standing how, bool was_raised) {
  if (const auto said = limit.state.observe(options_of(limit), time_us, how); said.what != limit_state::change::none)
    limit.said = said;
  limit.stepped = limit.stepped && was_raised && limit.state.is_raised();
  if (how != limit_state::standing::breach || !was_raised) return;
  grow(limit, time_us, extent_of(limit, limit.newest));
  const auto told = std::max(limit.told_peak.excess, std::abs(limit.newest.limit) * least_excess);
  limit.worse =
      limit.peak.level > limit.told_peak.level || (limit.peak > limit.told_peak && limit.peak.excess >= told * peak_growth);
  if (limit.worse) limit.told_peak = limit.peak;
}

/// On a ladder, beyond the limit that is passed first on its way.
alarm_board::extent alarm_board::extent_of(const watched_limit& limit, const breach& of) const {
  const auto* const rule = rule_of(limit);
  auto from = of.limit;
  if (rule != nullptr && rule->condition == rule_condition::ladder) {
    const bool above = limit.step == ladder_step::high || limit.step == ladder_step::high_high;
    const auto inner = above ? rule->high : rule->low;
    if (std::isfinite(inner)) from = inner;
  }
  return {of.level, std::abs(of.value - from)};
}

void alarm_board::grow(watched_limit& limit, std::int64_t time_us, const extent& by) {
  if (by <= limit.peak) return;
  limit.peak = by;
  limit.peak_value = limit.compared;
  limit.peak_us = time_us;
}

/// To the step of the newest breach, or down to it where the deadband lets go of the one before.
void alarm_board::climb(watched_limit& limit, const alert_rule& rule) {
  const auto step = step_of(rule, limit.compared, limit.step);
  limit.stepped = step != limit.step;
  limit.step = step;
  limit.newest.limit = limit_at(rule, step);
  limit.newest.level = level_at(rule, step);
}

alarm_board::watched_limit* alarm_board::find_limit(event_source source, rule_id rule) {
  const auto found = std::find_if(limits_.begin(), limits_.end(),
                                  [&](const auto& limit) { return limit.source == source && limit.rule == rule; });
  return found == limits_.end() ? nullptr : &*found;
}

alarm_board::watched_limit& alarm_board::watch(event_source source, rule_id rule, std::int64_t time_us) {
  auto* limit = find_limit(source, rule);
  if (limit == nullptr) {
    limit = &limits_.emplace_back();
    limit->source = source;
    limit->rule = rule;
    limit->off_shift = true;
  }
  if (limit->off_shift) place_in_shift(*limit, time_us);
  return *limit;
}

void alarm_board::place_in_shift(watched_limit& limit, std::int64_t time_us) const {
  limit.shift_ends_us = options_of(limit).schedule.ends_us(time_us);
  limit.off_shift = limit.shift_ends_us <= time_us;
}

/// Alerts, delays and counts end with their shift. Whether any did.
bool alarm_board::end_shifts(std::int64_t time_us) {
  bool any = false;
  for (auto& limit : limits_) {
    if (limit.off_shift || limit.shift_ends_us > time_us) continue;
    any = limit.off_shift = true;
    limit.said = limit.state.end(limit.shift_ends_us);
  }
  return any;
}

/// Begins to watch what the value breaches.
void alarm_board::watch_breached(std::int64_t time_us, double value) {
  if (const auto found = check_thresholds(config().thresholds, value))
    watch(found->type == breach_type::below_minimum ? event_source::min_threshold : event_source::max_threshold, 0, time_us);
  for (const alert_rule& rule : config().rules) {
    const auto compared = rule.condition == rule_condition::rate_above ? rate_to(time_us, value) : std::optional(value);
    if (compared && breached_limit(rule, *compared) && rule.options.schedule.covers(time_us))
      watch(event_source::alert_rule, rule.id, time_us);
  }
}

void alarm_board::advance(std::int64_t time_us, std::int64_t received_at_us, std::vector<event>& out) {
  pass_time(time_us, received_at_us, out);
}

/// One instant after the other, so that what happens at one of them finds the states as they were then: ends of shifts, silences, then
/// delays, then ends of shelves, then reminders, all but the first behind the readings of that time.
void alarm_board::pass_time(std::int64_t until_us, std::int64_t received_at_us, std::vector<event>& out) {
  for (auto due = due_us(); due <= until_us; due = due_us()) {
    end_shifts(due);
    note_silence(due);
    if (looks_in_shift(due)) see_anomalies(due);
    advance_limits(due);
    report_all(due, received_at_us, out);
    if (std::erase_if(shelves_, [due](const shelf& each) { return each.until_us <= due; }) != 0)
      report_all(due, received_at_us, out);
    remind(due, received_at_us, out);
    forget_idle();
  }
}

std::int64_t alarm_board::due_us() const {
  auto soonest = INT64_MAX;
  const auto at = [&soonest](std::int64_t us) { soonest = std::min(soonest, us); };
  for (const auto& limit : limits_) {
    at(limit.state.due_us(options_of(limit)).value_or(INT64_MAX));
    at(reminder_us(limit));
    at(looks_in_shift_us(limit));
    if (!limit.off_shift && (limit.silent || !limit.state.is_idle())) at(limit.shift_ends_us);
  }
  for (const auto& each : shelves_) at(each.until_us);
  if (watches_silence_)
    for (const alert_rule& rule : config().rules) at(silence_ends_us(rule));
  return soonest;
}

/// When the silence that goes on becomes a breach of the rule; INT64_MAX when it is one, or is none of the rule's business. Within a shift
/// it counts from the begin of that.
std::int64_t alarm_board::silence_ends_us(const alert_rule& rule) const {
  const bool of_quality = is_about_quality(&rule);
  const auto since_us = of_quality ? good_since_us_ : silent_since_us_;
  const auto earliest_us = of_quality ? poor_since_us_ : INT64_MIN;
  if (!watches_silence(rule) || since_us == INT64_MIN || earliest_us == INT64_MAX) return INT64_MAX;
  const auto noted = std::find_if(limits_.begin(), limits_.end(), [&](const auto& limit) {
    return limit.source == event_source::alert_rule && limit.rule == rule.id && limit.silent;
  });
  if (noted != limits_.end() && !noted->off_shift) return INT64_MAX;
  return factory::silence_ends_us(rule.options, noted == limits_.end() ? since_us : noted->shift_ends_us, earliest_us);
}

void alarm_board::note_silence(std::int64_t time_us) {
  if (!watches_silence_) return;
  for (const alert_rule& rule : config().rules) {
    if (silence_ends_us(rule) > time_us) continue;
    auto& limit = watch(event_source::alert_rule, rule.id, time_us);
    const double seconds = static_cast<double>(rule.options.silence_us) / 1e6;
    limit.silent = true;
    limit.compared = seconds;
    limit.newest = {seconds, rule.level, seconds};
    limit.said = limit.state.observe(rule.options, time_us, limit_state::standing::breach);
  }
}

std::int64_t alarm_board::reminder_us(const watched_limit& limit) const {
  const auto every_us = options_of(limit).re_alarm_us;
  if (every_us == 0 || !limit.state.is_raised() || limit.acknowledged || limit.reminders >= most_reminders) return INT64_MAX;
  return limit.state.raised_us() + (limit.reminders + 1) * every_us;
}

void alarm_board::remind(std::int64_t time_us, std::int64_t received_at_us, std::vector<event>& out) {
  for (auto& limit : limits_) {
    if (reminder_us(limit) > time_us) continue;
    ++limit.reminders;
    if (limit.told.why == hush_reason::none) repeat(limit, event_kind::alert_reminded, time_us, received_at_us, nullptr, out);
  }
}

std::size_t alarm_board::active_count() const {
  return static_cast<std::size_t>(
      std::count_if(limits_.begin(), limits_.end(), [](const auto& limit) { return limit.state.is_raised(); }));
}

limit_state::phase alarm_board::phase_of(event_source source, rule_id rule) const {
  const auto found = std::find_if(limits_.begin(), limits_.end(),
                                  [&](const auto& limit) { return limit.source == source && limit.rule == rule; });
  return found == limits_.end() ? limit_state::phase::normal : found->state.where();
}

const alert_rule* alarm_board::rule_of(const watched_limit& limit) const {
  return limit.source == event_source::alert_rule ? find_rule(config(), limit.rule) : nullptr;
}

const alarm_options& alarm_board::options_of(const watched_limit& limit) const {
  static const alarm_options plain_limit;
  const auto* const rule = rule_of(limit);
  return rule != nullptr ? rule->options : plain_limit;
}

std::optional<alarm_board::breach> alarm_board::breach_of(event_source source, rule_id id, double value) const {
  if (source == event_source::alert_rule) {
    const auto* const rule = find_rule(config(), id);
    if (rule == nullptr) return std::nullopt;
    if (const auto limit = breached_limit(*rule, value))
      return breach{*limit, level_at(*rule, step_of(*rule, value, ladder_step::none)), value};
    return std::nullopt;
  }
  const auto type = source == event_source::min_threshold ? breach_type::below_minimum : breach_type::above_maximum;
  const auto found = check_thresholds(config().thresholds, value);
  if (found && found->type == type) return breach{found->threshold_value, found->level, value};
  return std::nullopt;
}

limit_state::standing alarm_board::standing(const watched_limit& limit, const std::optional<breach>& now) const {
  if (now) return limit_state::standing::breach;
  const auto* const rule = rule_of(limit);
  if (rule == nullptr || is_about_silence(*rule)) return limit_state::standing::back;
  return standing_of(*rule, limit.compared);
}

void alarm_board::forget_idle() {
  std::erase_if(limits_, [](const auto& limit) { return limit.state.is_idle() && !limit.silent; });
}

}  // namespace factory
