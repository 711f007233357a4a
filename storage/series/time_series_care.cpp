#include "storage/base/freed_ranges.hpp"
#include "storage/base/rocks.hpp"
#include "storage/series/block_finder.hpp"
#include "storage/series/time_series.hpp"
#include "storage/state/state_record.hpp"

#include <algorithm>
#include <limits>
#include <set>

namespace factory {

namespace {

constexpr std::uint32_t all_blocks = std::numeric_limits<std::uint32_t>::max();

std::unique_ptr<rocksdb::Iterator> every_block(const database::impl& rocks) {
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  std::unique_ptr<rocksdb::Iterator> it(rocks.db->NewIterator(options, rocks.at(column::blocks)));
  it->SeekToFirst();
  return it;
}

}  // namespace

/// Blocks that begin before earliest_start(lane) end before `before_us`: one range per lane deletes them. Blocks that begin later and end
/// before it, two of a lane where none overlap, go one by one.
expected<std::uint64_t> time_series::drop_before(sensor_id sensor, std::int64_t before_us) {
  const std::lock_guard lock(changing_);
  database::impl& rocks = db_.raw();
  rocksdb::WriteBatch batch;
  std::uint64_t readings = 0;
  std::set<std::uint8_t> lanes;
  block_finder finder(rocks, sensor, all_blocks, asker::background);
  auto visited = finder.visit({std::numeric_limits<std::int64_t>::min(), before_us},
                              [&](const block_key& key, const summary& header, std::string_view) -> expected<void> {
                                if (header.last_us >= before_us) return {};
                                readings += header.count;
                                if (key.first_us < earliest_start(key.lane, before_us))
                                  lanes.insert(key.lane);
                                else
                                  batch.Delete(rocks.at(column::blocks), encode(key));
                                return {};
                              });
  if (!visited) return tl::unexpected(visited.error());
  if (readings == 0) return readings;
  const auto begin_of = [&](std::uint8_t lane) {
    return encode(block_key{sensor, lane, std::numeric_limits<std::int64_t>::min(), 0});
  };
  const auto end_of = [&](std::uint8_t lane) { return encode(block_key{sensor, lane, earliest_start(lane, before_us), 0}); };
  for (const std::uint8_t lane : lanes) batch.DeleteRange(rocks.at(column::blocks), begin_of(lane), end_of(lane));
  if (auto written = rocks.write(batch, false, "dropping old blocks"); !written) return tl::unexpected(written.error());
  for (const std::uint8_t lane : lanes)
    rocks.freed->note(column::blocks, begin_of(lane), end_of(lane), freed_ranges::use::maybe_again);
  return readings;
}

expected<void> time_series::remove_sensor(sensor_id sensor) {
  const std::lock_guard lock(changing_);
  database::impl& rocks = db_.raw();
  constexpr std::int64_t first_instant = std::numeric_limits<std::int64_t>::min();
  rocksdb::WriteBatch batch;
  const std::string begin = encode(block_key{sensor, 0, first_instant, 0}),
                    end = encode(block_key{sensor + 1, 0, first_instant, 0});
  batch.DeleteRange(rocks.at(column::blocks), begin, end);
  batch.Delete(rocks.at(column::state), state_key(sensor));
  if (auto written = rocks.write(batch, false, "deleting a sensor's blocks"); !written) return written;
  rocks.freed->note(column::blocks, begin, end, freed_ranges::use::never_again);
  return {};
}

time_series::totals time_series::count() const {
  totals all;
  sensor_id before = 0;
  block_key key;
  for (const auto it = every_block(db_.raw()); it->Valid(); it->Next()) {
    const auto header = read_header(to_view(it->value()));
    if (!header || !decode(to_view(it->key()), key)) continue;  // verify() reports those
    if (key.sensor != before) ++all.sensors;
    before = key.sensor;
    ++all.blocks;
    all.readings += header->count;
    all.bytes += it->key().size() + it->value().size();
  }
  return all;
}

time_series::sensor_totals time_series::count(sensor_id sensor) const {
  sensor_totals found;
  block_finder finder(db_.raw(), sensor, all_blocks, asker::background);
  (void)finder.visit({}, [&](const block_key&, const summary& header, std::string_view bytes) -> expected<void> {
    found.first_us = found.blocks == 0 ? header.first_us : std::min(found.first_us, header.first_us);
    found.last_us = found.blocks == 0 ? header.last_us : std::max(found.last_us, header.last_us);
    ++found.blocks;
    found.readings += header.count;
    found.bytes += bytes.size();
    return {};
  });
  return found;
}

std::uint64_t time_series::verify(const std::function<void(sensor_id, std::uint32_t number, const error&)>& bad) const {
  std::uint64_t blocks = 0;
  const auto it = every_block(db_.raw());
  for (; it->Valid(); it->Next(), ++blocks) {
    block_key key;
    const bool named = decode(to_view(it->key()), key);
    const auto rows = open_block(to_view(it->value()));
    if (!rows)
      bad(key.sensor, key.number, rows.error());
    else if (!named || rows->event_time_us.front() != key.first_us)
      bad(key.sensor, key.number, {errc::corrupt, "a block lies under a key that is not its own"});
  }
  if (!it->status().ok()) bad(0, 0, to_error(it->status(), "reading blocks"));
  return blocks;
}

expected<void> time_series::compact() {
  const database::impl& rocks = db_.raw();
  rocksdb::CompactRangeOptions options;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  for (auto* handle : rocks.columns) {
    const auto status = rocks.db->CompactRange(options, handle, nullptr, nullptr);
    if (!status.ok()) return tl::unexpected(to_error(status, "compacting the database"));
  }
  return {};
}

}  // namespace factory
