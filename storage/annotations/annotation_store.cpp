#include "storage/annotations/annotation_store.hpp"

#include "pipelines/model/coding.hpp"
#include "storage/base/record.hpp"
#include "storage/base/rocks.hpp"

#include <algorithm>
#include <utility>

namespace factory {

namespace {

constexpr std::uint8_t annotation_version = 2, without_exclusion = 1;
constexpr char annotation_prefix = 'a';
constexpr std::string_view annotation_counter = "na";

std::string annotation_key(annotation_id id) {
  std::string key(1, annotation_prefix);
  put_key32(key, id);
  return key;
}

}  // namespace

std::string encode(const annotation& entry) {
  std::string out = begin_record(annotation_version);
  put_varint(out, entry.id);
  put_varint(out, entry.machine);
  put_varint(out, entry.sensor);
  put_byte(out, static_cast<std::uint8_t>(entry.kind));
  put_zigzag(out, entry.begin_us);
  put_zigzag(out, entry.end_us);
  put_text(out, entry.text);
  put_text(out, entry.by);
  put_zigzag(out, entry.created_at_us);
  put_zigzag(out, entry.changed_at_us);
  put_byte(out, entry.exclude_from_baseline ? 1 : 0);
  put_varint(out, entry.correction);
  return out;
}

bool decode(std::string_view in, annotation& entry) {
  std::uint8_t kind = 0, version = 0, excludes = 0;
  if (!begin_record(in, annotation_version, version) || !get_varint_as(in, entry.id) || !get_varint_as(in, entry.machine) ||
      !get_varint_as(in, entry.sensor) || !get_byte(in, kind) || !is_annotation_kind(kind) || !get_zigzag(in, entry.begin_us) ||
      !get_zigzag(in, entry.end_us) || !get_text(in, entry.text) || !get_text(in, entry.by) ||
      !get_zigzag(in, entry.created_at_us) || !get_zigzag(in, entry.changed_at_us))
    return false;
  entry.kind = static_cast<annotation_kind>(kind);
  entry.exclude_from_baseline = false;
  entry.correction = 0;
  if (version == without_exclusion) return in.empty();
  if (!get_byte(in, excludes) || excludes > 1 || !get_varint_as(in, entry.correction)) return false;
  entry.exclude_from_baseline = excludes == 1;
  return in.empty();
}

expected<void> annotation_store::load() {
  const database::impl& rocks = db_.raw();
  const std::unique_ptr<rocksdb::Iterator> it(rocks.db->NewIterator(rocksdb::ReadOptions(), rocks.at(column::catalog)));
  const std::lock_guard lock(mutex_);
  for (it->Seek(std::string(1, annotation_prefix)); it->Valid() && it->key()[0] == annotation_prefix; it->Next()) {
    annotation entry;
    if (!decode(to_view(it->value()), entry))
      return fail(errc::corrupt,
                  "The record of an annotation cannot be read: the database is damaged or of a newer version, restore the "
                  "newest snapshot.");
    next_ = std::max(next_, entry.id + 1);
    entries_[entry.id] = std::move(entry);
  }
  if (!it->status().ok()) return tl::unexpected(to_error(it->status(), "reading the annotations"));
  std::string stored;
  const auto status = rocks.db->Get(rocksdb::ReadOptions(), rocks.at(column::catalog), to_slice(annotation_counter), &stored);
  if (status.IsNotFound()) return {};
  if (!status.ok()) return tl::unexpected(to_error(status, "reading the annotations"));
  std::string_view in = stored;
  annotation_id next = 0;
  if (!get_varint_as(in, next))
    return fail(errc::corrupt, "The counter of the annotations cannot be read; restore the newest snapshot.");
  next_ = std::max(next_, next);
  return {};
}

expected<annotation> annotation_store::find(annotation_id id) const {
  const std::lock_guard lock(mutex_);
  const auto at = entries_.find(id);
  if (at == entries_.end()) return fail(errc::not_found, "Annotation not found");
  return at->second;
}

std::vector<annotation> annotation_store::newest(annotation_id before, std::size_t limit,
                                                 const std::function<bool(const annotation&)>& like) const {
  const std::lock_guard lock(mutex_);
  std::vector<annotation> found;
  auto at = before == 0 ? entries_.end() : entries_.lower_bound(before);
  while (at != entries_.begin() && found.size() < limit)
    if (--at; like(at->second)) found.push_back(at->second);
  return found;
}

std::size_t annotation_store::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

annotation_id annotation_store::next_id() const {
  const std::lock_guard lock(mutex_);
  return next_;
}

std::vector<catalog_write> annotation_store::writes_of(const annotation& entry) const {
  std::string counter;
  put_varint(counter, std::max(next_id(), entry.id + 1));
  return {{annotation_key(entry.id), encode(entry)}, {std::string(annotation_counter), std::move(counter)}};
}
std::vector<catalog_write> annotation_store::writes_of_removal(annotation_id id) { return {{annotation_key(id), std::nullopt}}; }

void annotation_store::put(annotation entry) {
  const std::lock_guard lock(mutex_);
  next_ = std::max(next_, entry.id + 1);
  entries_[entry.id] = std::move(entry);
}
void annotation_store::erase(annotation_id id) {
  const std::lock_guard lock(mutex_);
  entries_.erase(id);
}

}  // namespace factory
