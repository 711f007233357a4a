#include "actors/jobs/job_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include "pipelines/stats/downsample.hpp"

namespace factory {

namespace {

constexpr std::size_t events_per_page = 1'000;

struct findings {
  std::uint64_t anomalies = 0, alerts = 0;
};
using findings_of_day = std::unordered_map<sensor_id, findings>;

/// Findings that began on the day and hold.
expected<findings_of_day> count_findings(const event_log& events, const time_range& day) {
  findings_of_day counted;
  event_query page;
  page.range = day;
  page.descending = false;
  page.limit = events_per_page;
  const auto count = [&](const event& each) -> expected<void> {
    const bool is_alert = each.key.kind == event_kind::alert_raised;
    if (each.key.kind != event_kind::anomaly && !is_alert) return {};
    const auto known = events.find(each.key);
    if (!known) return tl::unexpected(known.error());
    if (!*known || !(*known)->holds()) return {};
    if ((*known)->stated->key != each.key) return {};  // it was told again
    ++(is_alert ? counted[each.key.sensor].alerts : counted[each.key.sensor].anomalies);
    return {};
  };
  for (;;) {
    const auto found = events.query(page);
    if (!found) return tl::unexpected(found.error());
    for (const event& each : *found)
      if (auto done = count(each); !done) return tl::unexpected(std::move(done.error()));
    if (found->size() < events_per_page) return counted;
    page.after_sequence = found->back().sequence;
  }
}

expected<report_sensor> describe_sensor(const job_parts& parts, const machine_entry& machine, const sensor_entry& sensor,
                                        const time_range& day, const findings_of_day& counted) {
  report_sensor line{sensor.id, machine.name, sensor.name, sensor.unit, {}, 0, 0};
  const auto cut = parts.cut(sensor.id, day);
  if (!cut) return tl::unexpected(cut.error());
  const auto readings = parts.series.summarize(*cut, day, asker::background);
  if (!readings) return tl::unexpected(readings.error());
  line.readings = *readings;
  if (const auto found = counted.find(sensor.id); found != counted.end()) {
    line.anomalies = found->second.anomalies;
    line.alerts = found->second.alerts;
  }
  return line;
}

expected<void> report_day(const job_parts& parts, const report_writer& write, const std::atomic<bool>& stopping,
                          const factory_entry& factory, const time_range& day, const findings_of_day& counted) {
  const auto now_us = parts.now_us();
  daily_report report{factory.id, factory.name, day.begin_us, day.end_us, now_us, {}};
  for (const auto& machine : parts.entities.machines(factory.id))
    for (const auto& sensor : parts.entities.sensors(machine.id)) {
      if (stopping) return fail(errc::stopping, "stopped before its end");
      auto line = describe_sensor(parts, machine, sensor, day, counted);
      if (!line && line.error().code == errc::not_found) continue;  // deleted meanwhile
      if (!line) return tl::unexpected(std::move(line.error()));    // an incomplete report would be wrong
      report.sensors.push_back(std::move(*line));
    }
  std::ranges::sort(report.sensors, {}, &report_sensor::id);
  const auto [json, html] = write(report);
  return parts.records.put_report({0, factory.id, day.begin_us, day.end_us, now_us}, json, html).map([](const report_info&) {});
}

}  // namespace

expected<std::string> report_yesterday(const job_parts& parts, const report_writer& write, const std::atomic<bool>& stopping,
                                       asked_by who) {
  const auto today_us = bucket_start(parts.now_us(), day_us);
  const time_range day{today_us - day_us, today_us};
  std::optional<findings_of_day> counted;
  std::size_t reports = 0;
  for (const auto& factory : parts.entities.factories()) {
    if (who == asked_by::schedule && parts.records.has_report(factory.id, day.begin_us)) continue;
    if (!counted) {
      auto found = count_findings(parts.events, day);
      if (!found) return tl::unexpected(found.error());
      counted = std::move(*found);
    }
    if (auto done = report_day(parts, write, stopping, factory, day, *counted); !done)
      return tl::unexpected(std::move(done.error()));
    ++reports;
  }
  return fmt::format("{} reports written", reports);
}

expected<std::vector<std::int64_t>> report_again(const job_parts& parts, const report_writer& write,
                                                 const std::set<factory_id>& factories, const time_range& range,
                                                 const std::atomic<bool>& stopping) {
  const auto known = parts.records.reports(std::nullopt, SIZE_MAX);
  if (!known) return tl::unexpected(known.error());
  std::map<std::int64_t, std::vector<factory_id>> by_day;
  for (const auto& each : *known)
    if (factories.contains(each.factory) && each.begin_us < range.end_us && each.end_us > range.begin_us)
      by_day[each.begin_us].push_back(each.factory);
  std::vector<std::int64_t> made;
  for (const auto& [begin_us, of] : by_day) {
    const time_range day{begin_us, begin_us + day_us};
    const auto counted = count_findings(parts.events, day);
    if (!counted) return tl::unexpected(counted.error());
    for (const auto id : of) {
      const auto factory = parts.entities.find_factory(id);
      if (!factory) continue;  // deleted meanwhile
      if (auto done = report_day(parts, write, stopping, *factory, day, *counted); !done)
        return tl::unexpected(std::move(done.error()));
    }
    made.push_back(begin_us);
  }
  return made;
}

}  // namespace factory
