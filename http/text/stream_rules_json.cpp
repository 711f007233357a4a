#include "http/text/stream_rules_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "http/text/json_body.hpp"
#include "pipelines/model/limits.hpp"

namespace factory {

namespace {

using simdjson::dom::element;

constexpr std::array<std::string_view, 3> directions{"both", "up", "down"};  // by deviation_direction

/// A setting in JSON.
struct member_entry {
  enum class form : std::uint8_t { ms, count, number, bound, yes_no, direction };
  std::string_view name;
  setting what{};
  form as{};
  double least = 0, most = 0;
};
using form = member_entry::form;

constexpr std::array rule_members{
    member_entry{"allowed_lateness_ms", setting::allowed_lateness, form::ms, 0, limits::stream_time_ms},
    member_entry{"future_skew_ms", setting::future_skew, form::ms, 0, limits::stream_time_ms},
    member_entry{"time_window_ms", setting::time_window, form::ms, 1, limits::stream_time_ms},
    member_entry{"z_threshold", setting::z_threshold, form::number, 0.1, 1e6},
    member_entry{"z_min_readings", setting::z_min_readings, form::count, 2, limits::window_readings},
    member_entry{"physical_min", setting::physical_min, form::bound},
    member_entry{"physical_max", setting::physical_max, form::bound},
    member_entry{"western_electric", setting::western_electric, form::yes_no},
    member_entry{"nelson", setting::nelson, form::yes_no},
};
constexpr std::array detector_members{
    member_entry{"on", setting::on, form::yes_no},
    member_entry{"sensitivity", setting::sensitivity, form::number, limits::sensitivity_min, limits::sensitivity_max},
    member_entry{"direction", setting::direction, form::direction},
    member_entry{"least_absolute", setting::least_absolute, form::number, 0, 1e300},
    member_entry{"least_relative", setting::least_relative, form::number, 0, 1e6},
};

bool is_bound(const member_entry& member) { return member.as == form::bound; }

/// The machine detector has no direction and no least deviation.
std::span<const member_entry> members_of(detector which) {
  return std::span(detector_members).first(which == detector::machine ? 2 : detector_members.size());
}

const member_entry* find(std::span<const member_entry> members, std::string_view name) {
  const auto at = std::ranges::find(members, name, &member_entry::name);
  return at == members.end() ? nullptr : &*at;
}

tl::unexpected<error> refuse(const std::string& path, std::string_view what) {
  return fail(errc::invalid, fmt::format("{} must be {}", path, what), path);
}

/// The value as stream_settings has it.
expected<double> read_value(const member_entry& member, const std::string& path, element value) {
  double given = 0;
  std::int64_t whole = 0;
  bool yes = false;
  std::string_view text;
  switch (member.as) {
    case form::ms:
    case form::count:
      if (value.get(whole) || static_cast<double>(whole) < member.least || static_cast<double>(whole) > member.most)
        return refuse(path, fmt::format("an integer from {} to {}", member.least, member.most));
      return static_cast<double>(whole) * (member.as == form::ms ? 1e3 : 1);
    case form::number:
      if (value.get(given) || !(given >= member.least) || given > member.most)
        return refuse(path, fmt::format("a number from {} to {}", member.least, member.most));
      return given;
    case form::bound: return read_number(path, value);
    case form::yes_no:
      if (value.get(yes)) return refuse(path, "true or false");
      return yes ? 1 : 0;
    case form::direction: {
      const auto* const word = value.get(text) ? directions.end() : std::ranges::find(directions, text);
      if (word == directions.end()) return refuse(path, "both, up or down");
      return static_cast<double>(word - directions.begin());
    }
  }
  return 0;
}

expected<bool> change(stream_settings& settings, setting_place at, const member_entry& member, const std::string& path,
                      element value) {
  if (value.is_null()) {
    settings.clear(at);
    return true;
  }
  const auto given = read_value(member, path, value);
  if (!given) return tl::unexpected(given.error());
  settings.set(at, *given);
  return true;
}

void write_value(json_writer& out, const member_entry& member, std::optional<double> value) {
  if (!value) return static_cast<void>(out.value(nullptr));
  switch (member.as) {
    case form::ms: return write_ms(out, static_cast<std::int64_t>(*value));
    case form::count: return static_cast<void>(out.value(static_cast<std::uint64_t>(*value)));
    case form::yes_no: return static_cast<void>(out.value(*value != 0));
    case form::direction: return static_cast<void>(out.value(directions[static_cast<std::size_t>(*value)]));
    default: return static_cast<void>(out.value(*value));
  }
}

}  // namespace

expected<void> change_detectors(stream_settings& settings, settings_owner whose, const std::string& within, element object) {
  return for_each_member(within, object, [&](std::string_view name, const std::string& path, element value) -> expected<bool> {
    const auto which = parse_detector(name);
    if (!which || (*which == detector::machine && whose == settings_owner::sensor)) return false;
    if (value.is_null()) {
      settings.clear(*which);
      return true;
    }
    auto set = for_each_member(path, value, [&](std::string_view own, const std::string& own_path, element given) {
      const auto* const member = find(members_of(*which), own);
      return member == nullptr ? expected<bool>(false)
                               : change(settings, setting_place::of_detector(*which, member->what), *member, own_path, given);
    });
    return set ? expected<bool>(true) : tl::unexpected(set.error());
  });
}

expected<void> change_settings(stream_settings& settings, settings_owner whose, std::string_view within, element object) {
  if (object.is_null()) {
    settings = {};
    return {};
  }
  auto set =
      for_each_member(within, object, [&](std::string_view name, const std::string& path, element value) -> expected<bool> {
        if (name == "detectors" && value.is_null()) {
          for (const detector_entry& each : detectors()) settings.clear(each.id);
          return true;
        }
        if (name == "detectors") {
          auto inner = change_detectors(settings, whose, path, value);
          return inner ? expected<bool>(true) : tl::unexpected(inner.error());
        }
        const auto* const member = find(rule_members, name);
        if (member == nullptr) return false;
        if (is_bound(*member) && whose != settings_owner::sensor)
          return fail(errc::invalid, path + " is of each sensor by itself: set it there", path);
        return change(settings, setting_place::of_rules(member->what), *member, path, value);
      });
  if (!set) return set;
  const auto min = settings.find(setting_place::of_rules(setting::physical_min));
  const auto max = settings.find(setting_place::of_rules(setting::physical_max));
  if (min && max && *min >= *max)
    return fail(errc::invalid, fmt::format("{0}.physical_min must be below {0}.physical_max", within), std::string(within));
  return {};
}

void write_json(json_writer& out, const stream_rules& rules) {
  out.begin_object();
  for (const auto& member : rule_members) {
    out.key(member.name);
    write_value(out, member, value_of(rules, setting_place::of_rules(member.what)));
  }
  out.key("detectors").begin_object();
  for (const detector_entry& each : detectors()) {
    if (each.id == detector::machine || rules.detect.of(each.id) == detector_setting{}) continue;
    out.key(each.name).begin_object();
    for (const auto& member : members_of(each.id)) {
      out.key(member.name);
      write_value(out, member, value_of(rules, setting_place::of_detector(each.id, member.what)));
    }
    out.end_object();
  }
  out.end_object().end_object();
}

void write_json(json_writer& out, const stream_settings& settings) {
  const auto write = [&](const member_entry& member, setting_place at) {
    const auto value = settings.find(at);
    if (!value) return;
    out.key(member.name);
    write_value(out, member, value);
  };
  out.begin_object();
  for (const auto& member : rule_members) write(member, setting_place::of_rules(member.what));
  out.key("detectors").begin_object();
  for (const detector_entry& each : detectors()) {
    const auto is_its = [&](const stream_settings::entry& one) { return one.first.of == static_cast<std::uint8_t>(each.id); };
    if (std::ranges::none_of(settings.all(), is_its)) continue;
    out.key(each.name).begin_object();
    for (const auto& member : members_of(each.id)) write(member, setting_place::of_detector(each.id, member.what));
    out.end_object();
  }
  out.end_object().end_object();
}

void write_members(json_writer& out, const rules_with_sources& rules) {
  const auto write = [&](const member_entry& member, setting_place at) {
    auto value = value_of(rules.usual, at);
    std::string_view from = "daemon";
    for (const auto& each : rules.sources) {
      const auto set = each.settings == nullptr ? std::nullopt : each.settings->find(at);
      if (!set) continue;
      value = set;
      from = each.name;
    }
    out.key(member.name).begin_object().key("value");
    write_value(out, member, value);
    out.member("from", from).end_object();
  };
  for (const auto& member : rule_members)
    if (rules.of_sensor || !is_bound(member)) write(member, setting_place::of_rules(member.what));
  out.key("detectors").begin_object();
  for (const detector_entry& each : detectors()) {
    if (each.id == detector::machine && rules.of_sensor) continue;
    out.key(each.name).begin_object();
    for (const auto& member : members_of(each.id)) write(member, setting_place::of_detector(each.id, member.what));
    out.end_object();
  }
  out.end_object();
}

}  // namespace factory
