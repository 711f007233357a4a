#include "storage/events/event_log_impl.hpp"

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

bool wanted(const finding& alert, const alert_query& q) {
  return alert.holds() && (!q.active || alert.open() == *q.active) &&
         (!q.acknowledged || alert.acknowledged.has_value() == *q.acknowledged);
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

expected<std::vector<finding>> event_log::alerts(const alert_query& q) const {
  const event_view view(*impl_);
  const auto key = [&](std::uint64_t sequence) { return q.active == true ? open_alert_key(sequence) : alert_key(sequence); };
  std::vector<finding> out;
  std::optional<error> failed;
  if (q.limit == 0) return out;
  auto walked = walk(*impl_, view, key(0), key(q.before_sequence), true, [&](const log_entry& entry) {
    if (q.sensor && entry.key.sensor != *q.sensor) return true;
    auto events = impl_->events_of(entry.key, view.options());
    if (!events) {
      failed = events.error();
      return false;
    }
    if (auto alert = fold_finding(*events); wanted(alert, q)) out.push_back(std::move(alert));
    return out.size() < q.limit;
  });
  if (failed) return tl::unexpected(*failed);
  if (!walked) return tl::unexpected(walked.error());
  return out;
}

expected<std::optional<finding>> event_log::find(const event_key& any) const {
  const event_view view(*impl_);
  auto events = impl_->events_of(any, view.options());
  if (!events) return tl::unexpected(events.error());
  auto found = fold_finding(*events);
  if (!found.stated) return std::optional<finding>();
  return found;
}

}  // namespace factory
