#include "storage/rollups/settled_rollups.hpp"

#include "storage/rollups/rollup_records.hpp"

#include <algorithm>

namespace factory {

namespace {

constexpr std::uint64_t fewest_buckets = 4;                           // fewer buckets save less than the look-up costs
constexpr std::int64_t earliest = INT64_MIN / 2, latest = -earliest;  // beyond these times readings are read, so no sum overflows

/// The whole buckets of a range.
time_range aligned_within(const time_range& range, std::int64_t from_us, std::int64_t step) {
  const std::int64_t begin = std::max({range.begin_us, from_us, earliest});
  return {bucket_start(begin + step - 1, step), bucket_start(std::min(range.end_us, latest), step)};
}

}  // namespace

bool settled_rollups::seek(const std::string& key) {
  it_->Seek(key);
  return it_->Valid() && to_view(it_->key()) == key;
}

expected<void> settled_rollups::open() {
  end_ = note_key(cut_.sensor, UINT32_MAX);
  end_slice_ = end_;
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &end_slice_;
  it_.reset(rocks_.db->NewIterator(options, rocks_.at(column::rollups)));
  // In the order of the keys: a missing record shows at the next key, without a search through deleted notes.
  if (seek(kept_key(cut_.sensor)) && !decode_kept(to_view(it_->value()), kept_from_us_)) return damaged_rollup();
  rolled_up_to state;
  if (seek(head_key(cut_.sensor)) && !decode_rolled_up(to_view(it_->value()), state)) return damaged_rollup();
  std::uint32_t number = 0;
  for (it_->Seek(note_key(cut_.sensor, state.first_note));
       it_->Valid() && read_note_key(to_view(it_->key()), cut_.sensor, number); it_->Next()) {
    covered_time time;
    if (!decode_note(to_view(it_->value()), time)) return damaged_rollup();
    touched_.add(time.first_us, time.last_us);
  }
  if (!it_->status().ok()) return tl::unexpected(to_error(it_->status(), "reading roll-ups"));
  for (const auto& b : cut_.sealing) touched_.add(b->values.first_us, b->values.last_us);
  if (cut_.corrections)  // roll-ups are made of stored readings
    for (const auto& [last_us, first_us] : cut_.corrections->spans()) touched_.add(first_us, last_us);
  return {};
}

/// In whole buckets.
interval_set settled_rollups::unsettled(const time_range& aligned, std::int64_t step) const {
  interval_set found;
  for (auto it = touched_.reaching(aligned.begin_us); it != touched_.end() && it->second < aligned.end_us; ++it) {
    found.add(bucket_start(std::max(it->second, aligned.begin_us), step),
              bucket_start(std::min(it->first, aligned.end_us - 1), step) + step - 1);
  }
  const auto& head = cut_.head.event_time_us;
  auto row = std::lower_bound(head.begin(), head.end(), aligned.begin_us);
  while (row != head.end() && *row < aligned.end_us) {
    const std::int64_t start = bucket_start(*row, step);
    found.add(start, start + step - 1);
    row = std::lower_bound(row, head.end(), start + step);
  }
  return found;
}

/// True also without a bucket: then there are no readings.
expected<bool> settled_rollups::is_worth(rollup_level level, const time_range& aligned, std::uint64_t least) {
  std::int64_t start_us = 0;
  bucket first;
  it_->Seek(bucket_key(cut_.sensor, level, aligned.begin_us));
  if (!it_->status().ok()) return tl::unexpected(to_error(it_->status(), "reading roll-ups"));
  if (!it_->Valid() || !read_bucket_key(to_view(it_->key()), cut_.sensor, level, start_us)) return true;
  if (!decode_bucket(to_view(it_->value()), start_us, first)) return damaged_rollup();
  return start_us >= aligned.end_us || first.values.count >= least;
}

expected<void> settled_rollups::take(std::vector<piece>& out, rollup_level level, const time_range& settled) {
  if (settled.begin_us >= settled.end_us) return {};
  const std::int64_t step = step_us(level);
  std::int64_t start_us = 0;
  for (it_->Seek(bucket_key(cut_.sensor, level, settled.begin_us));
       it_->Valid() && read_bucket_key(to_view(it_->key()), cut_.sensor, level, start_us) && start_us < settled.end_us;
       it_->Next()) {
    bucket found;
    if (!decode_bucket(to_view(it_->value()), start_us, found)) return damaged_rollup();
    out.push_back({{start_us, start_us + step}, has_sums(found) ? std::optional(found.values) : std::nullopt});
  }
  if (!it_->status().ok()) return tl::unexpected(to_error(it_->status(), "reading roll-ups"));
  return {};
}

expected<std::vector<settled_rollups::piece>> settled_rollups::read(rollup_level level, const time_range& range,
                                                                    std::uint64_t least) {
  const std::int64_t step = step_us(level);
  std::vector<piece> whole{{range, std::nullopt}};
  if (range.begin_us >= range.end_us) return whole;
  const auto width = static_cast<std::uint64_t>(range.end_us) - static_cast<std::uint64_t>(range.begin_us);
  if (cut_.without != left_out_flags || width < fewest_buckets * static_cast<std::uint64_t>(step)) return whole;
  if (!it_) {
    if (auto opened = open(); !opened) return tl::unexpected(opened.error());
  }
  const time_range aligned = aligned_within(range, kept_from_us_, step);
  if (aligned.begin_us >= aligned.end_us) return whole;
  const auto worth = is_worth(level, aligned, least);
  if (!worth) return tl::unexpected(worth.error());
  if (!*worth) return whole;

  std::vector<piece> out;
  const auto leave = [&](std::int64_t begin_us, std::int64_t end_us) {
    if (begin_us < end_us) out.push_back({{begin_us, end_us}, std::nullopt});
  };
  leave(range.begin_us, aligned.begin_us);
  std::int64_t at = aligned.begin_us;
  for (const auto& [last_us, first_us] : unsettled(aligned, step)) {
    if (auto taken = take(out, level, {at, first_us}); !taken) return tl::unexpected(taken.error());
    leave(first_us, at = last_us + 1);
  }
  if (auto taken = take(out, level, {at, aligned.end_us}); !taken) return tl::unexpected(taken.error());
  leave(aligned.end_us, range.end_us);
  return out;
}

}  // namespace factory
