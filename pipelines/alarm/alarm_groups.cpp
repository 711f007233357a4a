#include "pipelines/alarm/alarm_groups.hpp"

#include <algorithm>
#include <charconv>
#include <tuple>

namespace factory {

namespace {

constexpr std::int64_t hour_us = 3'600'000'000;

std::int64_t hour_of(std::int64_t time_us) {
  const auto behind_us = time_us % hour_us;
  return time_us - (behind_us < 0 ? behind_us + hour_us : behind_us);
}

template <class Number>
bool take_number(std::string_view& text, Number& number) {
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

}  // namespace

std::int64_t groups_need_from_us(std::int64_t raised_us, std::int64_t window_us) {
  return hour_of(raised_us) - hour_us - window_us;
}

std::vector<alarm_group> group_alarms(machine_id machine, std::vector<event_key> all, std::int64_t window_us) {
  std::ranges::sort(all, {}, [](const event_key& it) { return std::tuple(it.event_time_us, it.sensor, it.source, it.rule); });
  std::vector<alarm_group> groups;
  std::int64_t before_us = 0, calm_until_us = 0;  // raise of the alarm before; of the newest one that came out of calm
  for (const event_key& each : all) {
    const auto at_us = each.event_time_us, hour = hour_of(at_us);
    const bool ends_calm = groups.empty() || at_us - before_us >= window_us;
    const bool goes_on_for_long = !ends_calm && before_us < hour && calm_until_us < hour - hour_us;
    if (ends_calm) calm_until_us = at_us;
    if (ends_calm || goes_on_for_long || at_us - groups.back().begin_us >= window_us) groups.push_back({machine, at_us});
    groups.back().alarms.push_back(each);
    before_us = at_us;
  }
  return groups;
}

std::string group_id(const alarm_group& group) { return std::to_string(group.machine) + '-' + std::to_string(group.begin_us); }

bool parse_group_id(std::string_view text, alarm_group& out) {
  if (!take_number(text, out.machine) || out.machine == 0 || !text.starts_with('-')) return false;
  text.remove_prefix(1);
  return take_number(text, out.begin_us) && text.empty();
}

}  // namespace factory
