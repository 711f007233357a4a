#include "storage/events/event_log_impl.hpp"

#include "pipelines/model/coding.hpp"
#include "storage/events/finding_digest.hpp"

#include <algorithm>

namespace factory {

event_log::event_log(database& db) : impl_(std::make_unique<impl>(db)) { impl_->open(); }
event_log::~event_log() { impl_->give_back(); }

void event_log::impl::open() {
  read_counters();
  given = std::max(counters.last_sequence, reserved);
  if (!unreadable) index_anomalies();
  if (!unreadable) open_zones();
}

void event_log::impl::read_counters() {
  event_counters stored_counters;
  const auto read = [&](std::string_view key, const auto& decode) {
    std::string stored;
    const auto status = rocks.db->Get(rocksdb::ReadOptions(), column_family(), to_slice(key), &stored);
    if (status.IsNotFound()) return;
    if (!status.ok()) unreadable = to_error(status, "reading the event log");
    if (status.ok() && !decode(std::string_view(stored))) unreadable = damaged_event().value();
  };
  read(counters_key, [&](std::string_view in) { return decode_counters(in, stored_counters); });
  reserved = stored_counters.last_sequence;  // data of a program that did not reserve
  read(reserved_key, [&](std::string_view in) { return decode_reserved(in, reserved); });
  const std::lock_guard lock(guard);
  counters = stored_counters;
}

void event_log::impl::give_back() {
  if (unreadable || given == reserved) return;
  rocksdb::WriteBatch batch;
  batch.Put(column_family(), to_slice(reserved_key), encode_reserved(given));
  (void)rocks.write(batch, false, "closing the event log");  // else the next start passes them over
}

std::uint64_t event_log::last_sequence() const { return impl_->current().last_sequence; }

event_log::totals event_log::count() const {
  const event_counters now = impl_->current();
  return {now.anomalies, now.alerts, now.active_alerts};
}

std::uint64_t event_log::digest() const {
  const event_view view(*impl_);
  const std::unique_ptr<rocksdb::Iterator> it(impl_->rocks.db->NewIterator(view.options(), impl_->column_family()));
  finding_digest digest;
  std::vector<event> of_one;  // events of a finding lie side by side
  const auto add = [&] {
    std::ranges::sort(of_one, {}, &event::sequence);
    digest.add(fold_finding(of_one));
    of_one.clear();
  };
  for (it->Seek("k"); it->Valid() && it->key()[0] == 'k'; it->Next()) {
    event e;
    if (!decode_event(to_view(it->key()), to_view(it->value()), e)) continue;
    if (!of_one.empty() && !same_finding(of_one.front().key, e.key)) add();
    of_one.push_back(std::move(e));
  }
  add();
  return digest.value();
}

expected<std::vector<std::optional<event>>> event_log::impl::get(const std::vector<event_key>& keys,
                                                                 const rocksdb::ReadOptions& read) const {
  std::vector<std::string> records;
  std::vector<rocksdb::Slice> slices;
  records.reserve(keys.size());
  slices.reserve(keys.size());
  for (const event_key& key : keys) slices.emplace_back(records.emplace_back(event_record_key(key)));
  std::vector<rocksdb::PinnableSlice> values(keys.size());
  std::vector<rocksdb::Status> statuses(keys.size());
  rocks.db->MultiGet(read, column_family(), slices.size(), slices.data(), values.data(), statuses.data());
  std::vector<std::optional<event>> out(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (statuses[i].IsNotFound()) continue;
    if (!statuses[i].ok()) return tl::unexpected(to_error(statuses[i], "reading events"));
    if (!decode_event(records[i], to_view(values[i]), out[i].emplace())) return damaged_event();
  }
  return out;
}

expected<std::vector<event>> event_log::impl::events_of(const event_key& any, const rocksdb::ReadOptions& read) const {
  const std::string prefix = finding_prefix(any);
  const std::unique_ptr<rocksdb::Iterator> it(rocks.db->NewIterator(read, column_family()));
  std::vector<event> found;
  for (it->Seek(prefix); it->Valid() && it->key().starts_with(prefix); it->Next())
    if (!decode_event(to_view(it->key()), to_view(it->value()), found.emplace_back())) return damaged_event();
  if (!it->status().ok()) return tl::unexpected(to_error(it->status(), "reading events"));
  std::ranges::sort(found, {}, &event::sequence);
  return found;
}

}  // namespace factory
