#include "actors/correct/source_rows.hpp"

#include <algorithm>
#include <utility>

#include "pipelines/stream/stream_judge.hpp"

namespace factory {

namespace {

constexpr std::size_t rows_a_read = 8'192;

}  // namespace

void source_rows_reader::add(sensor_cut with_overlay, bool without_rests) {
  sources_.push_back({std::move(with_overlay), without_rests, {}, 0, INT64_MIN, false});
}

expected<void> source_rows_reader::seek(std::int64_t from_us) {
  for (auto& each : sources_) each = {std::move(each.cut), each.without_rests, {}, 0, from_us, false};
  return {};
}

expected<stream_instance::placed_rows> source_rows_reader::next() {
  stream_instance::placed_rows out;
  while (out.places.empty()) {
    if (stopping_) return fail(errc::stopping, "stopped before its end");
    auto known_until_us = INT64_MAX;
    for (auto& each : sources_) {
      if (auto read = fill(each); !read) return tl::unexpected(std::move(read.error()));
      if (!each.is_at_end) known_until_us = std::min(known_until_us, each.from_us);
    }
    if (!merge(known_until_us, out)) return out;
  }
  return out;
}

expected<void> source_rows_reader::fill(source& it) {
  if (it.at < it.rows.size() || it.is_at_end) return {};
  auto read = series_.read_on(it.cut, {it.from_us, INT64_MAX}, rows_a_read, false);
  if (!read) return tl::unexpected(std::move(read.error()));
  it.rows = std::move(*read);
  it.at = 0;
  it.is_at_end = it.rows.empty();
  if (!it.is_at_end) it.from_us = it.rows.event_time_us.back() + 1;
  return {};
}

/// False when there are no more rows.
bool source_rows_reader::merge(std::int64_t until_us, stream_instance::placed_rows& out) {
  bool any = false;
  for (;;) {
    std::size_t first = sources_.size();
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      const auto& each = sources_[i];
      if (each.at == each.rows.size() || each.rows.event_time_us[each.at] >= until_us) continue;
      if (first == sources_.size() || each.rows.event_time_us[each.at] < sources_[first].rows.event_time_us[sources_[first].at])
        first = i;
    }
    if (first == sources_.size()) return any;
    any = true;
    auto& from = sources_[first];
    const auto flags = from.rows.flags[from.at];
    const auto time_us = from.rows.event_time_us[from.at];
    const bool rests = from.without_rests && from.cut.corrections && from.cut.corrections->is_at_rest(time_us);
    if (!is_left_out(flags) && (flags & flag_future) == 0 && !rests) {
      out.places.push_back(source_place::of(time_us, first, sources_.size()));
      out.values.push_back(from.rows.value[from.at]);
    }
    ++from.at;
  }
}

}  // namespace factory
