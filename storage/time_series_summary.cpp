#include "storage/run_merge.hpp"
#include "storage/time_series.hpp"
#include "storage/window_reader.hpp"

#include <algorithm>
#include <limits>

namespace factory {

namespace {

/// Blocks that overlap each other, or one block alone: the time they cover, both ends included.
struct cluster {
  std::int64_t first_us = 0, last_us = 0;
  std::size_t blocks = 0;
  summary values;  ///< of the one block
};

expected<std::vector<cluster>> clusters_of(window_reader& reader, const sensor_cut& cut, const time_range& range) {
  std::vector<summary> headers;
  auto visited =
      reader.blocks().visit(range, [&](const block_key& key, const summary& header, std::string_view) -> expected<void> {
        if (!reader.is_sealing(key)) headers.push_back(header);
        return {};
      });
  if (!visited) return tl::unexpected(visited.error());
  for (const auto& b : cut.sealing)
    if (b->values.last_us >= range.begin_us && b->values.first_us < range.end_us) headers.push_back(b->values);
  std::sort(headers.begin(), headers.end(), [](const summary& a, const summary& b) { return a.first_us < b.first_us; });
  std::vector<cluster> found;
  for (const summary& h : headers) {
    if (found.empty() || h.first_us > found.back().last_us) {
      found.push_back({h.first_us, h.last_us, 1, h});
    } else {
      found.back().last_us = std::max(found.back().last_us, h.last_us);
      ++found.back().blocks;
    }
  }
  return found;
}

/// Walks the range in time order: `take_block` is offered each block that lies alone and wholly in it; what it does not take, and
/// everything else, goes row by row to `take_rows`.
expected<void> walk(const sensor_cut& cut, const time_range& range, const database::impl& rocks,
                    const std::function<bool(const summary&)>& take_block,
                    const std::function<void(const reading_run&)>& take_rows) {
  window_reader reader(cut, rocks, block_finder::cache::fill);
  const auto clusters = clusters_of(reader, cut, range);
  if (!clusters) return tl::unexpected(clusters.error());
  const auto take_head = [&](std::int64_t begin_us, std::int64_t end_us) {
    if (const auto rows = cut_out(cut.head, begin_us, end_us); !rows.empty()) take_rows(rows);
  };
  std::int64_t at = range.begin_us;
  for (const cluster& c : *clusters) {
    const time_range covered{std::max(c.first_us, range.begin_us),
                             c.last_us < range.end_us ? c.last_us + 1 : range.end_us};  // last_us + 1 <= end_us: no overflow
    take_head(at, covered.begin_us);
    at = covered.end_us;
    const auto& head_times = cut.head.event_time_us;
    const auto in_head = std::lower_bound(head_times.begin(), head_times.end(), covered.begin_us);
    const bool untouched = in_head == head_times.end() || *in_head >= covered.end_us;
    if (c.blocks == 1 && untouched && c.first_us >= range.begin_us && c.last_us < range.end_us && take_block(c.values)) continue;
    auto read = reader.ascending(covered, [&](const reading_run& rows) {
      take_rows(rows);
      return true;
    });
    if (!read) return read;
  }
  if (at < range.end_us) take_head(at, range.end_us);
  return {};
}

/// Adds the rows to their buckets, the last of which may be the one that is already last in `out`.
void add_rows(std::vector<bucket>& out, const reading_run& rows, std::int64_t step_us) {
  for (std::size_t begin = 0, end = 0; begin < rows.size(); begin = end) {
    const std::int64_t start = bucket_start(rows.event_time_us[begin], step_us);
    while (end < rows.size() && bucket_start(rows.event_time_us[end], step_us) == start) ++end;
    if (out.empty() || out.back().start_us != start) out.push_back({start, {}});
    out.back().values.merge(
        summarize(std::span(rows.event_time_us).subspan(begin, end - begin), std::span(rows.value).subspan(begin, end - begin)));
  }
}

}  // namespace

expected<summary> time_series::summarize(const sensor_cut& cut, const time_range& range) const {
  summary total;
  auto walked = walk(
      cut, range, db_.raw(),
      [&](const summary& whole) {
        total.merge(whole);
        return true;
      },
      [&](const reading_run& rows) { total.merge(factory::summarize(rows.event_time_us, rows.value)); });
  if (!walked) return tl::unexpected(walked.error());
  return total;
}

expected<std::vector<bucket>> time_series::aggregate(const sensor_cut& cut, const time_range& range, std::int64_t step_us) const {
  std::vector<bucket> out;
  auto walked = walk(
      cut, range, db_.raw(),
      [&](const summary& whole) {
        const std::int64_t start = bucket_start(whole.first_us, step_us);
        if (bucket_start(whole.last_us, step_us) != start) return false;
        if (out.empty() || out.back().start_us != start) out.push_back({start, {}});
        out.back().values.merge(whole);
        return true;
      },
      [&](const reading_run& rows) { add_rows(out, rows, step_us); });
  if (!walked) return tl::unexpected(walked.error());
  return out;
}

}  // namespace factory
