#include "actors/jobs/job_report.hpp"

#include <fmt/format.h>

#include <algorithm>
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

expected<findings_of_day> count_findings(const event_log& events, const time_range& day) {
  findings_of_day counted;
  event_query page;
  page.range = day;
  page.descending = false;
  page.limit = events_per_page;
  for (;;) {
    const auto found = events.query(page);
    if (!found) return tl::unexpected(found.error());
    for (const event& each : *found) {
      auto& of_sensor = counted[each.key.sensor];
      if (each.key.kind == event_kind::anomaly) ++of_sensor.anomalies;
      if (each.key.kind == event_kind::alert_raised) ++of_sensor.alerts;
    }
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

}  // namespace

expected<std::string> report_yesterday(const job_parts& parts, const report_writer& write, const std::atomic<bool>& stopping,
                                       asked_by who) {
  const auto now_us = parts.now_us();
  const auto today_us = bucket_start(now_us, day_us);
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
    daily_report report{factory.id, factory.name, day.begin_us, day.end_us, now_us, {}};
    for (const auto& machine : parts.entities.machines(factory.id))
      for (const auto& sensor : parts.entities.sensors(machine.id)) {
        if (stopping) return fail(errc::stopping, "stopped before its end");
        auto line = describe_sensor(parts, machine, sensor, day, *counted);
        if (!line && line.error().code == errc::not_found) continue;  // deleted meanwhile
        if (!line) return tl::unexpected(std::move(line.error()));    // an incomplete report would be wrong
        report.sensors.push_back(std::move(*line));
      }
    std::ranges::sort(report.sensors, {}, &report_sensor::id);
    const auto [json, html] = write(report);
    const auto stored = parts.records.put_report({0, factory.id, day.begin_us, day.end_us, now_us}, json, html);
    if (!stored) return tl::unexpected(stored.error());
    ++reports;
  }
  return fmt::format("{} reports written", reports);
}

}  // namespace factory
