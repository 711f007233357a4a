#include "http/text/stream_rules_json.hpp"

#include <fmt/format.h>

#include <array>
#include <string>

#include "http/text/json_body.hpp"
#include "pipelines/model/limits.hpp"

namespace factory {

namespace {

using simdjson::dom::element;

constexpr std::array<std::string_view, 3> directions{"both", "up", "down"};  // by deviation_direction

tl::unexpected<error> refuse(const std::string& path, std::string_view what) {
  return fail(errc::invalid, fmt::format("{} must be {}", path, what), path);
}

expected<bool> put_ms(std::int64_t& member_us, const std::string& path, element value, std::int64_t least_ms) {
  std::int64_t given_ms = 0;
  if (value.get(given_ms) || given_ms < least_ms || given_ms > limits::stream_time_ms)
    return refuse(path, fmt::format("an integer from {} to {}", least_ms, limits::stream_time_ms));
  member_us = given_ms * 1'000;
  return true;
}

expected<bool> put_number(double& member, const std::string& path, element value, double least, double most) {
  double given = 0;
  if (value.get(given) || !(given >= least) || given > most)
    return refuse(path, fmt::format("a number from {} to {}", least, most));
  member = given;
  return true;
}

expected<bool> put_bound(std::optional<double>& member, const std::string& path, element value) {
  auto given = read_number_or_null(path, value);
  if (!given) return tl::unexpected(given.error());
  member = *given;
  return true;
}

expected<void> set_detector(detector_setting& how, const std::string& within, element object) {
  return for_each_member(within, object, [&](std::string_view name, const std::string& path, element value) -> expected<bool> {
    if (name == "on") return value.get(how.on) ? expected<bool>(refuse(path, "true or false")) : expected<bool>(true);
    if (name == "sensitivity") return put_number(how.sensitivity, path, value, limits::sensitivity_min, limits::sensitivity_max);
    if (name == "least_absolute") return put_number(how.least_absolute, path, value, 0, 1e300);
    if (name == "least_relative") return put_number(how.least_relative, path, value, 0, 1e6);
    if (name != "direction") return false;
    std::string_view text;
    const auto* const word = value.get(text) ? directions.end() : std::ranges::find(directions, text);
    if (word == directions.end()) return refuse(path, "both, up or down");
    how.direction = static_cast<deviation_direction>(word - directions.begin());
    return true;
  });
}

}  // namespace

expected<void> set_detectors(detect_settings& settings, const std::string& within, element object) {
  return for_each_member(within, object, [&](std::string_view name, const std::string& path, element value) -> expected<bool> {
    const auto which = parse_detector(name);
    if (!which || *which == detector::machine) return false;
    if (auto set = set_detector(settings.of(*which), path, value); !set) return tl::unexpected(set.error());
    return true;
  });
}

expected<void> set_stream_rules(stream_rules& rules, std::string_view within, element object) {
  auto set =
      for_each_member(within, object, [&](std::string_view name, const std::string& path, element value) -> expected<bool> {
        if (name == "allowed_lateness_ms") return put_ms(rules.allowed_lateness_us, path, value, 0);
        if (name == "future_skew_ms") return put_ms(rules.future_skew_us, path, value, 0);
        if (name == "time_window_ms") return put_ms(rules.time_window_us, path, value, 1);
        if (name == "z_threshold") return put_number(rules.z_threshold, path, value, 0.1, 1e6);
        if (name == "physical_min") return put_bound(rules.detect.physical_min, path, value);
        if (name == "physical_max") return put_bound(rules.detect.physical_max, path, value);
        if (name == "z_min_readings") {
          std::uint64_t given = 0;
          if (value.get(given) || given < 2 || given > limits::window_readings)
            return refuse(path, fmt::format("an integer from 2 to {}", limits::window_readings));
          rules.z_min_readings = static_cast<std::uint32_t>(given);
          return true;
        }
        if (name != "detectors") return false;
        if (auto inner = set_detectors(rules.detect, path, value); !inner) return tl::unexpected(inner.error());
        return true;
      });
  if (!set) return set;
  const auto& [min, max] = std::tie(rules.detect.physical_min, rules.detect.physical_max);
  if (min && max && *min >= *max)
    return fail(errc::invalid, fmt::format("{0}.physical_min must be below {0}.physical_max", within), std::string(within));
  return {};
}

void write_json(json_writer& out, const stream_rules& rules) {
  out.begin_object().key("allowed_lateness_ms");
  write_ms(out, rules.allowed_lateness_us);
  out.key("future_skew_ms");
  write_ms(out, rules.future_skew_us);
  out.key("time_window_ms");
  write_ms(out, rules.time_window_us);
  out.member("z_threshold", rules.z_threshold).member("z_min_readings", rules.z_min_readings);
  out.member("physical_min", rules.detect.physical_min).member("physical_max", rules.detect.physical_max);
  out.key("detectors").begin_object();
  for (const detector_entry& each : detectors()) {
    const auto& how = rules.detect.of(each.id);
    if (how == detector_setting{}) continue;
    out.key(each.name).begin_object().member("on", how.on).member("sensitivity", how.sensitivity);
    out.member("direction", directions[static_cast<std::size_t>(how.direction)]);
    out.member("least_absolute", how.least_absolute).member("least_relative", how.least_relative).end_object();
  }
  out.end_object().end_object();
}

}  // namespace factory
