#include "storage/rollups/range_aggregates.hpp"

#include "storage/base/rocks.hpp"
#include "storage/rollups/settled_rollups.hpp"

#include <functional>
#include <span>

namespace factory {

namespace {

using levels = std::span<const rollup_level>;
constexpr rollup_level coarse_first[] = {rollup_level::day, rollup_level::hour, rollup_level::minute};

/// Covers a range with buckets, the coarsest ones first, and with the gaps between them.
struct covering {
  settled_rollups& rollups;
  std::uint64_t least;
  std::function<void(const bucket&)> take_bucket;
  std::function<expected<void>(const time_range&)> take_rest;

  expected<void> cover(const time_range& range, levels with) const {
    if (with.empty()) return take_rest(range);
    const auto pieces = rollups.read(with.front(), range, least);
    if (!pieces) return tl::unexpected(pieces.error());
    for (const auto& piece : *pieces) {
      if (piece.values) {
        take_bucket({piece.time.begin_us, *piece.values});
      } else if (auto done = cover(piece.time, with.subspan(1)); !done) {
        return done;
      }
    }
    return {};
  }
};

void add(std::vector<bucket>& steps, std::int64_t start_us, const summary& values) {
  if (steps.empty() || steps.back().start_us != start_us) steps.push_back({start_us, {}});
  steps.back().values.merge(values);
}

}  // namespace

expected<summary> range_aggregates::summarize(const sensor_cut& cut, const time_range& range) const {
  settled_rollups rollups(db_.raw(), cut);
  summary total;
  const covering parts{rollups, least_.in_place_of_headers, [&](const bucket& b) { total.merge(b.values); },
                       [&](const time_range& rest) {
                         return series_.summarize(cut, rest).map([&](const summary& found) { total.merge(found); });
                       }};
  if (auto done = parts.cover(range, coarse_first); !done) return tl::unexpected(done.error());
  return total;
}

expected<std::vector<bucket>> range_aggregates::aggregate(const sensor_cut& cut, const time_range& range,
                                                          std::int64_t step) const {
  settled_rollups rollups(db_.raw(), cut);
  std::vector<bucket> steps;
  const covering parts{rollups, least_.in_place_of_rows,
                       [&](const bucket& b) { add(steps, bucket_start(b.start_us, step), b.values); },
                       [&](const time_range& rest) {
                         return series_.aggregate(cut, rest, step).map([&](const std::vector<bucket>& found) {
                           for (const bucket& b : found) add(steps, b.start_us, b.values);
                         });
                       }};
  levels within_a_step = coarse_first;
  while (!within_a_step.empty() && step % step_us(within_a_step.front()) != 0) within_a_step = within_a_step.subspan(1);
  if (auto done = parts.cover(range, within_a_step); !done) return tl::unexpected(done.error());
  return steps;
}

}  // namespace factory
