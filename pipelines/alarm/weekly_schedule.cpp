#include "pipelines/alarm/weekly_schedule.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "pipelines/model/coding.hpp"

namespace factory {
namespace {

constexpr std::int64_t one_day_us = 86'400'000'000, one_week_us = 7 * one_day_us;
constexpr std::int64_t epoch_of_week_us = 3 * one_day_us;  // 1970 began on a Thursday
constexpr std::uint64_t most_shifts = 64;

std::int64_t of_week(std::int64_t wall_us) {
  const auto rest = (wall_us + epoch_of_week_us) % one_week_us;
  return rest < 0 ? rest + one_week_us : rest;
}

std::int64_t length_of(const weekly_schedule::shift& shift) {
  return shift.to_us > shift.from_us ? shift.to_us - shift.from_us : shift.to_us - shift.from_us + one_day_us;
}

}  // namespace

bool weekly_schedule::covers_in_week(std::int64_t of_week_us) const {
  for (const shift& each : shifts)
    for (int day = 0; day < 7; ++day) {
      if ((each.days >> day & 1) == 0) continue;
      const auto since = of_week_us - (day * one_day_us + each.from_us);
      if ((since < 0 ? since + one_week_us : since) < length_of(each)) return true;
    }
  return false;
}

bool weekly_schedule::covers(std::int64_t time_us) const {
  return always() || covers_in_week(of_week(time_us + zone.offset_us(time_us)));
}

/// From one border on the wall to the next, and to where the wall itself is set forward or back; in two weeks there is each of them.
std::int64_t weekly_schedule::first_us(std::int64_t time_us, bool covered) const {
  const auto last_us = time_us + 2 * one_week_us;
  while (time_us < last_us) {
    if (covers(time_us) == covered) return time_us;
    const auto offset_us = zone.offset_us(time_us);
    const auto now_us = of_week(time_us + offset_us);
    auto step_us = one_week_us;
    for (const shift& each : shifts)
      for (int day = 0; day < 7; ++day)
        for (const auto border_us : {each.from_us, each.from_us + length_of(each)}) {
          const auto ahead = of_week(day * one_day_us + border_us - epoch_of_week_us) - now_us;
          step_us = std::min(step_us, ahead > 0 ? ahead : ahead + one_week_us);
        }
    time_us = std::min(time_us + step_us, zone.next_change_us(time_us));
  }
  return INT64_MAX;
}

std::string clock_text(std::int64_t of_day_us) {
  const auto minutes = of_day_us / 60'000'000;
  return fmt::format("{:02}:{:02}", minutes / 60, minutes % 60);
}

std::string to_text(const weekly_schedule& schedule) {
  std::vector<std::string> shifts;
  for (const auto& each : schedule.shifts) {
    std::vector<std::string_view> days;
    for (std::size_t day = 0; day < week_days.size(); ++day)
      if ((each.days >> day & 1) != 0) days.push_back(week_days[day]);
    shifts.push_back(fmt::format("{} {}-{}", fmt::join(days, ","), clock_text(each.from_us), clock_text(each.to_us)));
  }
  return shifts.empty() ? std::string() : fmt::format("{} {}", fmt::join(shifts, "; "), schedule.zone_name);
}

void put_schedule(std::string& out, const weekly_schedule& schedule) {
  put_varint(out, schedule.shifts.size());
  if (schedule.always()) return;
  for (const auto& each : schedule.shifts) {
    put_byte(out, each.days);
    put_zigzag(out, each.from_us);
    put_zigzag(out, each.to_us);
  }
  put_text(out, schedule.zone_name);
  put_zone(out, schedule.zone);
}

bool get_schedule(std::string_view& in, weekly_schedule& schedule) {
  std::uint64_t count = 0;
  schedule = {};
  if (!get_varint(in, count) || count > most_shifts) return false;
  if (count == 0) return true;
  const auto of_day = [](std::int64_t us) { return us >= 0 && us <= one_day_us; };
  for (; count > 0; --count) {
    auto& each = schedule.shifts.emplace_back();
    if (!get_byte(in, each.days) || each.days > 127 || !get_zigzag(in, each.from_us) || !get_zigzag(in, each.to_us) ||
        !of_day(each.from_us) || !of_day(each.to_us))
      return false;
  }
  return get_text(in, schedule.zone_name) && get_zone(in, schedule.zone);
}

}  // namespace factory
