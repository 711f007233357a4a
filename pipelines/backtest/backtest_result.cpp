#include "pipelines/backtest/backtest_result.hpp"

#include <algorithm>
#include <string_view>

namespace factory {

namespace {

constexpr std::size_t parts_of_range = 60;

std::string counted(std::uint64_t count, std::string_view one, std::string_view many) {
  return std::to_string(count) + " " + std::string(count == 1 ? one : many);
}

}  // namespace

const backtest_line* backtest_result::in_force(const backtest_line& draft) const {
  if (!draft.draft || (draft.source == event_source::alert_rule && draft.rule == 0)) return nullptr;
  const auto found = std::ranges::find_if(
      lines, [&](const backtest_line& each) { return !each.draft && each.source == draft.source && each.rule == draft.rule; });
  return found == lines.end() ? nullptr : &*found;
}

std::string difference_text(const backtest_line& draft, const backtest_line* in_force) {
  const bool detects = is_detector(draft.source);
  const auto fired = detects ? counted(draft.all.count, "anomaly", "anomalies") : counted(draft.all.count, "alarm", "alarms");
  std::string out = detects ? "draft of the detector " + std::string(to_text(draft.source)) : "draft rule";
  if (draft.rule != 0) out += " " + std::to_string(draft.rule);
  if (!detects && !draft.name.empty()) out += " (" + draft.name + ")";
  out += ": " + fired;
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
    add(line.by_sensor[each.sensor], each);
  }
  line.over_time = over_time(firings, range.begin_us, range.end_us, parts_of_range);
  if (!faults.empty()) line.faults = compare(firings, faults);
}

}  // namespace factory
