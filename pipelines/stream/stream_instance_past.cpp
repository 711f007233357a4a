#include <algorithm>
#include <utility>

#include "pipelines/stream/limits.hpp"
#include "pipelines/stream/stream_instance.hpp"

namespace factory {

/// Of what was told nothing waits again: neither for a row, nor for time to go by.
std::vector<stream_result> stream_instance::stand_at(stream_judge at_floor, result_events said, const placed_rows& rows,
                                                     std::vector<event>& found) {
  const auto is_faulty = [](const stream_result& each) { return each.fault != 0; };
  auto until_us = passed_us_;
  std::vector<std::int64_t> told_before;  // times
  for (const auto& all : {std::span<const stream_result>(early_), judged_.made()})
    for (const auto& each : all) {
      until_us = std::max(until_us, each.until_us);
      if (!std::ranges::binary_search(held_, each, stream_result::order)) told_before.push_back(each.time_us);
    }
  auto counts = counts_;
  counts.faulty -=
      static_cast<std::uint64_t>(std::ranges::count_if(judged_.made(), is_faulty) + std::ranges::count_if(early_, is_faulty));
  counts_.faulty = 0;
  early_.clear();
  held_.clear();
  said.number_behind(events_);
  events_ = std::move(said);
  judged_.stand_at(std::move(at_floor));
  std::vector<stream_result> results;
  judged_.append(rows.places, rows.values, received_us_, results);
  std::vector<change> made;
  for (const auto& each : results) made.push_back({std::nullopt, each});
  if (!rows.places.empty()) until_us = std::max(until_us, source_place::at(rows.places.back(), plan_->source_count).time_us + 1);
  tell_early(until_us, made);
  stream_told told;
  tell(made, received_us_, told);
  settle();
  events_.settle(floor_us());
  if (plan_->may_withdraw) {
    release(std::max(floor_us(), released_us_), told.results);
    for (const auto& each : std::exchange(held_, {})) {
      if (std::ranges::find(told_before, each.time_us) == told_before.end())
        held_.push_back(each);
      else
        told.results.push_back({std::nullopt, each});
    }
  }
  counts.faulty += counts_.faulty;
  counts_ = counts;
  found = std::move(told.events);
  std::vector<stream_result> out;
  for (const auto& each : told.results) out.push_back(*each.after);
  return out;
}

}  // namespace factory
