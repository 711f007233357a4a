#include <algorithm>

#include "pipelines/stream/stream_judge.hpp"

namespace factory {

namespace {

/// Whether the newest row before a window has a part in its aggregate.
bool takes_row_before(aggregate_kind kind) {
  return kind == aggregate_kind::integral || kind == aggregate_kind::time_in_state || kind == aggregate_kind::changes;
}

}  // namespace

bool stream_judge::remembers_since(std::int64_t time_us, std::int64_t bound_us) const {
  if (!plan_->forgets) return false;
  const bool is_far = bound_us - time_us >= plan_->tolerance_us;
  if (join_ && !join_->remembers_since(time_us, bound_us)) return false;
  if (join_ && joined_until_us_ <= time_us + plan_->tolerance_us) return false;
  if (!is_far && std::ranges::any_of(sources_, [&](const source_state& each) { return each.time_us < time_us; })) return false;
  if (join_) bound_us = join_->bound_us(bound_us);
  for (const auto& each : plan_->steps) {
    if (const auto* const memory = std::get_if<stream_plan::memory>(&each))
      if (memories_[memory->number].time_us < time_us) return false;
    const auto* const window = std::get_if<stream_plan::window>(&each);
    if (window == nullptr) continue;
    if (!remembers_since(*window, time_us, bound_us)) return false;
    bound_us = bound_behind(*window, bound_us);
  }
  return true;
}

bool stream_judge::remembers_since(const stream_plan::window& window, std::int64_t time_us, std::int64_t bound_us) const {
  const auto& state = windows_[window.number];
  const bool knows_before = !takes_row_before(window.aggregate) || state.newest.time_us >= time_us;
  if (window.kind == window_kind::sliding) return knows_before && bound_us - time_us >= window.length_us;
  if (window.kind == window_kind::hopping && bound_behind(window, bound_us) < time_us) return false;  // one to come begins before
  if (window.kind != window_kind::hopping && state.closed_begin_us < time_us)
    return false;  // where they begin follows from the end of one
  return knows_before && (state.open.empty() || state.open.front().begin_us() >= time_us);
}

/// A window, and the row before it, are known one after the other.
std::size_t stream_judge::memory_depth() const { return 1 + plan_->memory_count + 2 * plan_->window_count; }

std::int64_t stream_judge::results_from_us(std::int64_t bound_us) const {
  if (join_) bound_us = join_->bound_us(bound_us);
  if (joined_us_ != INT64_MIN) bound_us = std::min(bound_us, joined_us_);
  for (const auto& each : plan_->steps)
    if (const auto* const window = std::get_if<stream_plan::window>(&each)) bound_us = bound_behind(*window, bound_us);
  return bound_us;
}

}  // namespace factory
