#include "storage/events/event_log_impl.hpp"

#include <algorithm>

namespace factory {

namespace {

/// Walks one key space, between two sequences that are both left out, either way.
/// `visit` gets the entry and its sequence and returns false to stop.
template <class Visit>
expected<void> walk(const event_log::impl& it, const event_view& view, const std::string& after, const std::string& before,
                    bool descending, const Visit& visit) {
  const rocksdb::Slice end(before);  // an upper bound is exclusive
  rocksdb::ReadOptions options = view.options();
  options.iterate_upper_bound = &end;
  const std::unique_ptr<rocksdb::Iterator> at(it.rocks.db->NewIterator(options, it.column_family()));
  if (descending) {
    at->SeekToLast();
  } else {
    at->Seek(after);
    if (at->Valid() && at->key() == rocksdb::Slice(after)) at->Next();
  }
  for (; at->Valid() && at->key().compare(after) > 0; descending ? at->Prev() : at->Next()) {
    log_entry entry;
    if (!decode_log_entry(to_view(at->value()), entry)) return damaged_event();
    if (!visit(entry)) return {};
  }
  if (!at->status().ok()) return tl::unexpected(to_error(at->status(), "reading events"));
  return {};
}

bool wanted(const log_entry& entry, const event_query& q) {
  return (!q.kind || entry.key.kind == *q.kind) && entry.at_us >= q.range.begin_us && entry.at_us < q.range.end_us;
}

/// Raise, clearing and acknowledgement of each key.
expected<std::vector<std::optional<alert_record>>> fold(const event_log::impl& it, const event_view& view,
                                                        const std::vector<event_key>& raised) {
  std::vector<event_key> keys;
  for (const event_key& key : raised) {
    for (const auto kind : {event_kind::alert_raised, event_kind::alert_cleared, event_kind::alert_acknowledged}) {
      keys.push_back(with_kind(key, kind));
    }
  }
  auto events = it.get(keys, view.options());
  if (!events) return tl::unexpected(events.error());
  std::vector<std::optional<alert_record>> out(raised.size());
  for (std::size_t i = 0; i < raised.size(); ++i) {
    auto& found = *events;
    if (found[3 * i]) out[i] = alert_record{std::move(*found[3 * i]), std::move(found[3 * i + 1]), std::move(found[3 * i + 2])};
  }
  return out;
}

bool wanted(const alert_record& record, const alert_query& q) {
  return (!q.active || record.active() == *q.active) && (!q.acknowledged || record.acknowledged.has_value() == *q.acknowledged);
}

}  // namespace

expected<std::vector<event>> event_log::query(const event_query& q) const {
  const event_view view(*impl_);
  const auto key = [&](std::uint64_t sequence) { return q.sensor ? sensor_log_key(*q.sensor, sequence) : log_key(sequence); };
  std::vector<event_key> keys;
  if (q.limit == 0) return std::vector<event>{};
  auto walked = walk(*impl_, view, key(q.after_sequence), key(q.before_sequence), q.descending, [&](const log_entry& entry) {
    if (wanted(entry, q)) keys.push_back(entry.key);
    return keys.size() < q.limit;
  });
  if (!walked) return tl::unexpected(walked.error());
  auto found = impl_->get(keys, view.options());
  if (!found) return tl::unexpected(found.error());
  std::vector<event> out;
  out.reserve(found->size());
  for (auto& e : *found) {
    if (!e) return damaged_event();
    out.push_back(std::move(*e));
  }
  return out;
}

expected<std::vector<alert_record>> event_log::alerts(const alert_query& q) const {
  constexpr std::size_t page = 128;  // alerts whose events are looked up at once
  const event_view view(*impl_);
  const auto key = [&](std::uint64_t sequence) { return q.active == true ? open_alert_key(sequence) : alert_key(sequence); };
  std::vector<alert_record> out;
  std::vector<event_key> keys;
  std::optional<error> failed;
  const auto look_up = [&] {
    auto records = fold(*impl_, view, keys);
    keys.clear();
    if (!records) {
      failed = records.error();
      return;
    }
    for (auto& record : *records) {
      if (record && wanted(*record, q) && out.size() < q.limit) out.push_back(std::move(*record));
    }
  };
  auto walked = walk(*impl_, view, key(0), key(q.before_sequence), true, [&](const log_entry& entry) {
    if (!q.sensor || entry.key.sensor == *q.sensor) keys.push_back(entry.key);
    if (keys.size() == std::min(page, q.limit)) look_up();
    return !failed && out.size() < q.limit;
  });
  if (!walked) return tl::unexpected(walked.error());
  look_up();
  if (failed) return tl::unexpected(*failed);
  return out;
}

expected<std::optional<alert_record>> event_log::alert(const event_key& raised) const {
  const event_view view(*impl_);
  auto records = fold(*impl_, view, {raised});
  if (!records) return tl::unexpected(records.error());
  return std::move(records->front());
}

}  // namespace factory
