#include "storage/rollups/rollups.hpp"

#include "storage/base/freed_ranges.hpp"
#include "storage/base/rocks.hpp"
#include "storage/rollups/rollup_records.hpp"

#include <algorithm>

namespace factory {

std::int64_t step_us(rollup_level level) {
  switch (level) {
    case rollup_level::minute: return 60'000'000;
    case rollup_level::hour: return 3'600'000'000;
    case rollup_level::day: return 86'400'000'000;
  }
  return 0;
}

rollup_store::rollup_store(database& db) : db_(db) {}

expected<std::vector<bucket>> rollup_store::read(sensor_id sensor, rollup_level level, const time_range& range, asker who) const {
  const database::impl& rocks = db_.raw();
  rocksdb::ReadOptions options;
  options.fill_cache = who == asker::query;
  const std::unique_ptr<rocksdb::Iterator> it(rocks.db->NewIterator(options, rocks.at(column::rollups)));
  std::vector<bucket> out;
  std::int64_t start_us = 0;
  for (it->Seek(bucket_key(sensor, level, range.begin_us));
       it->Valid() && read_bucket_key(to_view(it->key()), sensor, level, start_us) && start_us < range.end_us; it->Next()) {
    if (!decode_bucket(to_view(it->value()), start_us, out.emplace_back())) {
      return damaged_rollup();
    }
  }
  if (!it->status().ok()) return tl::unexpected(to_error(it->status(), "reading roll-ups"));
  return out;
}

expected<void> rollup_store::remove_sensor(sensor_id sensor) {
  database::impl& rocks = db_.raw();
  auto* rollups = rocks.at(column::rollups);
  rocksdb::WriteBatch batch;
  const std::string begin = bucket_key(sensor, rollup_level::minute, INT64_MIN),
                    end = bucket_key(sensor, rollup_level::day, INT64_MAX);
  batch.DeleteRange(rollups, begin, end);
  batch.DeleteRange(rollups, note_key(sensor, 0), note_key(sensor, UINT32_MAX));
  batch.Delete(rollups, head_key(sensor));
  batch.Delete(rollups, kept_key(sensor));
  if (auto written = rocks.write(batch, false, "deleting roll-ups"); !written) return written;
  rocks.freed->note(column::rollups, begin, end, freed_ranges::use::never_again);
  return {};
}

/// Whole days only: an hour or a day must always find the minutes that it is made of. From then on no bucket of those days counts: a
/// bucket that a late block makes anew would lack the readings of a block that retention has left whole.
expected<void> rollup_store::drop_before(sensor_id sensor, std::int64_t before_us) {
  database::impl& rocks = db_.raw();
  auto* rollups = rocks.at(column::rollups);
  const std::int64_t end_us = bucket_start(before_us, step_us(rollup_level::day));
  const std::unique_ptr<rocksdb::Iterator> it(rocks.db->NewIterator(rocksdb::ReadOptions(), rollups));
  rocksdb::WriteBatch batch;
  std::vector<rollup_level> dropped;
  for (const rollup_level level : rollup_levels) {
    std::int64_t start_us = 0;
    it->Seek(bucket_key(sensor, level, INT64_MIN));
    if (!it->Valid() || !read_bucket_key(to_view(it->key()), sensor, level, start_us) || start_us >= end_us) continue;
    batch.DeleteRange(rollups, bucket_key(sensor, level, INT64_MIN), bucket_key(sensor, level, end_us));
    dropped.push_back(level);
  }
  if (!it->status().ok()) return tl::unexpected(to_error(it->status(), "reading roll-ups"));
  if (batch.Count() == 0) return {};
  std::string stored;
  std::int64_t kept_from_us = INT64_MIN;
  const auto status = rocks.db->Get(rocksdb::ReadOptions(), rollups, kept_key(sensor), &stored);
  if (!status.ok() && !status.IsNotFound()) return tl::unexpected(to_error(status, "reading roll-ups"));
  if (status.ok() && !decode_kept(stored, kept_from_us)) return damaged_rollup();
  batch.Put(rollups, kept_key(sensor), encode_kept(std::max(end_us, kept_from_us)));
  if (auto written = rocks.write(batch, false, "deleting roll-ups"); !written) return written;
  for (const rollup_level level : dropped)
    rocks.freed->note(column::rollups, bucket_key(sensor, level, INT64_MIN), bucket_key(sensor, level, end_us),
                      freed_ranges::use::maybe_again);
  return {};
}

}  // namespace factory
