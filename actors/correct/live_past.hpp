#pragma once

#include <atomic>
#include <functional>
#include <optional>

#include "actors/correct/judge_again.hpp"
#include "pipelines/command/command.hpp"

namespace factory {

/// Judging a sensor's past again together with its live judges: where these have a part in what follows, they stand still meanwhile, take over what was
/// found at their edge, and go on from there. Both are entries of the journal, so recovery does the same at the same places.
struct live_past {
  const past_parts& past;
  event_log& events;
  /// The sensor with all rows of its head, as they are stored, when the log has what its actors found in them.
  const std::function<expected<sensor_cut>(sensor_id)>& settled_cut;
  /// Commits what the sensor is to do, and waits until what came of it is in the log.
  const std::function<expected<void>(sensor_id, command_payload)>& command;

  /// As judge_again(). Where the live judges have a part in it, they stand still afterwards.
  expected<judged_past> judge(sensor_id sensor, const past_change& change, const std::atomic<bool>& stopping) const;
  expected<judged_past> judge_held(sensor_id sensor, const past_change& change, const std::atomic<bool>& stopping) const;
  /// What was judged is dropped: the live judges go on as they were.
  expected<void> let_go(sensor_id sensor, const judged_past& judged) const;
  /// All of `judged`, and an event that reports it, comes into the log as one.
  expected<void> finish(sensor_id sensor, judged_past judged, std::optional<event> report) const;
};

}  // namespace factory
