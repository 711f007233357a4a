#include "pipelines/backtest/backtest_result.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace factory {

namespace {

std::string counted(std::uint64_t count, std::string_view one, std::string_view many) {
  return std::to_string(count) + " " + std::string(count == 1 ? one : many);
}

}  // namespace

const backtest_line* backtest_result::in_force(const backtest_line& draft) const {
  const bool is_new = draft.pipeline ? draft.pipeline->id == 0 : draft.source == event_source::alert_rule && draft.rule == 0;
  if (!draft.draft || is_new) return nullptr;
  const auto place = [](const backtest_line& each) {
    return each.pipeline ? std::pair(each.pipeline->id, each.pipeline->sink) : std::pair(pipeline_id{0}, std::size_t{0});
  };
  const auto found = std::ranges::find_if(lines, [&](const backtest_line& each) {
    return !each.draft && each.source == draft.source && each.rule == draft.rule && place(each) == place(draft);
  });
  return found == lines.end() ? nullptr : &*found;
}

namespace {

std::string subject_of(const backtest_line& draft) {
  const bool detects = is_detector(draft.source);
  std::string out;
  if (draft.pipeline) {
    out = "draft of the pipeline " + draft.pipeline->name;
    if (draft.source == event_source::pipeline) return out;
    out += detects ? ", detector " + std::string(to_text(draft.source)) : draft.rule != 0 ? ", rule" : ", " + draft.name;
  } else {
    out = detects ? "draft of the detector " + std::string(to_text(draft.source)) : "draft rule";
  }
  if (draft.rule != 0) out += " " + std::to_string(draft.rule);
  if (draft.source == event_source::alert_rule && !draft.name.empty()) out += " (" + draft.name + ")";
  return out;
}

}  // namespace

std::string difference_text(const backtest_line& draft, const backtest_line* in_force) {
  const auto fired = draft.source == event_source::pipeline ? counted(draft.all.count, "event", "events")
                     : is_detector(draft.source)            ? counted(draft.all.count, "anomaly", "anomalies")
                                                            : counted(draft.all.count, "alarm", "alarms");
  std::string out = subject_of(draft) + ": " + fired;
  if (in_force != nullptr) out += " instead of " + std::to_string(in_force->all.count);
  if (!draft.faults || draft.faults->faults == 0) return out;
  out += ", " + std::to_string(draft.faults->missed()) + " of " + counted(draft.faults->faults, "known fault", "known faults") +
         " missed";
  if (in_force != nullptr && in_force->faults) out += " instead of " + std::to_string(in_force->faults->missed());
  return out;
}

void fill(backtest_line& line, std::span<const firing> firings, std::span<const fault_window> faults,
          const backtest_result& range) {
  for (const auto& each : firings) {
    add(line.all, each);
    if (group_of(each.source) == source_group::machine_detector)
      add(line.by_machine[each.rule], each);
    else
      add(line.by_sensor[each.sensor], each);
  }
  line.over_time = over_time(firings, range.begin_us, range.end_us, backtest_parts_of_range);
  if (!faults.empty()) line.faults = compare(firings, faults);
}

}  // namespace factory
