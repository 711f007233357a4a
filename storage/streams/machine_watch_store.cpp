#include "storage/streams/machine_watch_store.hpp"

#include <algorithm>

#include "pipelines/model/coding.hpp"
#include "storage/base/record.hpp"
#include "storage/base/rocks.hpp"

namespace factory {

namespace {

constexpr std::uint8_t watch_version = 3, watch_without_since = 2, watch_without_sensitivity = 1;
constexpr char watch_prefix = 'd';

std::string watch_key(machine_id machine) {
  std::string key(1, watch_prefix);
  put_key32(key, machine);
  return key;
}

bool decode_watch(std::string_view in, machine_watch_entry& entry) {
  std::uint64_t count = 0;
  std::uint8_t version = 0;
  if (!begin_record(in, watch_version, version) || !get_varint_as(in, entry.machine) || !get_varint_as(in, entry.version) ||
      !get_varint(in, entry.since_sequence) || !get_varint(in, count) || count > in.size())
    return false;
  entry.sensors.resize(count);
  entry.sensitivity = 1;
  entry.since_event = 0;
  return std::ranges::all_of(entry.sensors, [&](sensor_id& each) { return get_varint_as(in, each); }) &&
         (version <= watch_without_sensitivity || get_double(in, entry.sensitivity)) &&
         (version <= watch_without_since || get_varint(in, entry.since_event)) && in.empty() && entry.sensitivity > 0;
}

}  // namespace

catalog_write machine_watch_store::write_of(const machine_watch_entry& entry) {
  std::string out = begin_record(watch_version);
  put_varint(out, entry.machine);
  put_varint(out, entry.version);
  put_varint(out, entry.since_sequence);
  put_varint(out, entry.sensors.size());
  for (const auto each : entry.sensors) put_varint(out, each);
  put_double(out, entry.sensitivity);
  put_varint(out, entry.since_event);
  return {watch_key(entry.machine), std::move(out)};
}
catalog_write machine_watch_store::write_of_removal(machine_id machine) { return {watch_key(machine), std::nullopt}; }

expected<void> machine_watch_store::load() {
  const database::impl& rocks = db_.raw();
  const std::unique_ptr<rocksdb::Iterator> it(rocks.db->NewIterator(rocksdb::ReadOptions(), rocks.at(column::catalog)));
  const std::lock_guard lock(mutex_);
  for (it->Seek(std::string(1, watch_prefix)); it->Valid() && it->key()[0] == watch_prefix; it->Next()) {
    machine_watch_entry entry;
    if (!decode_watch(to_view(it->value()), entry))
      return fail(errc::corrupt,
                  "The record of a watch over a machine cannot be read: the database is damaged or of a newer version, restore "
                  "the newest snapshot.");
    entries_[entry.machine] = std::move(entry);
  }
  if (!it->status().ok()) return tl::unexpected(to_error(it->status(), "reading the watches over machines"));
  return {};
}

std::vector<machine_watch_entry> machine_watch_store::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<machine_watch_entry> out;
  for (const auto& [machine, entry] : entries_) out.push_back(entry);
  return out;
}

std::optional<machine_watch_entry> machine_watch_store::find(machine_id machine) const {
  const std::lock_guard lock(mutex_);
  const auto at = entries_.find(machine);
  return at == entries_.end() ? std::nullopt : std::optional(at->second);
}

void machine_watch_store::put(machine_watch_entry entry) {
  const std::lock_guard lock(mutex_);
  entries_[entry.machine] = std::move(entry);
}
void machine_watch_store::erase(machine_id machine) {
  const std::lock_guard lock(mutex_);
  entries_.erase(machine);
}

}  // namespace factory
