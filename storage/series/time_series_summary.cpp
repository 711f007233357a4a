#include "pipelines/model/row_range.hpp"
#include "storage/series/block_cache.hpp"
#include "storage/series/time_series.hpp"
#include "storage/series/window_reader.hpp"

#include <algorithm>
#include <limits>

namespace factory {

namespace {

using times = std::span<const std::int64_t>;
using values = std::span<const double>;

/// The time covered by blocks that overlap each other, or by a single block; both ends included.
struct cluster {
  std::int64_t first_us = 0, last_us = 0;
  std::size_t blocks = 0;
  summary values;           ///< of the one block
  block_cache::rows rows;   ///< of the one block, where the range cuts through it
  bool is_decoded = false;  ///< rows of it may be left out: its header does not answer
};

expected<std::vector<cluster>> clusters_of(window_reader& reader, const sensor_cut& cut, const time_range& range,
                                           block_cache& decoded, asker who) {
  std::vector<cluster> alone;
  const auto add = [&](const block_key& key, const summary& header, std::string_view bytes) -> expected<void> {
    alone.push_back({header.first_us, header.last_us, 1, header, nullptr, cut.without != 0 && has_left_out(bytes)});
    if (header.first_us >= range.begin_us && header.last_us < range.end_us) return {};
    return decoded.open(key, bytes, who).map([&](block_cache::rows rows) { alone.back().rows = std::move(rows); });
  };
  auto visited =
      reader.blocks().visit(range, [&](const block_key& key, const summary& header, std::string_view bytes) -> expected<void> {
        return reader.is_sealing(key) ? expected<void>() : add(key, header, bytes);
      });
  if (!visited) return tl::unexpected(visited.error());
  for (const auto& b : cut.sealing) {
    if (b->values.last_us < range.begin_us || b->values.first_us >= range.end_us) continue;
    if (auto added = add(key_of(*b), b->values, b->bytes); !added) return tl::unexpected(added.error());
  }
  std::sort(alone.begin(), alone.end(), [](const cluster& a, const cluster& b) { return a.first_us < b.first_us; });
  std::vector<cluster> found;
  for (cluster& next : alone) {
    if (found.empty() || next.first_us > found.back().last_us) {
      found.push_back(std::move(next));
    } else {
      found.back().last_us = std::max(found.back().last_us, next.last_us);
      ++found.back().blocks;
    }
  }
  return found;
}

/// Calls `take` with the rows with begin_us <= time < end_us that have none of the flags `without`, if there are any.
template <class Take>
void take_between(const reading_run& rows, std::int64_t begin_us, std::int64_t end_us, unsigned without, const Take& take) {
  const row_range part = rows_between(rows.event_time_us, begin_us, end_us);
  if (part.empty()) return;
  const auto at = times(rows.event_time_us).subspan(part.begin, part.size());
  const auto of = values(rows.value).subspan(part.begin, part.size());
  const auto flags = std::span(rows.flags).subspan(part.begin, part.size());
  const auto is_out = [without](std::uint8_t each) { return (each & without) != 0; };
  if (std::ranges::none_of(flags, is_out)) return take(at, of);
  std::vector<std::int64_t> kept_times;
  std::vector<double> kept_values;
  for (std::size_t row = 0; row < at.size(); ++row) {
    if (is_out(flags[row])) continue;
    kept_times.push_back(at[row]);
    kept_values.push_back(of[row]);
  }
  if (!kept_times.empty()) take(kept_times, kept_values);
}

/// Walks a range without corrections in time order. Offers `take_block` each block that overlaps no other and lies wholly in the range. Blocks that it declines, and
/// everything else, go row by row to `take_rows`.
expected<void> walk_stored(const sensor_cut& cut, const time_range& range, const database::impl& rocks, block_cache& decoded,
                           asker who, const std::function<bool(const summary&)>& take_block,
                           const std::function<void(times, values)>& take_rows) {
  window_reader reader(cut, rocks, who);
  const auto clusters = clusters_of(reader, cut, range, decoded, who);
  if (!clusters) return tl::unexpected(clusters.error());
  std::int64_t at = range.begin_us;
  for (const cluster& c : *clusters) {
    const time_range covered{std::max(c.first_us, range.begin_us),
                             c.last_us < range.end_us ? c.last_us + 1 : range.end_us};  // last_us + 1 <= end_us: no overflow
    take_between(cut.head, at, covered.begin_us, cut.without, take_rows);
    at = covered.end_us;
    const auto& head_times = cut.head.event_time_us;
    const auto in_head = std::lower_bound(head_times.begin(), head_times.end(), covered.begin_us);
    const bool alone = c.blocks == 1 && (in_head == head_times.end() || *in_head >= covered.end_us);
    if (alone && c.rows) {
      take_between(*c.rows, covered.begin_us, covered.end_us, cut.without, take_rows);
      continue;
    }
    if (alone && !c.is_decoded && c.first_us >= range.begin_us && c.last_us < range.end_us && take_block(c.values)) continue;
    auto read = reader.ascending(covered, [&](const reading_run& rows) {
      take_between(rows, INT64_MIN, INT64_MAX, cut.without, take_rows);
      return true;
    });
    if (!read) return read;
  }
  if (at < range.end_us) take_between(cut.head, at, range.end_us, cut.without, take_rows);
  return {};
}

/// Rows of a corrected range, without those that are left out.
expected<void> walk_corrected(const sensor_cut& cut, const time_range& range, const database::impl& rocks, asker who,
                              const std::function<void(times, values)>& take_rows) {
  window_reader reader(cut, rocks, who);
  return reader.ascending(range, [&](const reading_run& rows) {
    take_between(rows, INT64_MIN, INT64_MAX, cut.without, take_rows);
    return true;
  });
}

/// Walks the range in time order: blocks and rows as walk_stored does, and the rows of what is corrected.
expected<void> walk(const sensor_cut& cut, const time_range& range, const database::impl& rocks, block_cache& decoded, asker who,
                    const std::function<bool(const summary&)>& take_block, const std::function<void(times, values)>& take_rows) {
  if (!cut.corrections) return walk_stored(cut, range, rocks, decoded, who, take_block, take_rows);
  const auto& spans = cut.corrections->spans();
  std::int64_t at = range.begin_us;
  for (auto span = spans.reaching(at); span != spans.end() && span->second < range.end_us; ++span) {
    const time_range corrected{std::max(span->second, at), std::min(span->first + 1, range.end_us)};
    if (at < corrected.begin_us)
      if (auto done = walk_stored(cut, {at, corrected.begin_us}, rocks, decoded, who, take_block, take_rows); !done) return done;
    if (auto done = walk_corrected(cut, corrected, rocks, who, take_rows); !done) return done;
    at = corrected.end_us;
  }
  if (at >= range.end_us) return {};
  return walk_stored(cut, {at, range.end_us}, rocks, decoded, who, take_block, take_rows);
}

/// Adds the rows to their buckets, the last of which may be the one that is already last in `out`.
void add_rows(std::vector<bucket>& out, times at, values of, std::int64_t step_us) {
  for (std::size_t begin = 0, end = 0; begin < at.size(); begin = end) {
    const std::int64_t start = bucket_start(at[begin], step_us);
    while (end < at.size() && bucket_start(at[end], step_us) == start) ++end;
    if (out.empty() || out.back().start_us != start) out.push_back({start, {}});
    out.back().values.merge(summarize(at.subspan(begin, end - begin), of.subspan(begin, end - begin)));
  }
}

}  // namespace

expected<summary> time_series::summarize(const sensor_cut& cut, const time_range& range, asker who) const {
  summary total;
  auto walked = walk(
      cut, range, db_.raw(), *decoded_, who,
      [&](const summary& whole) {
        total.merge(whole);
        return true;
      },
      [&](times at, values of) { total.merge(factory::summarize(at, of)); });
  if (!walked) return tl::unexpected(walked.error());
  return total;
}

expected<std::vector<bucket>> time_series::aggregate(const sensor_cut& cut, const time_range& range, std::int64_t step_us,
                                                     asker who) const {
  std::vector<bucket> out;
  auto walked = walk(
      cut, range, db_.raw(), *decoded_, who,
      [&](const summary& whole) {
        const std::int64_t start = bucket_start(whole.first_us, step_us);
        if (bucket_start(whole.last_us, step_us) != start) return false;
        if (out.empty() || out.back().start_us != start) out.push_back({start, {}});
        out.back().values.merge(whole);
        return true;
      },
      [&](times at, values of) { add_rows(out, at, of, step_us); });
  if (!walked) return tl::unexpected(walked.error());
  return out;
}

}  // namespace factory
