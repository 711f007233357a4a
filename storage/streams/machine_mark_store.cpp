#include "storage/streams/machine_mark_store.hpp"

#include <xxhash.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "pipelines/machine/limits.hpp"
#include "pipelines/model/coding.hpp"
#include "storage/base/record.hpp"
#include "storage/base/rocks.hpp"
#include "storage/streams/machine_watch_store.hpp"
#include "storage/streams/stream_records.hpp"

namespace factory {

namespace {

constexpr std::uint8_t mark_version = 1;
constexpr std::string_view mark_prefix = "mark:";

std::string prefix_of(const stream_key& key) {
  std::string out(mark_prefix);
  put_key32(out, key.machine);
  put_key32(out, key.version);
  return out;
}
std::string key_of(const stream_key& key, std::int64_t place) {
  auto out = prefix_of(key);
  put_key_time(out, place);
  return out;
}
bool read_key(std::string_view in, stream_key& key, std::int64_t& place) {
  if (!in.starts_with(mark_prefix)) return false;
  in.remove_prefix(mark_prefix.size());
  key.pipeline = machine_watches;
  return get_key32(in, key.machine) && get_key32(in, key.version) && get_key_time(in, place) && in.empty();
}

std::string encode(const machine_mark& mark) {
  std::string out = begin_record(mark_version);
  put_text(out, mark.judge);
  put_fixed64(out, XXH3_64bits(out.data(), out.size()));
  return out;
}
bool decode(std::string_view in, machine_mark& mark) {
  const auto record = in;
  std::uint64_t checksum = 0;
  if (!begin_record(in, mark_version) || !get_text(in, mark.judge)) return false;
  const auto computed = XXH3_64bits(record.data(), record.size() - in.size());
  return get_fixed64(in, checksum) && in.empty() && checksum == computed;
}

/// Places of the watch's marks, rising.
expected<std::vector<std::int64_t>> places_of(const database::impl& rocks, const stream_key& key) {
  const std::unique_ptr<rocksdb::Iterator> it(rocks.db->NewIterator(rocksdb::ReadOptions(), rocks.at(column::state)));
  const auto prefix = prefix_of(key);
  std::vector<std::int64_t> places;
  stream_key of;
  std::int64_t place = 0;
  for (it->Seek(prefix); it->Valid() && to_view(it->key()).starts_with(prefix) && read_key(to_view(it->key()), of, place);
       it->Next())
    places.push_back(place);
  if (!it->status().ok()) return tl::unexpected(to_error(it->status(), "reading the marks of a machine's watch"));
  return places;
}

/// Those that stay besides `by`, which are behind all of them.
void put_marks(rocksdb::WriteBatch& batch, const database::impl& rocks, const stream_key& key, std::vector<std::int64_t> stay,
               const std::vector<machine_mark>& by) {
  for (const auto& each : by) {
    batch.Put(rocks.at(column::state), key_of(key, each.place), encode(each));
    if (stay.empty() || stay.back() < each.place) stay.push_back(each.place);
  }
  for (const auto place : superfluous_marks(std::move(stay), limits::watch_marks))
    batch.Delete(rocks.at(column::state), key_of(key, place));
}

}  // namespace

std::vector<std::int64_t> superfluous_marks(std::vector<std::int64_t> places, std::size_t most) {
  std::vector<std::int64_t> out;
  while (places.size() > most && places.size() > 2) {
    const auto newest = static_cast<double>(places.back());
    std::size_t least = 1;
    double least_share = 2;
    for (std::size_t i = 1; i + 1 < places.size(); ++i) {
      const auto before = static_cast<double>(places[i - 1]);
      const double share = (static_cast<double>(places[i + 1]) - before) / (newest - before);
      if (share >= least_share) continue;
      least = i;
      least_share = share;
    }
    out.push_back(places[least]);
    places.erase(places.begin() + static_cast<std::ptrdiff_t>(least));
  }
  return out;
}

expected<void> stage_mark(rocksdb::WriteBatch& batch, const database::impl& rocks, const saved_mark& saved) {
  auto places = places_of(rocks, saved.key);
  if (!places) return tl::unexpected(std::move(places.error()));
  for (; !places->empty() && places->back() > saved.mark.place; places->pop_back())  // of before a crash
    batch.Delete(rocks.at(column::state), key_of(saved.key, places->back()));
  put_marks(batch, rocks, saved.key, std::move(*places), {saved.mark});
  return {};
}

expected<std::optional<machine_mark>> machine_mark_store::newest_until(const stream_key& key, std::int64_t place) const {
  const database::impl& rocks = db_.raw();
  const std::unique_ptr<rocksdb::Iterator> it(rocks.db->NewIterator(rocksdb::ReadOptions(), rocks.at(column::state)));
  it->SeekForPrev(key_of(key, place));
  if (!it->status().ok()) return tl::unexpected(to_error(it->status(), "reading a mark of a machine's watch"));
  stream_key of;
  machine_mark mark;
  if (!it->Valid() || !read_key(to_view(it->key()), of, mark.place) || of != key) return std::nullopt;
  if (!decode(to_view(it->value()), mark))
    return fail(errc::corrupt, "A mark of the watch over machine " + std::to_string(key.machine) +
                                   " is damaged or of a newer version; restore the newest snapshot.");
  return mark;
}

expected<void> machine_mark_store::replace(const stream_key& key, std::int64_t place, const std::vector<machine_mark>& by) {
  database::impl& rocks = db_.raw();
  auto places = places_of(rocks, key);
  if (!places) return tl::unexpected(std::move(places.error()));
  const auto behind = std::ranges::upper_bound(*places, place);
  rocksdb::WriteBatch batch;
  for (auto each = behind; each != places->end(); ++each) batch.Delete(rocks.at(column::state), key_of(key, *each));
  places->erase(behind, places->end());
  put_marks(batch, rocks, key, std::move(*places), by);
  return rocks.write(batch, false, "writing marks of a machine's watch");
}

expected<void> machine_mark_store::keep_only(const std::function<bool(const stream_key&)>& is_known) {
  database::impl& rocks = db_.raw();
  const std::unique_ptr<rocksdb::Iterator> it(rocks.db->NewIterator(rocksdb::ReadOptions(), rocks.at(column::state)));
  rocksdb::WriteBatch batch;
  stream_key of;
  std::int64_t place = 0;
  for (it->Seek(to_slice(mark_prefix)); it->Valid() && read_key(to_view(it->key()), of, place); it->Next())
    if (!is_known(of)) batch.Delete(rocks.at(column::state), it->key());
  if (!it->status().ok()) return tl::unexpected(to_error(it->status(), "reading the marks of watches over machines"));
  if (batch.Count() == 0) return {};
  return rocks.write(batch, false, "removing marks of watches over machines");
}

}  // namespace factory
