#include "pipelines/spec/judging_json.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

#include "pipelines/alarm/limit_state.hpp"
#include "pipelines/model/limits.hpp"
#include "pipelines/spec/limits.hpp"
#include "pipelines/spec/spec_json.hpp"

namespace factory::spec_json {

namespace {

expected<double> number(const std::string& path, element value, double least, double most) {
  double found = 0;
  if (value.get(found) || found < least || found > most)
    return refuse(path, std::isfinite(most) ? "must be a number from " + std::to_string(least) + " to " + std::to_string(most)
                                            : "must be a number of at least " + std::to_string(least));
  return found;
}

/// Those that judge by readings alone: silence shows when time goes by, and a machine has several sensors.
constexpr std::array judging{detector::spike,   detector::level_shift, detector::drift,     detector::spread,
                             detector::pattern, detector::stuck,       detector::noise_lost};

expected<detector> detector_named(const std::string& path, element value) {
  std::string_view name;
  const bool is_text = !value.get(name);
  const auto known = is_text ? parse_detector(name) : std::nullopt;
  if (known && std::ranges::find(judging, *known) != judging.end()) return *known;
  std::string all;
  for (const auto each : judging) all.append(all.empty() ? "" : ", ").append(entry_of(each).name);
  return refuse(path, "must be one of " + all);
}

expected<deviation_direction> direction_named(const std::string& path, element value) {
  constexpr std::array<std::string_view, 3> names{"both", "up", "down"};
  std::string_view name;
  const auto* const at = value.get(name) ? names.end() : std::ranges::find(names, name);
  if (at == names.end()) return refuse(path, "must be both, up or down");
  return static_cast<deviation_direction>(at - names.begin());
}

}  // namespace

expected<pipeline_step> read_limit(const std::string& path, element value) {
  limit_step limit;
  constexpr double any = 1.7976931348623157e308;
  auto& options = limit.options;
  std::uint64_t count = 1, of = 1;
  auto read =
      for_each_member(path, value, [&](std::string_view member, const std::string& own, element content) -> expected<bool> {
        if (member == "above") return set(limit.above, number(own, content, -any, any));
        if (member == "below") return set(limit.below, number(own, content, -any, any));
        if (member == "deadband") return set(options.deadband, number(own, content, 0, any));
        if (member == "on_delay_ms") return set(options.on_delay_us, span_us(own, content, 0, limits::pipeline_span_ms));
        if (member == "off_delay_ms") return set(options.off_delay_us, span_us(own, content, 0, limits::pipeline_span_ms));
        if (member == "count") return set(count, whole_number(own, content, 1, largest_of));
        if (member == "of") return set(of, whole_number(own, content, 1, largest_of));
        return false;
      });
  if (!read) return tl::unexpected(std::move(read.error()));
  if (!std::isfinite(limit.above) && !std::isfinite(limit.below)) return refuse(path, "must have above or below, or both");
  if (limit.below > limit.above) return refuse(within(path, "below"), "is more than above");
  if (count > of) return refuse(within(path, "count"), "is more than of");
  options.count = static_cast<std::uint32_t>(count);
  options.of = static_cast<std::uint32_t>(of);
  return limit;
}

expected<pipeline_step> read_detector(const std::string& path, element value) {
  detector_step judge;
  if (!value.is_object()) {
    auto which = detector_named(path, value);
    if (!which) return tl::unexpected(std::move(which.error()));
    judge.which = *which;
    return judge;
  }
  bool is_named = false;
  auto read =
      for_each_member(path, value, [&](std::string_view member, const std::string& own, element content) -> expected<bool> {
        if (member == "name") {
          is_named = true;
          return set(judge.which, detector_named(own, content));
        }
        if (member == "sensitivity")
          return set(judge.how.sensitivity, number(own, content, limits::sensitivity_min, limits::sensitivity_max));
        if (member == "direction") return set(judge.how.direction, direction_named(own, content));
        return false;
      });
  if (!read) return tl::unexpected(std::move(read.error()));
  if (!is_named) return refuse(within(path, "name"), "is required");
  return judge;
}

}  // namespace factory::spec_json
