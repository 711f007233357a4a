#include "pipelines/alarm/local_zone.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include "pipelines/model/coding.hpp"

namespace factory {
namespace {

namespace cal = std::chrono;

constexpr std::int64_t us_a_second = 1'000'000, us_a_day = 86'400 * us_a_second;
constexpr std::int32_t longest_offset_s = 26 * 3600, longest_of_day_s = 167 * 3600;

/// Takes the parts of such a text off its front.
struct zone_reader {
  std::string_view rest;

  bool take(char c) {
    if (!rest.starts_with(c)) return false;
    rest.remove_prefix(1);
    return true;
  }
  bool name() {
    const bool quoted = take('<');
    std::size_t length = 0;
    const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    while (length < rest.size() && (quoted ? rest[length] != '>' : is_letter(rest[length]))) ++length;
    if (length < 3) return false;
    rest.remove_prefix(length);
    return !quoted || take('>');
  }
  /// -1: there is none up to `most`.
  std::int32_t number(std::int32_t most) {
    std::int32_t value = 0;
    std::size_t length = 0;
    for (; length < rest.size() && rest[length] >= '0' && rest[length] <= '9' && length < 3; ++length)
      value = value * 10 + (rest[length] - '0');
    rest.remove_prefix(length);
    return length == 0 || value > most ? -1 : value;
  }
  /// [+-]hh[:mm[:ss]] in seconds.
  std::optional<std::int32_t> clock() {
    const bool negative = take('-');
    if (!negative) take('+');
    const auto hours = number(167);
    if (hours < 0) return std::nullopt;
    auto seconds = hours * 3600;
    for (const std::int32_t unit : {60, 1}) {
      if (!take(':')) break;
      const auto part = number(59);
      if (part < 0) return std::nullopt;
      seconds += part * unit;
    }
    return negative ? -seconds : seconds;
  }
  std::optional<local_zone::yearly> day() {
    using form = local_zone::yearly::form;
    local_zone::yearly out;
    if (take('M')) {
      const auto month = number(12), week = take('.') ? number(5) : -1, weekday = take('.') ? number(6) : -1;
      if (month < 1 || week < 1 || weekday < 0) return std::nullopt;
      out = {form::weekday, static_cast<std::uint16_t>(month), static_cast<std::uint16_t>(week),
             static_cast<std::uint16_t>(weekday)};
    } else {
      const bool without_leap_day = take('J');
      const auto of_year = number(365);
      if (of_year < (without_leap_day ? 1 : 0)) return std::nullopt;
      out = {without_leap_day ? form::day_without_leap_day : form::day, 0, 0, static_cast<std::uint16_t>(of_year)};
    }
    if (!take('/')) return out;
    const auto seconds = clock();
    if (!seconds) return std::nullopt;
    out.seconds = *seconds;
    return out;
  }
};

std::int64_t day_of(const local_zone::yearly& when, cal::year year) {
  using form = local_zone::yearly::form;
  const auto first = cal::sys_days(year / cal::January / 1);
  if (when.how == form::day) return (first + cal::days(when.day)).time_since_epoch().count();
  if (when.how == form::day_without_leap_day) {
    const bool is_behind = year.is_leap() && when.day > 59;
    return (first + cal::days(when.day - 1 + (is_behind ? 1 : 0))).time_since_epoch().count();
  }
  const cal::weekday wanted(when.day);
  const auto month = year / cal::month(when.month);
  if (when.week == 5) return cal::sys_days(month / wanted[cal::last]).time_since_epoch().count();
  return cal::sys_days(month / wanted[when.week]).time_since_epoch().count();
}

std::int64_t instant_of(const local_zone::yearly& when, cal::year year, std::int32_t offset_s) {
  return day_of(when, year) * us_a_day + (std::int64_t{when.seconds} - offset_s) * us_a_second;
}

cal::year year_of(std::int64_t time_us, std::int32_t offset_s) {
  const auto day = cal::floor<cal::days>(cal::sys_time<cal::microseconds>(cal::microseconds(time_us + offset_s * us_a_second)));
  return cal::year_month_day(day).year();
}

}  // namespace

std::optional<local_zone> local_zone::parse(std::string_view text) {
  zone_reader in{text};
  local_zone out;
  if (text == "UTC" || text == "Z") return out;
  if (text.starts_with('+') || text.starts_with('-')) {
    const auto offset = in.clock();
    if (!offset || !in.rest.empty() || std::abs(*offset) > longest_offset_s) return std::nullopt;
    out.offset_s = *offset;
    return out;
  }
  if (!in.name()) return std::nullopt;
  const auto west = in.clock();
  if (!west || std::abs(*west) > longest_offset_s) return std::nullopt;
  out.offset_s = -*west;
  if (in.rest.empty()) return out;
  if (!in.name()) return std::nullopt;
  out.has_summer = true;
  out.summer_offset_s = out.offset_s + 3600;
  if (!in.rest.starts_with(',')) {
    const auto summer_west = in.clock();
    if (!summer_west || std::abs(*summer_west) > longest_offset_s) return std::nullopt;
    out.summer_offset_s = -*summer_west;
  }
  const auto begins = in.take(',') ? in.day() : std::nullopt;
  const auto ends = begins && in.take(',') ? in.day() : std::nullopt;
  if (!ends || !in.rest.empty()) return std::nullopt;
  out.summer_begins = *begins;
  out.summer_ends = *ends;
  return out;
}

std::int64_t local_zone::offset_us(std::int64_t time_us) const {
  if (!has_summer) return offset_s * us_a_second;
  const auto year = year_of(time_us, offset_s);
  const auto begins_us = instant_of(summer_begins, year, offset_s), ends_us = instant_of(summer_ends, year, summer_offset_s);
  const bool is_summer =
      begins_us < ends_us ? time_us >= begins_us && time_us < ends_us : time_us >= begins_us || time_us < ends_us;
  return (is_summer ? summer_offset_s : offset_s) * us_a_second;
}

std::int64_t local_zone::next_change_us(std::int64_t time_us) const {
  if (!has_summer) return INT64_MAX;
  auto soonest = INT64_MAX;
  const auto year = year_of(time_us, offset_s);
  for (const int ahead : {-1, 0, 1, 2})
    for (const auto at : {instant_of(summer_begins, year + cal::years(ahead), offset_s),
                          instant_of(summer_ends, year + cal::years(ahead), summer_offset_s)})
      if (at > time_us) soonest = std::min(soonest, at);
  return soonest;
}

void put_zone(std::string& out, const local_zone& zone) {
  put_zigzag(out, zone.offset_s);
  put_byte(out, zone.has_summer ? 1 : 0);
  if (!zone.has_summer) return;
  put_zigzag(out, zone.summer_offset_s);
  for (const auto& each : {zone.summer_begins, zone.summer_ends}) {
    put_byte(out, static_cast<std::uint8_t>(each.how));
    put_varint(out, each.month);
    put_varint(out, each.week);
    put_varint(out, each.day);
    put_zigzag(out, each.seconds);
  }
}

namespace {

bool get_seconds(std::string_view& in, std::int32_t& out, std::int32_t most) {
  std::int64_t read = 0;
  if (!get_zigzag(in, read) || read < -most || read > most) return false;
  out = static_cast<std::int32_t>(read);
  return true;
}

bool get_yearly(std::string_view& in, local_zone::yearly& out) {
  using form = local_zone::yearly::form;
  std::uint8_t how = 0;
  if (!get_byte(in, how) || how > static_cast<std::uint8_t>(form::day) || !get_varint_as(in, out.month) ||
      !get_varint_as(in, out.week) || !get_varint_as(in, out.day) || !get_seconds(in, out.seconds, longest_of_day_s + 3600))
    return false;
  out.how = static_cast<form>(how);
  if (out.how == form::weekday) return out.month >= 1 && out.month <= 12 && out.week >= 1 && out.week <= 5 && out.day <= 6;
  return out.day <= 365;
}

}  // namespace

bool get_zone(std::string_view& in, local_zone& zone) {
  std::uint8_t has_summer = 0;
  zone = {};
  if (!get_seconds(in, zone.offset_s, longest_offset_s) || !get_byte(in, has_summer) || has_summer > 1) return false;
  zone.has_summer = has_summer == 1;
  return !zone.has_summer || (get_seconds(in, zone.summer_offset_s, longest_offset_s + 3600) &&
                              get_yearly(in, zone.summer_begins) && get_yearly(in, zone.summer_ends));
}

}  // namespace factory
