#include <algorithm>
#include <cmath>
#include <utility>

#include "actors/sensors/sensor_state.hpp"

/// What of a sensor's readings its alarms are told.
namespace factory {

namespace {

/// No limit, no rule: no value moves an alarm.
bool holds_all(const calm_band& calm) {
  return std::isinf(calm.lowest) && calm.lowest < 0 && std::isinf(calm.highest) && calm.highest > 0;
}

}  // namespace

/// As alarms need to know it.
row_quality sensor_state::quality_of(std::uint8_t flags) const {
  if (!tells_quality_ || (flags & flag_excluded) != 0) return row_quality::as_known;
  return (flags & flag_bad) != 0 ? row_quality::bad : (flags & flag_uncertain) != 0 ? row_quality::uncertain : row_quality::good;
}

/// Of rows that were put among others or taken out: those that are, or were, or follow on one that is not calm; and what follows on them.
void sensor_state::add_alarm_rows(std::span<const touched_row> touched, std::vector<alarm_row>& out) const {
  const auto add = [&](std::size_t row, row_quality quality = row_quality::as_known) {
    out.push_back({rows().times_us()[row], rows().values()[row], false, quality});
  };
  const bool may_be_watched = !holds_all(calm_) || calm_from_us_ != INT64_MIN || next_matters_;
  for (const auto& [time_us, before, gone, quality] : touched) {
    if (quality == row_quality::bad && !before) {
      out.push_back({time_us, 0, true, quality});
      continue;
    }
    const auto row = rows().lower_bound(time_us);
    const bool was_calm = !before || calm_.contains(*before);
    const bool calm = was_calm && (gone ? time_us > calm_from_us_ : is_calm(row));
    const bool follows_calm = row == 0 ? !next_matters_ : is_calm(row - 1);
    if (calm && follows_calm) {  // alarms may have seen it when it was not so
      if (gone && may_be_watched) out.push_back({time_us, 0, true, quality});
      continue;
    }
    gone ? out.push_back({time_us, 0, true, quality}) : add(row, quality);
    if (const auto next = gone ? row : row + 1; (!calm || gone) && next < rows().size()) add(next);
  }
  const auto told_first = [](const alarm_row& row) { return std::pair(row.time_us, row.quality == row_quality::as_known); };
  std::ranges::sort(out, {}, told_first);
  const auto again = std::ranges::unique(out, {}, &alarm_row::time_us);
  out.erase(again.begin(), again.end());
}

/// What is settled is open since before all that may still be judged again; what was found since can change.
void sensor_state::begin_to_tell_anomalies() {
  tells_anomalies_ = true;
  std::vector<anomaly_change> changes;
  for (const auto& open : judged_.settled().detectors().episodes().told())
    changes.push_back({{judged_.settled_us(), open.begin_us, source_of(open.opened_by), event_kind::anomaly_opened, 0, open.by,
                        open.score, open.level}});
  for (const auto& open : judged_.settled().control_chart().told()) {
    const auto key = key_of_violation(sensor_, open, event_kind::anomaly_opened);
    changes.push_back({{judged_.settled_us(),
                        key.event_time_us,
                        key.source,
                        key.kind,
                        0,
                        {},
                        open.what.now.score,
                        open.what.now.level,
                        key.rule}});
  }
  add_changes(judged_.unsettled(), changes);
  if (!changes.empty()) unusual_.change().anomaly_changes = std::move(changes);
}

sensor_state::watch_place sensor_state::watch(const alarm_needs& needs, std::int64_t received_at_us) {
  const auto& calm = needs.calm;
  if (needs.anomalies && !tells_anomalies_) begin_to_tell_anomalies();
  tells_quality_ = tells_quality_ || needs.quality;
  watch_place place{place_us(received_at_us), {}};
  if (seen()) {
    for (auto row = rows().upper_bound(place.at_us); row < rows().size(); ++row)
      place.newer.push_back({rows().times_us()[row], rows().values()[row]});
  }
  const bool is_watched = !holds_all(calm) || !holds_all(calm_);
  calm_ = calm;
  if (!is_watched) return place;
  calm_from_us_ = place.at_us;
  next_matters_ = true;
  return place;
}

void sensor_state::watch_again(const alarm_needs& needs) {
  calm_ = needs.calm;
  tells_anomalies_ = needs.anomalies;
  tells_quality_ = needs.quality;
  next_matters_ = true;
}

}  // namespace factory
