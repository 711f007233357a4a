#include "pipelines/alarm/rule_template.hpp"

#include <fmt/format.h>

#include <vector>

#include "pipelines/alarm/thresholds.hpp"
#include "pipelines/model/coding.hpp"

namespace factory {
namespace {

constexpr std::uint8_t template_version = 3;
constexpr std::uint8_t override_without_anomalies = 2;  // of an override: up to schedule
constexpr std::uint8_t with_few_members = 1;            // of an override: up to priority

/// Which members of an override follow in its bytes, in this order.
enum member : unsigned {
  has_low = 1,
  has_high = 2,
  has_level = 4,
  has_enabled = 8,
  has_deadband = 16,
  has_on_delay = 32,
  has_off_delay = 64,
  has_priority = 128,
  few_members = 255,
  has_count = 256,
  has_of = 512,
  has_latch = 1024,
  has_re_alarm = 2048,
  has_silence = 4096,
  has_low_low = 8192,
  has_high_high = 16384,
  has_schedule = 32768,
  members_without_anomalies = 65535,
  has_min_score = 65536,
  has_min_level = 131072,
  has_detectors = 262144,
  all_members = 524287
};

unsigned members_of(const rule_override& one) {
  return (one.low ? has_low : 0U) | (one.high ? has_high : 0U) | (one.level ? has_level : 0U) | (one.enabled ? has_enabled : 0U) |
         (one.deadband ? has_deadband : 0U) | (one.on_delay_us ? has_on_delay : 0U) | (one.off_delay_us ? has_off_delay : 0U) |
         (one.priority ? has_priority : 0U) | (one.count ? has_count : 0U) | (one.of ? has_of : 0U) |
         (one.latch ? has_latch : 0U) | (one.re_alarm_us ? has_re_alarm : 0U) | (one.silence_us ? has_silence : 0U) |
         (one.low_low ? has_low_low : 0U) | (one.high_high ? has_high_high : 0U) | (one.schedule ? has_schedule : 0U) |
         (one.min_score ? has_min_score : 0U) | (one.min_level ? has_min_level : 0U) | (one.detectors ? has_detectors : 0U);
}

void put_override(std::string& out, const rule_override& one) {
  put_varint(out, members_of(one));
  if (one.low) put_double(out, *one.low);
  if (one.high) put_double(out, *one.high);
  if (one.level) put_byte(out, static_cast<std::uint8_t>(*one.level));
  if (one.enabled) put_byte(out, *one.enabled ? 1 : 0);
  if (one.deadband) put_double(out, one.deadband->width);
  if (one.deadband) put_byte(out, one.deadband->in_percent ? 1 : 0);
  if (one.on_delay_us) put_zigzag(out, *one.on_delay_us);
  if (one.off_delay_us) put_zigzag(out, *one.off_delay_us);
  if (one.priority) put_varint(out, *one.priority);
  if (one.count) put_varint(out, *one.count);
  if (one.of) put_varint(out, *one.of);
  if (one.latch) put_byte(out, *one.latch ? 1 : 0);
  if (one.re_alarm_us) put_zigzag(out, *one.re_alarm_us);
  if (one.silence_us) put_zigzag(out, *one.silence_us);
  if (one.low_low) put_double(out, *one.low_low);
  if (one.high_high) put_double(out, *one.high_high);
  if (one.schedule) put_schedule(out, *one.schedule);
  if (one.min_score) put_double(out, *one.min_score);
  if (one.min_level) put_byte(out, static_cast<std::uint8_t>(*one.min_level));
  if (one.detectors) put_varint(out, *one.detectors);
}

bool get_level(std::string_view& in, severity& level) {
  std::uint8_t byte = 0;
  if (!get_byte(in, byte) || !is_severity(byte)) return false;
  level = static_cast<severity>(byte);
  return true;
}

bool get_override(std::string_view& in, rule_override& one, unsigned known) {
  std::uint64_t members = 0;
  if (!get_varint(in, members) || members > known) return false;
  const auto has = [&](unsigned which) { return (members & which) != 0; };
  return (!has(has_low) || get_double(in, one.low.emplace())) && (!has(has_high) || get_double(in, one.high.emplace())) &&
         (!has(has_level) || get_level(in, one.level.emplace())) && (!has(has_enabled) || get_flag(in, one.enabled.emplace())) &&
         (!has(has_deadband) || (get_double(in, one.deadband.emplace().width) && get_flag(in, one.deadband->in_percent))) &&
         (!has(has_on_delay) || get_zigzag(in, one.on_delay_us.emplace())) &&
         (!has(has_off_delay) || get_zigzag(in, one.off_delay_us.emplace())) &&
         (!has(has_priority) || get_varint_as(in, one.priority.emplace())) &&
         (!has(has_count) || get_varint_as(in, one.count.emplace())) && (!has(has_of) || get_varint_as(in, one.of.emplace())) &&
         (!has(has_latch) || get_flag(in, one.latch.emplace())) &&
         (!has(has_re_alarm) || get_zigzag(in, one.re_alarm_us.emplace())) &&
         (!has(has_silence) || get_zigzag(in, one.silence_us.emplace())) &&
         (!has(has_low_low) || get_double(in, one.low_low.emplace())) &&
         (!has(has_high_high) || get_double(in, one.high_high.emplace())) &&
         (!has(has_schedule) || get_schedule(in, one.schedule.emplace())) &&
         (!has(has_min_score) || get_double(in, one.min_score.emplace())) &&
         (!has(has_min_level) || get_level(in, one.min_level.emplace())) &&
         (!has(has_detectors) || get_varint_as(in, one.detectors.emplace()));
}

}  // namespace

alert_rule with_override(alert_rule rule, const rule_override& difference) {
  rule.low = difference.low.value_or(rule.low);
  rule.high = difference.high.value_or(rule.high);
  rule.level = difference.level.value_or(rule.level);
  rule.enabled = difference.enabled.value_or(rule.enabled);
  if (difference.deadband) {
    rule.options.deadband = difference.deadband->width;
    rule.options.deadband_in_percent = difference.deadband->in_percent;
  }
  rule.options.on_delay_us = difference.on_delay_us.value_or(rule.options.on_delay_us);
  rule.options.off_delay_us = difference.off_delay_us.value_or(rule.options.off_delay_us);
  rule.options.priority = difference.priority.value_or(rule.options.priority);
  rule.options.count = difference.count.value_or(rule.options.count);
  rule.options.of = difference.of.value_or(rule.options.of);
  rule.options.latch = difference.latch.value_or(rule.options.latch);
  rule.options.re_alarm_us = difference.re_alarm_us.value_or(rule.options.re_alarm_us);
  rule.options.silence_us = difference.silence_us.value_or(rule.options.silence_us);
  rule.options.low_low = difference.low_low.value_or(rule.options.low_low);
  rule.options.high_high = difference.high_high.value_or(rule.options.high_high);
  if (difference.schedule) rule.options.schedule = *difference.schedule;
  auto& anomalies = rule.options.anomalies;
  anomalies.score = difference.min_score.value_or(anomalies.score);
  anomalies.level = difference.min_level.value_or(anomalies.level);
  anomalies.detectors = difference.detectors.value_or(anomalies.detectors);
  return rule;
}

void put_template(std::string& out, const rule_template& what) {
  put_byte(out, template_version);
  put_selector(out, what.sensors);
  put_varint(out, what.overrides.size());
  for (const auto& [sensor, difference] : what.overrides) {
    put_varint(out, sensor);
    put_override(out, difference);
  }
}

bool get_template(std::string_view& in, rule_template& what) {
  std::uint8_t version = 0;
  std::uint64_t overrides = 0;
  what.overrides.clear();
  if (!get_byte(in, version) || version < with_few_members || version > template_version || !get_selector(in, what.sensors) ||
      !get_varint(in, overrides))
    return false;
  for (; overrides > 0; --overrides) {
    sensor_id sensor = 0;
    const unsigned known = version == with_few_members             ? few_members
                           : version == override_without_anomalies ? members_without_anomalies
                                                                   : all_members;
    if (!get_varint_as(in, sensor) || !get_override(in, what.overrides[sensor], known)) return false;
  }
  return true;
}

std::string to_text(const std::map<sensor_id, rule_override>& overrides) {
  std::vector<std::string> sensors;
  for (const auto& [sensor, one] : overrides) {
    std::vector<std::string> members;
    if (one.low) members.push_back(fmt::format("low {}", *one.low));
    if (one.high) members.push_back(fmt::format("high {}", *one.high));
    if (one.level) members.push_back(fmt::format("severity {}", to_text(*one.level)));
    if (one.enabled) members.push_back(fmt::format("enabled {}", *one.enabled ? 1 : 0));
    if (one.deadband) members.push_back(fmt::format("deadband {}{}", one.deadband->width, one.deadband->in_percent ? "%" : ""));
    if (one.on_delay_us) members.push_back(fmt::format("on_delay_ms {}", *one.on_delay_us / 1'000));
    if (one.off_delay_us) members.push_back(fmt::format("off_delay_ms {}", *one.off_delay_us / 1'000));
    if (one.priority) members.push_back(fmt::format("priority {}", *one.priority));
    if (one.count) members.push_back(fmt::format("count {}", *one.count));
    if (one.of) members.push_back(fmt::format("of {}", *one.of));
    if (one.latch) members.push_back(fmt::format("latch {}", *one.latch ? 1 : 0));
    if (one.re_alarm_us) members.push_back(fmt::format("re_alarm_ms {}", *one.re_alarm_us / 1'000));
    if (one.silence_us) members.push_back(fmt::format("silence_ms {}", *one.silence_us / 1'000));
    if (one.low_low) members.push_back(fmt::format("low_low {}", *one.low_low));
    if (one.high_high) members.push_back(fmt::format("high_high {}", *one.high_high));
    if (one.schedule) members.push_back(fmt::format("schedule {}", to_text(*one.schedule)));
    if (one.min_score) members.push_back(fmt::format("min_score {}", *one.min_score));
    if (one.min_level) members.push_back(fmt::format("min_severity {}", to_text(*one.min_level)));
    if (one.detectors) members.push_back(fmt::format("detectors {}", detectors_text(*one.detectors)));
    sensors.push_back(fmt::format("{}: {}", sensor, fmt::join(members, ", ")));
  }
  return fmt::format("{}", fmt::join(sensors, "; "));
}

}  // namespace factory
