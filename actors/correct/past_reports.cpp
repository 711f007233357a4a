#include "actors/correct/past_reports.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

namespace factory {

namespace {

judged_again_detail detail_of(std::string what, const time_range& range, const judged_past& judged) {
  const auto& alerts = judged.changed.alerts;
  const auto& anomalies = judged.changed.anomalies;
  judged_again_detail detail;
  detail.what = std::move(what);
  detail.begin_us = range.begin_us;
  detail.end_us = range.end_us;
  detail.alerts_raised = alerts.raised;
  detail.alerts_withdrawn = alerts.withdrawn;
  detail.alerts_revised = alerts.revised;
  detail.anomalies_raised = anomalies.raised;
  detail.anomalies_withdrawn = anomalies.withdrawn;
  detail.anomalies_revised = anomalies.revised;
  if (!judged.any()) return detail;
  detail.changed_from_us = judged.first_us;
  detail.changed_to_us = judged.last_us;
  return detail;
}

}  // namespace

std::int64_t when(const correction_store::step& of) { return of.is_revert() ? of.of.reverted->at_us : of.of.made_at_us; }

event report_of(const correction_store::step& of, sensor_id sensor, const judged_past& judged) {
  const bool back = of.is_revert();
  event said;
  said.key = {sensor, of.of.begin_us, event_source::correction, of.of.id, event_kind::readings_corrected, back ? 1U : 0U};
  said.recorded_at_us = when(of);
  said.at_us = of.of.begin_us;
  said.who = back ? of.of.reverted->by : of.of.by;
  said.explanation =
      fmt::format("Correction {} {}: {}.", of.of.id, back ? "was reverted" : "took force", to_text(judged.changed));
  auto detail = detail_of(fmt::format("{}{}", back ? "revert of " : "", to_text(of.of.change.action)),
                          {of.of.begin_us, of.of.end_us}, judged);
  detail.correction = of.of.id;
  said.detail = std::move(detail);
  return said;
}

event backlog_report(sensor_id sensor, const time_range& range, std::int64_t recorded_at_us, const judged_past& judged) {
  event said;
  said.key = {sensor, range.begin_us, event_source::correction, 0, event_kind::backlog_judged};
  said.recorded_at_us = recorded_at_us;
  said.at_us = range.begin_us;
  said.explanation = fmt::format("Readings that came late were judged: {}.", to_text(judged.changed));
  said.detail = detail_of("late readings", range, judged);
  return said;
}

void widen(time_range& range, std::int64_t first_us, std::int64_t last_us) {
  range.begin_us = std::min(range.begin_us, first_us);
  range.end_us = std::max(range.end_us, last_us + 1);
}

}  // namespace factory
