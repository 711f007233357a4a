#include "replay/stored_tally.hpp"
#include "pipelines/model/same_bits.hpp"

#include <algorithm>
#include <utility>

namespace factory::replay {

namespace {}  // namespace

void stored_tally::extent::widen(std::int64_t time_us) {
  begin_us = std::min(begin_us, time_us);
  end_us = std::max(end_us, time_us + 1);
}

void stored_tally::made(const std::vector<sensor_id>& sensors) {
  for (const sensor_id sensor : sensors) sensors_.try_emplace(sensor);
}

expected<stored_tally::held*> stored_tally::held_of(sensor_id sensor) {
  const auto [at, fresh] = sensors_.try_emplace(sensor);
  if (fresh) {
    const auto newest = to_.newest_us(sensor);
    if (!newest) return tl::unexpected(newest.error());
    if (*newest) at->second.before = {min_event_time_us, **newest + 1};
    const auto unjudged = to_.not_judged(sensor);
    if (!unjudged) return tl::unexpected(unjudged.error());
    at->second.not_judged_before = *unjudged;
  }
  return &at->second;
}

expected<changes> stored_tally::send(batch_builder& rows, const std::vector<std::uint32_t>& repeats) {
  changes came;
  if (auto counted = count(rows, repeats, came); !counted) return tl::unexpected(std::move(counted.error()));
  if (auto sent = to_.send(rows); !sent) return tl::unexpected(std::move(sent.error()));
  return came;
}

expected<void> stored_tally::count(const batch_builder& rows, const std::vector<std::uint32_t>& repeats, changes& into) {
  struct part {
    extent range;
    std::vector<std::uint32_t> rows;
  };
  std::unordered_map<sensor_id, part> parts;
  auto repeat = repeats.begin();
  for (std::uint32_t row = 0; row < rows.size(); ++row) {
    if (repeat != repeats.end() && *repeat == row) {
      ++repeat;
      continue;
    }
    part& of = parts[rows.sensors()[row]];
    of.range.widen(rows.times_us()[row]);
    of.rows.push_back(row);
  }
  for (const auto& [sensor, of] : parts) {
    const auto had = held_of(sensor);
    if (!had) return tl::unexpected(had.error());
    (*had)->of_file.widen(of.range.begin_us);
    (*had)->of_file.widen(of.range.end_us - 1);
    into.added += of.rows.size();
    if (!(*had)->before.overlaps(of.range)) continue;
    const auto there = to_.stored(sensor, of.range.begin_us, of.range.end_us);
    if (!there) return tl::unexpected(there.error());
    for (const std::uint32_t row : of.rows) {
      const auto& times = there->event_time_us;
      const auto at = std::lower_bound(times.begin(), times.end(), rows.times_us()[row]);
      if (at == times.end() || *at != rows.times_us()[row]) continue;
      --into.added;
      const bool same = same_bits(there->value[static_cast<std::size_t>(at - times.begin())], rows.values()[row]);
      ++(same ? into.same : into.corrected);
    }
  }
  return {};
}

expected<std::uint64_t> stored_tally::not_judged() {
  std::uint64_t sum = 0;
  for (const auto& [sensor, had] : sensors_) {
    const auto now = to_.not_judged(sensor);
    if (!now) return tl::unexpected(now.error());
    sum += *now - std::min(*now, had.not_judged_before);
  }
  return sum;
}

void stored_tally::end_file() {
  for (auto& [sensor, had] : sensors_) {
    if (had.of_file.begin_us >= had.of_file.end_us) continue;
    had.before.widen(had.of_file.begin_us);
    had.before.widen(had.of_file.end_us - 1);
    had.of_file = {};
  }
}

}  // namespace factory::replay
