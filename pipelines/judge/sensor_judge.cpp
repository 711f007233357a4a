#include "pipelines/judge/sensor_judge.hpp"

#include <algorithm>
#include <array>

#include "pipelines/judge/episode_event.hpp"
#include "pipelines/model/coding.hpp"

namespace factory {

event_source source_of(detector by) { return static_cast<event_source>(32 + static_cast<std::uint8_t>(by)); }

namespace {

constexpr std::uint8_t encoding_version = 1;

stream_rules completed(stream_rules rules) {
  rules.detect.least_pause_us = rules.allowed_lateness_us;
  return rules;
}

}  // namespace

sensor_judge::sensor_judge(sensor_id sensor, const stream_rules& rules) : sensor_(sensor), z_score_(sensor, {}) { follow(rules); }

bool sensor_judge::follows(const stream_rules& rules) const { return this->rules() == completed(rules); }

void sensor_judge::follow(const stream_rules& rules) {
  rules_.change() = completed(rules);
  z_score_.follow({rules.z_threshold, rules.z_min_readings});
}

void sensor_judge::observe(const recent_rows& rows, std::size_t begin, std::size_t end, std::int64_t received_at_us,
                           std::vector<event>& out) {
  const auto told = out.size();
  z_score_.observe(rows, begin, end, received_at_us, out);
  const auto by_z_score = out.size();
  const auto times_us = rows.times_us();
  const auto values = rows.values();
  const auto& settings = this->rules().detect;
  auto& detectors = detectors_.change();
  std::vector<episode_change> changes;
  for (std::size_t row = begin; row < end; ++row) {
    detectors.observe(times_us[row], values[row], settings, changes);
    if (changes.empty()) continue;
    for (const auto& each : changes) tell(each, received_at_us, out);
    changes.clear();
  }
  if (by_z_score == told || by_z_score == out.size()) return;
  // In the order of the readings, whatever the portions in which these are observed.
  std::stable_sort(out.begin() + static_cast<std::ptrdiff_t>(told), out.end(),
                   [](const event& a, const event& b) { return a.at_us < b.at_us; });
}

void sensor_judge::apply(const command& what, std::int64_t received_at_us, std::vector<event>& out) {
  if (what.rules) return follow(**what.rules);
  std::vector<episode_change> changes;
  detectors_.change().tick(what.until_us, rules().detect, changes);
  for (const auto& each : changes) tell(each, received_at_us, out);
}

std::int64_t sensor_judge::quiet_until_us() const { return detectors_.read().quiet_until_us(rules().detect); }

void sensor_judge::tell(const episode_change& change, std::int64_t received_at_us, std::vector<event>& out) const {
  const episode& is = change.now;
  event e = event_of(change, {sensor_, 0, source_of(is.opened_by), 0, {}}, received_at_us);
  auto& detail = std::get<episode_detail>(e.detail);
  detail.window_count = detectors_.read().expected().readings;
  e.explanation = explain(is, "");
  out.push_back(std::move(e));
}

void sensor_judge::encode(std::string& out) const {
  put_byte(out, encoding_version);
  put_stream_rules(out, rules());
  z_score_.encode(out);
  detectors_.read().encode(out);
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
  if (!get_byte(in, version) || version != encoding_version || !get_stream_rules(in, rules)) return false;
  follow(rules);
  return z_score_.decode(in) && detectors_.change().decode(in);
}

}  // namespace factory
