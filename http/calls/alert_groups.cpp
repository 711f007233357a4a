#include "http/calls/alert_groups.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "storage/base/limits.hpp"

namespace factory {

namespace {

constexpr int most_pages = 5;

/// Whose alarms must be known, and of when.
struct alarms_needed {
  std::unordered_map<sensor_id, machine_id> machine_of;  ///< all sensors of the machines
  std::map<machine_id, std::vector<time_range>> times;

  bool holds(const event_key& alert) const {
    const auto machine = machine_of.find(alert.sensor);
    if (machine == machine_of.end()) return false;
    return std::ranges::any_of(times.at(machine->second), [&](const time_range& each) {
      return alert.event_time_us >= each.begin_us && alert.event_time_us < each.end_us;
    });
  }
  time_range all() const {
    time_range out{INT64_MAX, INT64_MIN};
    for (const auto& [machine, ranges] : times)
      for (const auto& each : ranges) out = {std::min(out.begin_us, each.begin_us), std::max(out.end_us, each.end_us)};
    return out;
  }
};

/// Ranges of one machine by their begin, those that touch joined.
std::vector<time_range> joined(std::vector<time_range> ranges) {
  std::ranges::sort(ranges, {}, &time_range::begin_us);
  std::vector<time_range> out;
  for (const auto& each : ranges) {
    if (!out.empty() && each.begin_us <= out.back().end_us)
      out.back().end_us = std::max(out.back().end_us, each.end_us);
    else
      out.push_back(each);
  }
  return out;
}

alarms_needed needed_for(const query_port& behind, const std::vector<finding>& alerts, std::int64_t window_us) {
  alarms_needed need;
  for (const finding& each : alerts) {
    const auto& key = each.stated->key;
    const auto sensor = behind.entities().find_sensor(key.sensor);
    if (!sensor) continue;
    auto& ranges = need.times[sensor->machine];
    if (ranges.empty())
      for (const auto& one : behind.entities().sensors(sensor->machine)) need.machine_of[one.id] = sensor->machine;
    ranges.push_back({groups_need_from_us(key.event_time_us, window_us), key.event_time_us + window_us});
  }
  for (auto& [machine, ranges] : need.times) ranges = joined(std::move(ranges));
  return need;
}

/// Nothing when they are too many.
expected<std::optional<std::map<machine_id, std::vector<event_key>>>> alarms_of(const query_port& behind,
                                                                                const alarms_needed& need) {
  std::map<machine_id, std::vector<event_key>> out;
  alert_query asked;
  asked.range = need.all();
  asked.among = [&](const event_key& key) { return need.holds(key); };
  asked.limit = limits::events_looked_at;
  for (int page = 0; page < most_pages; ++page) {
    const auto found = behind.events().alert_page(asked);
    if (!found) return tl::unexpected(found.error());
    for (const finding& each : found->rows) {
      const auto key = with_kind(each.stated->key, {});
      out[need.machine_of.at(key.sensor)].push_back(key);
    }
    if (!found->next) return out;
    asked.before_sequence = *found->next;
  }
  return std::nullopt;
}

}  // namespace

expected<shown_groups> shown_groups::of(const query_port& behind, const std::vector<finding>& alerts, std::int64_t window_us) {
  shown_groups out;
  if (window_us == 0 || alerts.empty()) return out;
  const auto need = needed_for(behind, alerts, window_us);
  if (need.times.empty()) return out;
  auto known = alarms_of(behind, need);
  if (!known) return tl::unexpected(known.error());
  if (!*known) return out;
  std::map<event_key, std::shared_ptr<const alarm_group>> of_any;
  for (auto& [machine, keys] : **known)
    for (auto& group : group_alarms(machine, std::move(keys), window_us)) {
      const auto shared = std::make_shared<const alarm_group>(std::move(group));
      for (const auto& key : shared->alarms) of_any[key] = shared;
    }
  std::set<std::shared_ptr<const alarm_group>> shown;
  for (const finding& each : alerts) {
    const auto group = of_any.find(with_kind(each.stated->key, {}));
    if (group == of_any.end()) continue;
    out.of_alert_.insert(*group);
    if (group->second->alarms.size() > 1) shown.insert(group->second);
  }
  out.groups_.assign(shown.begin(), shown.end());
  std::ranges::sort(out.groups_, [](const auto& a, const auto& b) {
    return a->begin_us != b->begin_us ? a->begin_us > b->begin_us : a->machine < b->machine;
  });
  return out;
}

const alarm_group* shown_groups::find(const event_key& alert) const {
  const auto group = of_alert_.find(with_kind(alert, {}));
  return group == of_alert_.end() ? nullptr : group->second.get();
}

void shown_groups::write(json_writer& out) const {
  out.begin_array();
  for (const auto& each : groups_) {
    out.begin_object().member("id", group_id(*each)).member("machine_id", each->machine);
    out.time_member("began_at", each->begin_us).member("first_out", finding_id(each->first_out())).key("alarms").begin_array();
    for (const auto& key : each->alarms) out.value(finding_id(key));
    out.end_array().end_object();
  }
  out.end_array();
}

}  // namespace factory
