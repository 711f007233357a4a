#include "pipelines/judge/stream_settings.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "pipelines/model/coding.hpp"

namespace factory {

namespace {

constexpr std::array of_rules{setting::allowed_lateness, setting::future_skew,      setting::time_window,
                              setting::z_min_readings,   setting::z_threshold,      setting::physical_min,
                              setting::physical_max,     setting::western_electric, setting::nelson};
constexpr std::array of_detectors{setting::on, setting::direction, setting::sensitivity, setting::least_absolute,
                                  setting::least_relative};

bool is_known(setting_place at) {
  if (at.of == 0) return std::ranges::find(of_rules, at.what) != of_rules.end();
  return at.of <= detector_count && std::ranges::find(of_detectors, at.what) != of_detectors.end();
}

std::optional<double> value_of(const detector_setting& how, setting what) {
  switch (what) {
    case setting::on: return how.on ? 1 : 0;
    case setting::direction: return static_cast<double>(how.direction);
    case setting::sensitivity: return how.sensitivity;
    case setting::least_absolute: return how.least_absolute;
    case setting::least_relative: return how.least_relative;
    default: return std::nullopt;
  }
}

void put(detector_setting& how, setting what, double value) {
  switch (what) {
    case setting::on: how.on = value != 0; break;
    case setting::direction: how.direction = static_cast<deviation_direction>(value); break;
    case setting::sensitivity: how.sensitivity = value; break;
    case setting::least_absolute: how.least_absolute = value; break;
    case setting::least_relative: how.least_relative = value; break;
    default: break;
  }
}

void put(stream_rules& rules, setting_place at, double value) {
  if (at.of != 0) return put(rules.detect.each[at.of - 1U], at.what, value);
  switch (at.what) {
    case setting::allowed_lateness: rules.allowed_lateness_us = static_cast<std::int64_t>(value); break;
    case setting::future_skew: rules.future_skew_us = static_cast<std::int64_t>(value); break;
    case setting::time_window: rules.time_window_us = static_cast<std::int64_t>(value); break;
    case setting::z_min_readings: rules.z_min_readings = static_cast<std::uint32_t>(value); break;
    case setting::z_threshold: rules.z_threshold = value; break;
    case setting::physical_min: rules.detect.physical_min = value; break;
    case setting::physical_max: rules.detect.physical_max = value; break;
    case setting::western_electric: rules.spc.western_electric = value != 0; break;
    case setting::nelson: rules.spc.nelson = value != 0; break;
    default: break;
  }
}

/// What a value may be where nothing but the bytes says so.
bool is_sound(setting_place at, double value) {
  if (!is_known(at) || !std::isfinite(value)) return false;
  switch (at.what) {
    case setting::on:
    case setting::western_electric:
    case setting::nelson: return value == 0 || value == 1;
    case setting::direction: return value == 0 || value == 1 || value == 2;
    case setting::sensitivity: return value > 0;
    case setting::physical_min:
    case setting::physical_max: return true;
    default: return value >= 0;
  }
}

constexpr auto machine_number = static_cast<std::uint8_t>(detector::machine);

}  // namespace

std::optional<double> value_of(const stream_rules& rules, setting_place at) {
  if (at.of != 0) return value_of(rules.detect.each[at.of - 1U], at.what);
  switch (at.what) {
    case setting::allowed_lateness: return static_cast<double>(rules.allowed_lateness_us);
    case setting::future_skew: return static_cast<double>(rules.future_skew_us);
    case setting::time_window: return static_cast<double>(rules.time_window_us);
    case setting::z_min_readings: return rules.z_min_readings;
    case setting::z_threshold: return rules.z_threshold;
    case setting::physical_min: return rules.detect.physical_min;
    case setting::physical_max: return rules.detect.physical_max;
    case setting::western_electric: return rules.spc.western_electric ? 1 : 0;
    case setting::nelson: return rules.spc.nelson ? 1 : 0;
    default: return std::nullopt;
  }
}

void stream_settings::set(setting_place at, double value) {
  const auto place = std::ranges::lower_bound(set_, at, {}, &entry::first);
  if (place != set_.end() && place->first == at)
    place->second = value;
  else
    set_.insert(place, {at, value});
}

void stream_settings::clear(setting_place at) {
  std::erase_if(set_, [at](const entry& each) { return each.first == at; });
}
void stream_settings::clear(detector which) {
  std::erase_if(set_, [which](const entry& each) { return each.first.of == static_cast<std::uint8_t>(which); });
}

std::optional<double> stream_settings::find(setting_place at) const {
  const auto place = std::ranges::lower_bound(set_, at, {}, &entry::first);
  return place != set_.end() && place->first == at ? std::optional(place->second) : std::nullopt;
}

void stream_settings::apply_to(stream_rules& to) const {
  for (const auto& [at, value] : set_)
    if (at.of != machine_number) put(to, at, value);
}

void stream_settings::apply_to(detector_setting& of_machine) const {
  for (const auto& [at, value] : set_)
    if (at.of == machine_number) put(of_machine, at.what, value);
}

stream_settings stream_settings::of_unusual(const stream_rules& rules) {
  const stream_rules usual;
  stream_settings out;
  const auto add = [&](setting_place at) {
    const auto value = value_of(rules, at);
    if (value && value != value_of(usual, at)) out.set(at, *value);
  };
  for (const auto what : of_rules) add(setting_place::of_rules(what));
  for (std::uint8_t of = 1; of <= detector_count; ++of)
    for (const auto what : of_detectors) add({of, what});
  return out;
}

void stream_settings::encode(std::string& out) const {
  put_varint(out, set_.size());
  for (const auto& [at, value] : set_) {
    put_byte(out, at.of);
    put_byte(out, static_cast<std::uint8_t>(at.what));
    put_double(out, value);
  }
}

bool stream_settings::decode(std::string_view& in) {
  std::uint64_t count = 0;
  set_.clear();
  if (!get_varint(in, count) || count > in.size()) return false;
  for (; count > 0; --count) {
    setting_place at;
    std::uint8_t what = 0;
    double value = 0;
    if (!get_byte(in, at.of) || !get_byte(in, what) || !get_double(in, value)) return false;
    at.what = static_cast<setting>(what);
    if (!is_sound(at, value) || (!set_.empty() && !(set_.back().first < at))) return false;
    set_.emplace_back(at, value);
  }
  return true;
}

}  // namespace factory
