#include "storage/rollups/rollup_run.hpp"

#include "pipelines/model/intervals.hpp"
#include "storage/rollups/rollup_records.hpp"

#include <algorithm>
#include <map>

namespace factory {

namespace {

/// Bounds the memory of a part. Whole days, so that each hour and day is complete within its part.
constexpr std::int64_t part_us = 30 * std::int64_t{86'400'000'000};

/// Readings that are rolled up are not read again soon.
rocksdb::ReadOptions once() {
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  return options;
}

using bucket_map = std::map<std::int64_t, bucket>;

struct pending_work {
  std::vector<std::string> notes;  // keys of the notes, deleted when the work is done
  interval_set minutes;            // touched, whole ones
  rolled_up_to state;              // the head record to write then
};

void add_minutes(pending_work& work, std::int64_t first_us, std::int64_t last_us) {
  const std::int64_t step = step_us(rollup_level::minute);
  work.minutes.add(bucket_start(first_us, step), bucket_start(last_us, step) + step - 1);
}

expected<void> collect_notes(const database::impl& rocks, const sensor_cut& cut, pending_work& work) {
  const std::string end = note_key(cut.sensor, cut.next_block);
  const rocksdb::Slice end_slice(end);
  rocksdb::ReadOptions options = once();
  options.iterate_upper_bound = &end_slice;
  const std::unique_ptr<rocksdb::Iterator> it(rocks.db->NewIterator(options, rocks.at(column::rollups)));
  std::uint32_t number = 0;
  for (it->Seek(note_key(cut.sensor, work.state.first_note));
       it->Valid() && read_note_key(to_view(it->key()), cut.sensor, number); it->Next()) {
    covered_time time;
    if (!decode_note(to_view(it->value()), time)) return damaged_rollup();
    add_minutes(work, time.first_us, time.last_us);
    work.notes.push_back(it->key().ToString());
    work.state.first_note = number + 1;  // blocks are stored in the order of their numbers
  }
  if (!it->status().ok()) return tl::unexpected(to_error(it->status(), "reading roll-ups"));
  return {};
}

expected<void> read_state(const database::impl& rocks, const sensor_cut& cut, pending_work& work) {
  std::string stored;
  const auto status = rocks.db->Get(once(), rocks.at(column::rollups), head_key(cut.sensor), &stored);
  if (!status.ok() && !status.IsNotFound()) return tl::unexpected(to_error(status, "reading roll-ups"));
  if (status.ok() && !decode_rolled_up(stored, work.state)) return damaged_rollup();
  return {};
}

/// Rows of the head that are newer than the newest one of last time. Readings from the future wait for their block, or they would hide
/// later readings that arrive in order.
void collect_head(const sensor_cut& cut, pending_work& work) {
  const std::int64_t after_us = work.state.head_us;
  const auto& times = cut.head.event_time_us;
  for (auto row = static_cast<std::size_t>(std::upper_bound(times.begin(), times.end(), after_us) - times.begin());
       row < times.size(); ++row) {
    if ((cut.head.flags[row] & (flag_future | left_out_flags)) != 0) continue;
    add_minutes(work, times[row], times[row]);
    work.state.head_us = times[row];
  }
}

/// The coarser buckets that contain the given ones, each made of all its parts, given and stored. One without readings has none.
expected<bucket_map> roll_up(const rollup_store& store, sensor_id sensor, rollup_level finer, rollup_level coarser,
                             const bucket_map& fresh) {
  const std::int64_t step = step_us(coarser);
  bucket_map out;
  for (auto it = fresh.begin(); it != fresh.end();) {
    const std::int64_t start = bucket_start(it->first, step);
    auto stored = store.read(sensor, finer, {start, start + step}, asker::background);
    if (!stored) return tl::unexpected(stored.error());
    bucket_map parts;
    for (const bucket& b : *stored) parts.emplace(b.start_us, b);
    for (; it != fresh.end() && it->first < start + step; ++it) parts.insert_or_assign(it->first, it->second);
    bucket whole{start, {}};
    for (const auto& [at, part] : parts) whole.values.merge(part.values);
    out.emplace(start, whole);
  }
  return out;
}

/// Rolls up minutes part by part and writes each part with its hours and days. The last write also ends the work; if it does
/// not happen, everything is done again.
class refresh_run {
 public:
  refresh_run(database::impl& rocks, const rollup_store& store, const sensor_cut& cut, const minute_source& readings)
      : rocks_(rocks), rollups_(rocks.at(column::rollups)), store_(store), cut_(cut), readings_(readings) {}

  expected<std::uint64_t> run(const pending_work& work) {
    std::int64_t part = INT64_MIN;
    for (const auto& [last, first] : work.minutes) {
      const std::int64_t end = last + 1;
      for (std::int64_t at = first; at < end;) {
        const std::int64_t part_of_at = bucket_start(at, part_us);
        const std::int64_t stop = std::min(end, part_of_at + part_us);
        if (part_of_at != part) {
          if (auto written = write_part(); !written) return tl::unexpected(written.error());
          part = part_of_at;
        }
        auto found = readings_({at, stop});
        if (!found) return tl::unexpected(found.error());
        if (auto emptied = note_emptied({at, stop}); !emptied) return tl::unexpected(emptied.error());
        for (const bucket& b : *found) minutes_.insert_or_assign(b.start_us, b);
        at = stop;
      }
    }
    for (const std::string& key : work.notes) batch_.Delete(rollups_, key);
    batch_.Put(rollups_, head_key(cut_.sensor), encode_rolled_up(work.state));
    if (auto written = write_part(); !written) return tl::unexpected(written.error());
    return minute_count_;
  }

 private:
  /// Minutes whose readings are all left out by now.
  expected<void> note_emptied(const time_range& range) {
    return store_.read(cut_.sensor, rollup_level::minute, range, asker::background)
        .map([this](const std::vector<bucket>& stored) {
          for (const bucket& b : stored) minutes_.insert_or_assign(b.start_us, bucket{b.start_us, {}});
        });
  }
  expected<void> write_part() {
    const auto hours = roll_up(store_, cut_.sensor, rollup_level::minute, rollup_level::hour, minutes_);
    if (!hours) return tl::unexpected(hours.error());
    const auto days = roll_up(store_, cut_.sensor, rollup_level::hour, rollup_level::day, *hours);
    if (!days) return tl::unexpected(days.error());
    put_all(rollup_level::minute, minutes_);
    put_all(rollup_level::hour, *hours);
    put_all(rollup_level::day, *days);
    minute_count_ += minutes_.size();
    minutes_.clear();
    if (batch_.Count() == 0) return {};
    auto written = rocks_.write(batch_, false, "writing roll-ups");
    batch_.Clear();
    return written;
  }
  void put_all(rollup_level level, const bucket_map& buckets) {
    for (const auto& [start, b] : buckets) {
      const auto key = bucket_key(cut_.sensor, level, start);
      b.values.count == 0 ? batch_.Delete(rollups_, key) : batch_.Put(rollups_, key, encode_bucket(b));
    }
  }

  database::impl& rocks_;
  rocksdb::ColumnFamilyHandle* rollups_;
  const rollup_store& store_;
  const sensor_cut& cut_;
  const minute_source& readings_;
  bucket_map minutes_;
  rocksdb::WriteBatch batch_;
  std::uint64_t minute_count_ = 0;
};

}  // namespace

expected<std::uint64_t> refresh_rollups(database::impl& rocks, const rollup_store& store, const sensor_cut& cut,
                                        const minute_source& readings) {
  pending_work work;
  if (auto read = read_state(rocks, cut, work); !read) return tl::unexpected(read.error());
  if (auto collected = collect_notes(rocks, cut, work); !collected) return tl::unexpected(collected.error());
  collect_head(cut, work);
  if (work.minutes.empty()) return 0;
  return refresh_run(rocks, store, cut, readings).run(work);
}

}  // namespace factory
