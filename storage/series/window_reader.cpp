#include "storage/series/window_reader.hpp"

#include "pipelines/model/row_range.hpp"
#include "storage/series/run_merge.hpp"

#include <algorithm>
#include <vector>

namespace factory {

namespace {

constexpr std::size_t most_blocks_a_window = 16;

}  // namespace

window_reader::window_reader(const sensor_cut& cut, const database::impl& rocks, asker who)
    : cut_(cut), blocks_(rocks, cut.sensor, cut.next_block, who, cut.on_disk_until_us) {}

bool window_reader::is_sealing(const block_key& key) const {
  return std::any_of(cut_.sealing.begin(), cut_.sealing.end(),
                     [&](const auto& b) { return b->number == key.number && b->values.first_us == key.first_us; });
}

expected<void> window_reader::ascending(const time_range& range, const visitor& visit) {
  std::size_t blocks_a_window = 2;  // the first window begins where the first block does
  for (std::int64_t begin = range.begin_us; begin < range.end_us;) {
    const auto end = blocks_.start_after(begin, blocks_a_window, range.end_us);
    if (!end) return tl::unexpected(end.error());
    const time_range part{begin, std::min(*end, range.end_us)};
    auto rows = window(part);
    if (!rows) return tl::unexpected(rows.error());
    if (!rows->empty() && !visit(std::move(*rows))) return {};
    begin = part.end_us;
    blocks_a_window = std::min(blocks_a_window * 2, most_blocks_a_window);
  }
  return {};
}

expected<void> window_reader::descending(const time_range& range, std::size_t about, const visitor& visit) {
  std::size_t blocks_a_window = 1, wanted = about;
  const auto& head_times = cut_.head.event_time_us;
  for (std::int64_t end = range.end_us; range.begin_us < end;) {
    // When the head alone has all wanted rows, no block needs to be read.
    const auto in_head =
        static_cast<std::size_t>(std::lower_bound(head_times.begin(), head_times.end(), end) - head_times.begin());
    std::int64_t begin = range.begin_us;
    if (in_head >= wanted) begin = std::max(begin, head_times[in_head - wanted]);
    if (begin <= cut_.on_disk_until_us) {
      const auto found = blocks_.start_before(end, blocks_a_window, begin);
      if (!found) return tl::unexpected(found.error());
      begin = std::max(begin, *found);
    }
    auto rows = window({begin, end});
    if (!rows) return tl::unexpected(rows.error());
    const std::size_t taken = rows->size();
    if (taken > 0 && !visit(std::move(*rows))) return {};
    wanted = wanted > taken ? wanted - taken : about;
    end = begin;
    blocks_a_window = std::min(blocks_a_window * 2, most_blocks_a_window);
  }
  return {};
}

expected<reading_run> window_reader::rows_of(const block_key& key, const summary& header, std::string_view bytes,
                                             const time_range& range) {
  const auto place = open_.find({key.number, key.first_us});
  const bool whole = header.first_us >= range.begin_us && header.last_us < range.end_us;
  if (place != open_.end()) {
    place->second.used = true;
    return whole ? std::move(place->second.rows) : cut_out(place->second.rows, range.begin_us, range.end_us);
  }
  auto rows = open_block(bytes);
  if (!rows || whole) return rows;
  auto part = cut_out(*rows, range.begin_us, range.end_us);
  open_[{key.number, key.first_us}] = {std::move(*rows), true};
  return part;
}

expected<reading_run> window_reader::window(const time_range& range) {
  for (auto& [key, open] : open_) open.used = false;
  std::vector<std::pair<std::uint32_t, reading_run>> stored;
  auto visited = blocks_.visit(range, [&](const block_key& key, const summary& header, std::string_view bytes) -> expected<void> {
    if (is_sealing(key)) return {};
    auto rows = rows_of(key, header, bytes, range);
    if (!rows) return tl::unexpected(rows.error());
    stored.emplace_back(key.number, std::move(*rows));
    return {};
  });
  if (!visited) return tl::unexpected(visited.error());
  std::erase_if(open_, [](const auto& open) { return !open.second.used || open.second.rows.empty(); });
  std::sort(stored.begin(), stored.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<reading_run> oldest_first;
  for (auto& [number, rows] : stored) oldest_first.push_back(std::move(rows));
  for (const auto& b : cut_.sealing) {
    if (b->values.last_us < range.begin_us || b->values.first_us >= range.end_us) continue;
    auto rows = open_block(b->bytes);
    if (!rows) return rows;
    oldest_first.push_back(cut_out(*rows, range.begin_us, range.end_us));
  }
  oldest_first.push_back(cut_out(cut_.head, range.begin_us, range.end_us));
  auto merged = merge_runs(std::move(oldest_first));
  if (cut_.corrections) cut_.corrections->apply(merged);
  return merged;
}

}  // namespace factory
