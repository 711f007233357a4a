#include "storage/series/run_merge.hpp"
#include "pipelines/model/same_bits.hpp"

#include <algorithm>
#include <cstdint>
#include <numeric>

namespace factory {

namespace {

void append(reading_run& to, const reading_run& rows, std::size_t begin, std::size_t end) {
  const auto b = static_cast<std::ptrdiff_t>(begin), e = static_cast<std::ptrdiff_t>(end);
  to.event_time_us.insert(to.event_time_us.end(), rows.event_time_us.begin() + b, rows.event_time_us.begin() + e);
  to.value.insert(to.value.end(), rows.value.begin() + b, rows.value.begin() + e);
  to.flags.insert(to.flags.end(), rows.flags.begin() + b, rows.flags.begin() + e);
}

reading_run joined(const std::vector<reading_run>& runs, const std::vector<std::size_t>& order) {
  reading_run out;
  std::size_t rows = 0;
  for (const auto& run : runs) rows += run.size();
  out.event_time_us.reserve(rows);
  out.value.reserve(rows);
  out.flags.reserve(rows);
  for (const std::size_t i : order) append(out, runs[i], 0, runs[i].size());
  return out;
}

/// The rows of overlapping runs in time order; a stable sort keeps the order of writing within one time. A reading that came in time and
/// once more too late is not late: the repetition changes nothing.
reading_run interleaved(const reading_run& rows) {
  std::vector<std::uint32_t> order(rows.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return rows.event_time_us[a] < rows.event_time_us[b]; });
  reading_run out;
  bool came_in_time = false;  // the same reading, in an earlier run
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::uint32_t row = order[i];
    if (i + 1 < order.size() && rows.event_time_us[order[i + 1]] == rows.event_time_us[row]) {
      came_in_time = same_bits(rows.value[row], rows.value[order[i + 1]]) && (came_in_time || (rows.flags[row] & flag_late) == 0);
      continue;
    }
    const auto flags = came_in_time ? rows.flags[row] & ~flag_late : rows.flags[row];
    out.push_back(rows.event_time_us[row], rows.value[row], static_cast<std::uint8_t>(flags));
    came_in_time = false;
  }
  return out;
}

}  // namespace

reading_run merge_runs(std::vector<reading_run> oldest_first) {
  std::erase_if(oldest_first, [](const reading_run& run) { return run.empty(); });
  if (oldest_first.empty()) return {};
  if (oldest_first.size() == 1) return std::move(oldest_first.front());
  const std::vector<reading_run>& runs = oldest_first;
  std::vector<std::size_t> by_writing(runs.size());
  std::iota(by_writing.begin(), by_writing.end(), std::size_t{0});
  std::vector<std::size_t> by_time = by_writing;
  const auto front = [&](std::size_t i) { return runs[i].event_time_us.front(); };
  const auto back = [&](std::size_t i) { return runs[i].event_time_us.back(); };
  std::sort(by_time.begin(), by_time.end(), [&](std::size_t a, std::size_t b) { return front(a) < front(b); });
  const auto overlap =
      std::adjacent_find(by_time.begin(), by_time.end(), [&](std::size_t a, std::size_t b) { return front(b) <= back(a); });
  return overlap == by_time.end() ? joined(runs, by_time) : interleaved(joined(runs, by_writing));
}

}  // namespace factory
