#include "http/text/schedule_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>

#include "pipelines/decode/json_members.hpp"
#include "storage/base/limits.hpp"

namespace factory {

namespace {

using simdjson::dom::array;
using simdjson::dom::element;

constexpr std::uint8_t all_days = 127;
constexpr std::int64_t minute_us = 60'000'000, day_minutes = 1'440;
constexpr std::string_view zones = "/usr/share/zoneinfo/";

tl::unexpected<error> refuse_schedule(const std::string& path, std::string_view what) {
  return fail(errc::invalid, fmt::format("{} must be {}", path, what), path);
}

/// What stands at the end of a file of the zones: how its summer time goes from now on, as POSIX writes it.
std::optional<local_zone> zone_of_file(std::string_view name) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' || c == '_' || c == '-' ||
           c == '+';
  };
  if (name.empty() || name.size() > 64 || !std::all_of(name.begin(), name.end(), is_plain) || name.front() == '/') return {};
  std::ifstream file(std::string(zones) + std::string(name), std::ios::binary);
  std::string bytes(std::istreambuf_iterator<char>(file), {});
  if (!file || !bytes.starts_with("TZif") || !bytes.ends_with('\n')) return {};
  bytes.pop_back();
  return local_zone::parse(std::string_view(bytes).substr(bytes.rfind('\n') + 1));
}

expected<bool> put_zone(weekly_schedule& schedule, const std::string& path, element value) {
  std::string_view text;
  if (value.get(text)) return refuse_schedule(path, "text");
  auto zone = local_zone::parse(text);
  if (!zone) zone = zone_of_file(text);
  if (!zone)
    return refuse_schedule(
        path,
        "UTC, a distance such as +01:00, a zone that this machine knows such as Europe/Berlin, or its rule as POSIX "
        "writes it");
  schedule.zone = *zone;
  schedule.zone_name = text;
  return true;
}

/// "06:30" in microseconds behind midnight.
expected<bool> put_clock(std::int64_t& member, const std::string& path, element value, std::int64_t latest_minute) {
  std::string_view text;
  const auto is_digit = [&](std::size_t at) { return text[at] >= '0' && text[at] <= '9'; };
  if (!value.get(text) && text.size() == 5 && is_digit(0) && is_digit(1) && text[2] == ':' && is_digit(3) && is_digit(4)) {
    const auto hours = (text[0] - '0') * 10 + text[1] - '0', minutes = (text[3] - '0') * 10 + text[4] - '0';
    const std::int64_t of_day = hours * 60 + minutes;
    if (minutes < 60 && of_day <= latest_minute) {
      member = of_day * minute_us;
      return true;
    }
  }
  return refuse_schedule(path, latest_minute < day_minutes ? "a time such as 06:00" : "a time such as 22:00, up to 24:00");
}

expected<bool> put_days(std::uint8_t& member, const std::string& path, element value) {
  array days;
  member = 0;
  if (value.get(days) || days.size() == 0) return refuse_schedule(path, "an array of mon, tue, wed, thu, fri, sat, sun");
  for (const element each : days) {
    std::string_view text;
    const auto* const found = each.get(text) ? week_days.end() : std::ranges::find(week_days, text);
    if (found == week_days.end()) return refuse_schedule(path, "an array of mon, tue, wed, thu, fri, sat, sun");
    member = static_cast<std::uint8_t>(member | 1U << static_cast<unsigned>(found - week_days.begin()));
  }
  return true;
}

expected<weekly_schedule::shift> read_shift(const std::string& path, element value) {
  weekly_schedule::shift shift;
  shift.days = all_days;
  bool has_from = false, has_to = false;
  auto taken =
      for_each_member(path, value, [&](std::string_view name, const std::string& inner, element given) -> expected<bool> {
        if (name == "days") return put_days(shift.days, inner, given);
        if (name == "from") return has_from = true, put_clock(shift.from_us, inner, given, day_minutes - 1);
        if (name == "to") return has_to = true, put_clock(shift.to_us, inner, given, day_minutes);
        return false;
      });
  if (!taken) return tl::unexpected(std::move(taken.error()));
  if (!has_from) return fail(errc::invalid, path + ".from is required", path + ".from");
  if (!has_to) return fail(errc::invalid, path + ".to is required", path + ".to");
  return shift;
}

expected<bool> put_times(weekly_schedule& schedule, const std::string& path, element value) {
  array times;
  if (value.get(times) || times.size() == 0 || times.size() > limits::shifts_per_rule)
    return refuse_schedule(path, fmt::format("an array of 1 to {} objects with days, from and to", limits::shifts_per_rule));
  for (const element each : times) {
    auto shift = read_shift(fmt::format("{}[{}]", path, schedule.shifts.size()), each);
    if (!shift) return tl::unexpected(std::move(shift.error()));
    schedule.shifts.push_back(*shift);
  }
  return true;
}

}  // namespace

expected<weekly_schedule> read_schedule(const std::string& path, element value) {
  weekly_schedule schedule;
  if (value.is_null()) return schedule;
  schedule.zone_name = "UTC";
  auto taken =
      for_each_member(path, value, [&](std::string_view name, const std::string& inner, element given) -> expected<bool> {
        if (name == "zone") return put_zone(schedule, inner, given);
        return name == "times" ? put_times(schedule, inner, given) : expected<bool>(false);
      });
  if (!taken) return tl::unexpected(std::move(taken.error()));
  if (schedule.always()) return fail(errc::invalid, path + ".times is required", path + ".times");
  return schedule;
}

void write_schedule(json_writer& out, const weekly_schedule& schedule) {
  if (schedule.always()) {
    out.value(nullptr);
    return;
  }
  out.begin_object().member("zone", schedule.zone_name).key("times").begin_array();
  for (const auto& each : schedule.shifts) {
    out.begin_object().key("days").begin_array();
    for (std::size_t day = 0; day < week_days.size(); ++day)
      if ((each.days >> day & 1) != 0) out.value(week_days[day]);
    out.end_array().member("from", clock_text(each.from_us)).member("to", clock_text(each.to_us)).end_object();
  }
  out.end_array().end_object();
}

}  // namespace factory
