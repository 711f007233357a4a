#include "storage/streams/pipeline_store.hpp"

#include "pipelines/model/coding.hpp"
#include "storage/base/record.hpp"
#include "storage/base/rocks.hpp"

#include <algorithm>

namespace factory {

namespace {

constexpr std::uint8_t pipeline_version = 2;
constexpr char pipeline_prefix = 'p';
constexpr std::string_view pipeline_counter = "np";

std::string pipeline_key(pipeline_id id) {
  std::string key(1, pipeline_prefix);
  put_key32(key, id);
  return key;
}

void put_ids(std::string& out, const std::vector<sensor_id>& ids) {
  put_varint(out, ids.size());
  for (const auto each : ids) put_varint(out, each);
}
bool get_ids(std::string_view& in, std::vector<sensor_id>& ids) {
  std::uint64_t count = 0;
  if (!get_varint(in, count) || count > in.size()) return false;
  ids.resize(count);
  return std::ranges::all_of(ids, [&](sensor_id& each) { return get_varint_as(in, each); });
}

}  // namespace

std::string encode(const pipeline_entry& entry) {
  std::string out = begin_record(pipeline_version);
  put_varint(out, entry.id);
  put_varint(out, entry.version);
  put_zigzag(out, entry.created_at_us);
  put_text(out, entry.spec);
  put_varint(out, entry.instances.size());
  for (const auto& each : entry.instances) {
    put_varint(out, each.machine);
    put_varint(out, each.since_sequence);
    put_ids(out, each.sources);
    put_ids(out, each.sinks);
  }
  put_varint(out, entry.former.size());
  for (const auto& each : entry.former) {
    put_varint(out, each.machine);
    put_text(out, each.name);
    put_varint(out, each.sensor);
  }
  return out;
}

bool decode(std::string_view in, pipeline_entry& entry) {
  std::uint64_t count = 0;
  std::uint8_t version = 0;
  if (!begin_record(in, pipeline_version, version) || !get_varint_as(in, entry.id) || !get_varint_as(in, entry.version) ||
      !get_zigzag(in, entry.created_at_us) || !get_text(in, entry.spec) || !get_varint(in, count) || count > in.size())
    return false;
  entry.instances.resize(count);
  for (auto& each : entry.instances)
    if (!get_varint_as(in, each.machine) || !get_varint(in, each.since_sequence) || !get_ids(in, each.sources) ||
        !get_ids(in, each.sinks))
      return false;
  if (version == 1) return in.empty();
  if (!get_varint(in, count) || count > in.size()) return false;
  entry.former.resize(count);
  for (auto& each : entry.former)
    if (!get_varint_as(in, each.machine) || !get_text(in, each.name) || !get_varint_as(in, each.sensor)) return false;
  return in.empty();
}

expected<void> pipeline_store::load() {
  const database::impl& rocks = db_.raw();
  const std::unique_ptr<rocksdb::Iterator> it(rocks.db->NewIterator(rocksdb::ReadOptions(), rocks.at(column::catalog)));
  const std::lock_guard lock(mutex_);
  for (it->Seek(std::string(1, pipeline_prefix)); it->Valid() && it->key()[0] == pipeline_prefix; it->Next()) {
    pipeline_entry entry;
    if (!decode(to_view(it->value()), entry))
      return fail(
          errc::corrupt,
          "The record of a pipeline cannot be read: the database is damaged or of a newer version, restore the newest snapshot.");
    next_ = std::max(next_, entry.id + 1);
    entries_[entry.id] = std::move(entry);
  }
  note_filled();
  if (!it->status().ok()) return tl::unexpected(to_error(it->status(), "reading the pipelines"));
  std::string stored;
  const auto status = rocks.db->Get(rocksdb::ReadOptions(), rocks.at(column::catalog), to_slice(pipeline_counter), &stored);
  if (status.IsNotFound()) return {};
  if (!status.ok()) return tl::unexpected(to_error(status, "reading the pipelines"));
  std::string_view in = stored;
  pipeline_id next = 0;
  if (!get_varint_as(in, next))
    return fail(errc::corrupt, "The counter of the pipelines cannot be read; restore the newest snapshot.");
  next_ = std::max(next_, next);
  return {};
}

std::vector<pipeline_entry> pipeline_store::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<pipeline_entry> out;
  for (const auto& [id, entry] : entries_) out.push_back(entry);
  return out;
}

expected<pipeline_entry> pipeline_store::find(pipeline_id id) const {
  const std::lock_guard lock(mutex_);
  const auto at = entries_.find(id);
  if (at == entries_.end()) return fail(errc::not_found, "Pipeline not found");
  return at->second;
}

pipeline_id pipeline_store::next_id() const {
  const std::lock_guard lock(mutex_);
  return next_;
}

std::vector<catalog_write> pipeline_store::writes_of(const pipeline_entry& entry) const {
  std::string counter;
  put_varint(counter, std::max(next_id(), entry.id + 1));
  return {{pipeline_key(entry.id), encode(entry)}, {std::string(pipeline_counter), std::move(counter)}};
}
std::vector<catalog_write> pipeline_store::writes_of_removal(pipeline_id id) { return {{pipeline_key(id), std::nullopt}}; }

void pipeline_store::put(pipeline_entry entry) {
  const std::lock_guard lock(mutex_);
  next_ = std::max(next_, entry.id + 1);
  entries_[entry.id] = std::move(entry);
  note_filled();
}
void pipeline_store::erase(pipeline_id id) {
  const std::lock_guard lock(mutex_);
  entries_.erase(id);
  note_filled();
}

/// REQUIRES: the caller holds mutex_.
void pipeline_store::note_filled() {
  auto all = std::make_shared<sensor_set>();
  for (const auto& [id, entry] : entries_)
    for (const auto& instance : entry.instances)
      for (const auto sensor : instance.sinks)
        if (sensor != 0) all->insert(sensor);
  filled_ = all->size() == 0 ? nullptr : std::move(all);
}
std::shared_ptr<const sensor_set> pipeline_store::filled() const {
  const std::lock_guard lock(mutex_);
  return filled_;
}

}  // namespace factory
