#include "storage/journal/journal_aside.hpp"

#include <xxhash.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "storage/base/record.hpp"
#include "storage/journal/journal_record.hpp"

namespace factory {

namespace {

constexpr std::string_view chunk_prefix = "journal_aside:";
constexpr std::string_view behind_all_chunks = "journal_aside;";
constexpr std::uint8_t chunk_version = 1;
constexpr std::size_t chunk_bytes_at_least = 1UL << 20U;
constexpr std::size_t batch_bytes_at_least = 4UL << 20U;

std::string chunk_key(std::uint64_t first_sequence) {
  std::string key(chunk_prefix);
  put_key64(key, first_sequence);
  return key;
}

tl::unexpected<error> damaged_chunk() {
  return fail(errc::corrupt,
              "Readings that the journal set aside are damaged or of a newer version; restore the newest snapshot.");
}

std::shared_ptr<const reading_batch> own_rows(const std::set<sensor_id>& sensors, const reading_batch& all) {
  auto own = std::make_shared<reading_batch>();
  for (const slice& rows : all.slices) {
    if (!sensors.contains(rows.sensor)) continue;
    const auto times = all.times(rows);
    const auto values = all.values(rows);
    const auto begin = static_cast<std::uint32_t>(own->size());
    own->event_time_us.insert(own->event_time_us.end(), times.begin(), times.end());
    own->value.insert(own->value.end(), values.begin(), values.end());
    const auto flags = all.flags_of(rows);
    own->flags.insert(own->flags.end(), flags.begin(), flags.end());
    own->slices.push_back({rows.sensor, begin, static_cast<std::uint32_t>(own->size())});
  }
  return own->size() == 0 ? nullptr : own;
}

std::shared_ptr<const config_change> own_configs(const std::set<sensor_id>& sensors, const config_change& all) {
  auto own = std::make_shared<config_change>(all);
  std::erase_if(own->configs, [&](const sensor_config& each) { return !sensors.contains(each.sensor); });
  own->removed.clear();   // who is removed is not kept for
  own->machines.clear();  // of no use to a sensor
  return own->configs.empty() ? nullptr : own;
}

expected<void> visit_chunk(std::string_view chunk, const journal::observer& visit) {
  std::string_view in = chunk;
  constexpr std::size_t sum_bytes = sizeof(std::uint64_t);
  if (!begin_record(in, chunk_version) || in.size() < sum_bytes) return damaged_chunk();
  std::string_view sum = in.substr(in.size() - sum_bytes);
  in.remove_suffix(sum_bytes);
  std::uint64_t stored = 0;
  if (!get_fixed64(sum, stored) || stored != XXH3_64bits(chunk.data(), chunk.size() - sum_bytes)) return damaged_chunk();
  while (!in.empty()) {
    std::uint64_t sequence = 0;
    std::string body;
    if (!get_varint(in, sequence) || !get_text(in, body)) return damaged_chunk();
    const auto entry = decode_entry(sequence, body);
    if (!entry) return damaged_chunk();
    visit(*entry);
  }
  return {};
}

}  // namespace

std::optional<journal_entry> part_for(const std::set<sensor_id>& sensors, const journal_entry& entry) {
  journal_entry own;
  own.sequence = entry.sequence;
  own.received_at_us = entry.received_at_us;
  own.tick = entry.tick;
  if (entry.readings) own.readings = own_rows(sensors, *entry.readings);
  if (entry.config) own.config = own_configs(sensors, *entry.config);
  if (entry.command && sensors.contains(entry.command->sensor)) own.command = entry.command;
  if (!own.readings && !own.config && !own.command && !own.tick) return std::nullopt;
  return own;
}

void delete_aside(const database::impl& rocks, rocksdb::WriteBatch& batch, std::uint64_t after) {
  batch.DeleteRange(rocks.at(column::state), chunk_key(after + 1), to_slice(behind_all_chunks));
}

void aside_writer::begin(std::uint64_t floor) { delete_aside(rocks_, batch_, floor); }

expected<void> aside_writer::add(const journal_entry& entry) {
  if (chunk_.empty()) {
    first_ = entry.sequence;
    chunk_ = begin_record(chunk_version);
  }
  put_varint(chunk_, entry.sequence);
  put_text(chunk_, encode(entry).bytes);
  if (entry.readings)
    for (const slice& rows : entry.readings->slices) readings[rows.sensor] += rows.size();
  return chunk_.size() < chunk_bytes_at_least ? expected<void>() : close_chunk();
}

expected<void> aside_writer::close_chunk() {
  if (chunk_.empty()) return {};
  put_fixed64(chunk_, XXH3_64bits(chunk_.data(), chunk_.size()));
  batch_.Put(rocks_.at(column::state), chunk_key(first_), chunk_);
  bytes += chunk_.size();
  chunk_.clear();
  return batch_.GetDataSize() < batch_bytes_at_least ? expected<void>() : write();
}

expected<void> aside_writer::finish() {
  if (auto closed = close_chunk(); !closed) return closed;
  return write();
}

/// Without fsync: the floor, which is written with it afterwards, carries it to the disk.
expected<void> aside_writer::write() {
  auto written = rocks_.write(batch_, false, "setting readings aside");
  batch_.Clear();
  return written;
}

expected<void> visit_aside(const database::impl& rocks, std::uint64_t floor, const journal::observer& visit,
                           std::uint64_t* chunk_bytes) {
  const std::string end_key = chunk_key(floor + 1);
  const rocksdb::Slice end(end_key);
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &end;
  options.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> it(rocks.db->NewIterator(options, rocks.at(column::state)));
  for (it->Seek(to_slice(chunk_prefix)); it->Valid(); it->Next()) {
    if (auto visited = visit_chunk(to_view(it->value()), visit); !visited) return visited;
    if (chunk_bytes != nullptr) *chunk_bytes += it->value().size();
  }
  if (!it->status().ok()) return tl::unexpected(to_error(it->status(), "reading what was set aside"));
  return {};
}

}  // namespace factory
