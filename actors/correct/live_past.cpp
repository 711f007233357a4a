#include "actors/correct/live_past.hpp"

#include <utility>

namespace factory {

expected<judged_past> live_past::judge(sensor_id sensor, const past_change& change, const std::atomic<bool>& stopping) const {
  auto stored = settled_cut(sensor);
  if (!stored) return tl::unexpected(std::move(stored.error()));
  auto judged = judge_again(past, *stored, change, stopping);
  if (!judged || !judged->reaches_live) return judged;
  if (auto stands = command(sensor, hold_judging()); !stands) return tl::unexpected(std::move(stands.error()));
  judged = judge_held(sensor, change, stopping);
  if ((judged && judged->reaches_live) || stopping) return judged;
  if (auto goes_on = command(sensor, hand_over()); !goes_on) return tl::unexpected(std::move(goes_on.error()));
  return judged;
}

expected<judged_past> live_past::judge_held(sensor_id sensor, const past_change& change,
                                            const std::atomic<bool>& stopping) const {
  const auto stored = settled_cut(sensor);
  if (!stored) return tl::unexpected(stored.error());
  return judge_again(past, *stored, change, stopping);
}

expected<void> live_past::let_go(sensor_id sensor, const judged_past& judged) const {
  return judged.reaches_live ? command(sensor, hand_over()) : expected<void>();
}

expected<void> live_past::finish(sensor_id sensor, judged_past judged, std::optional<event> report) const {
  auto& all = judged.events;
  if (report) all.push_back(std::move(*report));
  if (!judged.reaches_live) return all.empty() ? expected<void>() : events.append(std::move(all)).map([](std::size_t) {});
  judged.to_live.events = std::move(all);
  return command(sensor, std::move(judged.to_live));
}

}  // namespace factory
