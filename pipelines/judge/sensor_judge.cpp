#include "pipelines/judge/sensor_judge.hpp"

#include <algorithm>
#include <array>

#include "pipelines/detect/state_fields.hpp"
#include "pipelines/judge/episode_event.hpp"
#include "pipelines/model/coding.hpp"

namespace factory {

event_source source_of(detector by) { return static_cast<event_source>(32 + static_cast<std::uint8_t>(by)); }

event_source source_of(rule_set set) { return set == rule_set::nelson ? event_source::nelson : event_source::western_electric; }

event_key key_of_violation(sensor_id sensor, const spc_watch::change& what, event_kind kind) {
  const auto& broken = runs_rules()[what.rule];
  return {sensor, what.what.now.begin_us, source_of(broken.set), broken.number, kind};
}

namespace {

constexpr std::uint8_t sensor_judge_version = 3;  // 1 ends before the control chart, which begins anew
constexpr std::uint8_t without_rests = 2;         // written where there are none

stream_rules completed(stream_rules rules) {
  rules.detect.least_pause_us = rules.allowed_lateness_us;
  return rules;
}

}  // namespace

sensor_judge::sensor_judge(sensor_id sensor, const stream_rules& rules) : sensor_(sensor) { follow(rules); }

bool sensor_judge::follows(const stream_rules& rules) const { return this->rules() == completed(rules); }

void sensor_judge::follow(const stream_rules& rules) { rules_.change() = completed(rules); }

void sensor_judge::rest(std::vector<time_range> ranges) {
  rests_ = {};
  if (!ranges.empty()) rests_.change() = std::move(ranges);
}

void sensor_judge::observe(const recent_rows& rows, std::size_t begin, std::size_t end, std::int64_t received_at_us,
                           std::vector<event>& out) {
  if (rests_.is_fresh()) [[likely]]
    return observe_awake(rows, begin, end, received_at_us, out);
  const auto times_us = rows.times_us();
  const auto& ranges = rests_.read();
  while (begin < end) {
    const auto next = std::ranges::find_if(ranges, [&](const time_range& each) { return each.end_us > times_us[begin]; });
    const bool rests = next != ranges.end() && next->begin_us <= times_us[begin];
    const auto until_us = next == ranges.end() ? INT64_MAX : rests ? next->end_us : next->begin_us;
    const auto until = std::min(end, until_us == INT64_MAX ? end : rows.lower_bound(until_us));
    if (rests) {
      for (auto row = begin; row < until; ++row) hear(times_us[row], received_at_us, out);
      known_.change().z_score.begin_anew();
    } else {
      observe_awake(rows, begin, until, received_at_us, out);
    }
    begin = until;
  }
}

void sensor_judge::observe_awake(const recent_rows& rows, std::size_t begin, std::size_t end, std::int64_t received_at_us,
                                 std::vector<event>& out) {
  const auto told = out.size();
  auto& [z_score, detectors] = known_.change();
  z_score.observe(sensor_, rows, begin, end, {this->rules().z_threshold, this->rules().z_min_readings}, received_at_us, out);
  const auto by_z_score = out.size();
  const auto& settings = this->rules().detect;
  std::vector<episode_change> changes;
  for (auto row = begin; row < end;) {
    const auto left = end - row;
    row += detectors.observe_rows(rows.times_us().subspan(row, left), rows.values().subspan(row, left), settings, changes);
    for (const auto& each : changes) tell(each, received_at_us, out);
    changes.clear();
  }
  const auto by_detectors = out.size();
  if (this->rules().spc.is_at_work()) hold_against_limits(rows, begin, end, received_at_us, out);
  const int tellers = (by_z_score > told ? 1 : 0) + (by_detectors > by_z_score ? 1 : 0) + (out.size() > by_detectors ? 1 : 0);
  if (tellers < 2) return;
  // In the order of the readings, whatever the portions in which these are observed.
  std::stable_sort(out.begin() + static_cast<std::ptrdiff_t>(told), out.end(),
                   [](const event& a, const event& b) { return a.at_us < b.at_us; });
}

void sensor_judge::hold_against_limits(const recent_rows& rows, std::size_t begin, std::size_t end, std::int64_t received_at_us,
                                       std::vector<event>& out) {
  const auto& how = this->rules().spc;
  const auto limits = how.against.limits();
  auto& chart = control_chart_.change();
  std::vector<spc_watch::change> changes;
  for (auto row = begin; row < end; ++row) chart.observe(rows.times_us()[row], rows.values()[row], how, limits, changes);
  tell(changes, received_at_us, out);
}

void sensor_judge::hear(std::int64_t time_us, std::int64_t received_at_us, std::vector<event>& out) {
  std::vector<episode_change> changes;
  known_.change().detectors.hear(time_us, rules().detect, changes);
  for (const auto& each : changes) tell(each, received_at_us, out);
}

void sensor_judge::apply(const command& what, std::int64_t received_at_us, std::vector<event>& out) {
  if (what.rules) {
    if ((*what.rules)->spc != rules().spc && !control_chart_.is_fresh()) {
      std::vector<spc_watch::change> changes;
      control_chart_.change().begin_anew(changes);
      tell(changes, received_at_us, out);
      control_chart_ = {};
    }
    return follow(**what.rules);
  }
  std::vector<episode_change> changes;
  known_.change().detectors.tick(what.until_us, rules().detect, changes);
  for (const auto& each : changes) tell(each, received_at_us, out);
}

std::int64_t sensor_judge::quiet_until_us() const { return detectors().quiet_until_us(rules().detect); }

void sensor_judge::tell(const episode_change& change, std::int64_t received_at_us, std::vector<event>& out) const {
  const episode& is = change.now;
  event e = event_of(change, {sensor_, 0, source_of(is.opened_by), 0, {}}, received_at_us);
  auto& detail = std::get<episode_detail>(e.detail);
  detail.window_count = detectors().expected().readings;
  e.explanation = explain(is, "");
  out.push_back(std::move(e));
}

void sensor_judge::tell(const std::vector<spc_watch::change>& changes, std::int64_t received_at_us,
                        std::vector<event>& out) const {
  for (const auto& each : changes) {
    event e = event_of(each.what, key_of_violation(sensor_, each, {}), name_of_violation(each.rule), 1, received_at_us);
    std::get<episode_detail>(e.detail).window_count = rules().spc.against.points;
    e.explanation = explain_violation(each.rule, each.what.now, rules().spc, "");
    out.push_back(std::move(e));
  }
}

void sensor_judge::encode(std::string& out) const {
  put_byte(out, rests_.is_fresh() ? without_rests : sensor_judge_version);
  put_stream_rules(out, rules());
  known_.read().encode(out);
  state::writer write{out};
  write(control_chart_);
  if (rests_.is_fresh()) return;
  put_varint(out, rests_.read().size());
  for (const auto& each : rests_.read()) {
    put_zigzag(out, each.begin_us);
    put_zigzag(out, each.end_us);
  }
}

void sensor_judge::put_command(std::string& out, const command& what) {
  put_byte(out, what.rules ? 1 : 0);
  what.rules ? put_stream_rules(out, **what.rules) : put_zigzag(out, what.until_us);
}

bool sensor_judge::get_command(std::string_view& in, command& what) {
  std::uint8_t has_rules = 0;
  if (!get_byte(in, has_rules) || has_rules > 1) return false;
  return has_rules == 1 ? get_stream_rules(in, what.rules) : get_zigzag(in, what.until_us);
}

bool sensor_judge::decode(std::string_view& in) {
  std::uint8_t version = 0;
  stream_rules rules;
  if (!get_byte(in, version) || version < 1 || version > sensor_judge_version || !get_stream_rules(in, rules)) return false;
  follow(rules);
  control_chart_ = {};
  if (!decode_knowledge(in)) return false;
  state::reader read{in};
  if (version > 1) read(control_chart_);
  rests_ = {};
  return read.ok && (version < sensor_judge_version || decode_rests(in));
}

bool sensor_judge::decode_knowledge(std::string_view& in) {
  static const std::string nothing = [] {
    std::string bytes;
    knowledge().encode(bytes);
    return bytes;
  }();
  known_ = {};
  if (in.starts_with(nothing)) {
    in.remove_prefix(nothing.size());
    return true;
  }
  auto& [z_score, detectors] = known_.change();
  return z_score.decode(in) && detectors.decode(in);
}

bool sensor_judge::decode_rests(std::string_view& in) {
  std::uint64_t count = 0;
  if (!get_varint(in, count) || count > in.size()) return false;
  std::vector<time_range> ranges(count);
  for (auto& each : ranges)
    if (!get_zigzag(in, each.begin_us) || !get_zigzag(in, each.end_us)) return false;
  rest(std::move(ranges));
  return true;
}

}  // namespace factory
