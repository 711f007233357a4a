#include "storage/base/limits.hpp"
#include "storage/events/event_log_impl.hpp"
#include "storage/events/log_walk.hpp"

namespace factory {

namespace {

bool wanted(const log_entry& entry, const event_query& q) {
  return (!q.kind || entry.key.kind == *q.kind) && entry.at_us >= q.range.begin_us && entry.at_us < q.range.end_us;
}

/// Part of it, `end` included, lies in the range.
bool reaches(const finding& anomaly, const time_range& range) {
  const auto* const episode = std::get_if<episode_detail>(&anomaly.newest().detail);
  const auto begin = episode != nullptr ? episode->begin_us : anomaly.stated->at_us;
  const auto end = episode != nullptr ? episode->end_us : anomaly.stated->at_us;
  return begin < range.end_us && (anomaly.open() || end >= range.begin_us);
}

/// Counts entries of a walk; false when it has looked at enough.
struct walk_bound {
  std::size_t left = limits::events_looked_at;
  bool more() { return left > 0 && --left > 0; }
};

bool wanted(const finding& alert, const alert_query& q) {
  return alert.holds() && (!q.active || alert.open() == *q.active) &&
         (!q.acknowledged || alert.acknowledged.has_value() == *q.acknowledged) && (!q.like || q.like(alert));
}
bool may_be_wanted(const log_entry& entry, const alert_query& q) {
  return (!q.sensor || entry.key.sensor == *q.sensor) && entry.at_us >= q.range.begin_us && entry.at_us < q.range.end_us &&
         (!q.among || q.among(entry.key)) && group_of(entry.key.source) == source_group::limit;
}

std::string place_in_log(const event_query& q, std::uint64_t sequence) {
  return q.sensor ? sensor_log_key(*q.sensor, sequence) : log_key(sequence);
}

/// Walks what a query asks for, and passes over zones without any of it as long as `may_go_on` says so.
template <class Visit, class MayGoOn>
expected<void> walk_log(const event_log::impl& it, const event_view& view, const event_query& q, const Visit& visit,
                        const MayGoOn& may_go_on) {
  zone_filter zones(it, view, q);
  const auto pass_over = [&](std::uint64_t sequence, rocksdb::Iterator& at) {
    if (!zones.passes_over(sequence) || !may_go_on()) return false;
    const std::uint64_t begin = zone_of(sequence) * zone_sequences;
    if (!q.descending) at.Seek(place_in_log(q, begin + zone_sequences));
    if (q.descending) at.SeekForPrev(place_in_log(q, begin == 0 ? 0 : begin - 1));
    return true;
  };
  return walk(it, view, place_in_log(q, q.after_sequence), place_in_log(q, q.before_sequence), q.descending, visit, pass_over);
}

}  // namespace

expected<std::vector<log_entry>> event_log::impl::entries_of(const event_query& q, const event_view& view) const {
  std::vector<log_entry> found;
  if (q.limit == 0) return found;
  const auto visit = [&](const log_entry& entry) {
    if (wanted(entry, q)) found.push_back(entry);
    return found.size() < q.limit;
  };
  if (auto walked = walk_log(*this, view, q, visit, [] { return true; }); !walked) return tl::unexpected(walked.error());
  return found;
}

expected<std::vector<event>> event_log::query(const event_query& q) const {
  const event_view view(*impl_);
  const auto entries = impl_->entries_of(q, view);
  if (!entries) return tl::unexpected(entries.error());
  std::vector<event_key> keys;
  for (const log_entry& entry : *entries) keys.push_back(entry.key);
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

expected<event_page<event>> event_log::page(const event_query& q) const {
  const event_view view(*impl_);
  std::vector<event_key> keys;
  std::optional<std::uint64_t> next;
  walk_bound bound;
  if (q.limit == 0) return event_page<event>{};
  const auto visit = [&](const log_entry& entry) {
    if (keys.size() == q.limit) {  // there is one more
      next = entry.sequence;
      return false;
    }
    if (wanted(entry, q)) keys.push_back(entry.key);
    if (bound.more()) return true;
    next = entry.sequence;
    return false;
  };
  auto walked = walk_log(*impl_, view, q, visit, [&] { return bound.left > 1 && bound.more(); });
  if (!walked) return tl::unexpected(walked.error());
  auto found = impl_->get(keys, view.options());
  if (!found) return tl::unexpected(found.error());
  event_page<event> out;
  for (auto& e : *found) {
    if (!e) return damaged_event();
    out.rows.push_back(std::move(*e));
  }
  if (next && out.rows.size() == q.limit) next = out.rows.back().sequence;
  out.next = next;
  return out;
}

namespace {

/// A walk over the log entries of findings, newest first.
struct finding_walk {
  std::string begin, end;  ///< of the keys
  std::size_t limit = 0;   ///< findings at most
  walk_bound bound = {};   ///< log entries at most
};

/// The findings of a walk. `may_be_wanted` says by a log entry which ones are read, `is_wanted` which of these are shown.
/// `next` is where a walk that was cut goes on.
template <class MayBeWanted, class IsWanted>
expected<event_page<finding>> newest_findings(const event_log::impl& log, const event_view& view, finding_walk of,
                                              const MayBeWanted& may_be_wanted, const IsWanted& is_wanted) {
  event_page<finding> out;
  std::optional<error> failed;
  std::uint64_t last_shown = 0;
  if (of.limit == 0) return out;
  auto walked = walk(log, view, of.begin, of.end, true, [&](const log_entry& entry) {
    if (out.rows.size() == of.limit) {
      out.next = last_shown;
      return false;
    }
    if (may_be_wanted(entry)) {
      auto events = log.events_of(entry.key, view.options());
      if (!events) {
        failed = events.error();
        return false;
      }
      if (auto found = fold_finding(*events); is_wanted(found)) {
        out.rows.push_back(std::move(found));
        last_shown = entry.sequence;
      }
    }
    if (of.bound.more()) return true;
    out.next = entry.sequence;
    return false;
  });
  if (failed) return tl::unexpected(*failed);
  if (!walked) return tl::unexpected(walked.error());
  return out;
}

expected<event_page<finding>> newest_alerts(const event_log::impl& log, const alert_query& q, walk_bound bound) {
  const auto key = q.active == true ? open_alert_key : alert_key;
  return newest_findings(
      log, event_view(log), {key(0), key(q.before_sequence), q.limit, bound},
      [&](const log_entry& entry) { return may_be_wanted(entry, q); }, [&](const finding& alert) { return wanted(alert, q); });
}

}  // namespace

expected<event_page<finding>> event_log::anomalies(const anomaly_query& q) const {
  const auto key = [&](std::uint64_t sequence) {
    if (q.open == true) return open_anomaly_key(sequence);
    return q.sensor ? sensor_anomaly_key(*q.sensor, sequence) : anomaly_key(sequence);
  };
  const auto may_be_wanted = [&](const log_entry& entry) {
    return (!q.sensor || entry.key.sensor == *q.sensor) && (!q.detector || entry.key.source == *q.detector) &&
           (!q.among || q.among(entry.key)) && entry.at_us < q.range.end_us &&
           (entry.key.kind != event_kind::anomaly || (entry.at_us >= q.range.begin_us && q.open != true));
  };
  return newest_findings(*impl_, event_view(*impl_), {key(0), key(q.before_sequence), q.limit}, may_be_wanted,
                         [&](const finding& anomaly) {
                           return anomaly.holds() && reaches(anomaly, q.range) && (!q.open || anomaly.open() == *q.open);
                         });
}

expected<event_page<finding>> event_log::alert_page(const alert_query& q) const { return newest_alerts(*impl_, q, {}); }

expected<std::vector<finding>> event_log::alerts(const alert_query& q) const {
  auto found = newest_alerts(*impl_, q, {SIZE_MAX});
  if (!found) return tl::unexpected(found.error());
  return std::move(found->rows);
}

expected<std::vector<finding>> event_log::impl::open_findings(const std::function<bool(const event_key&)>& of) const {
  std::vector<finding> out;
  for (const auto key : {open_alert_key, open_anomaly_key}) {
    const event_view view(*this);
    std::vector<event_key> found;
    auto walked = walk(*this, view, key(0), key(UINT64_MAX), false, [&](const log_entry& entry) {
      if (of(entry.key)) found.push_back(entry.key);
      return true;
    });
    if (!walked) return tl::unexpected(walked.error());
    for (const event_key& each : found) {
      auto events = events_of(each, view.options());
      if (!events) return tl::unexpected(events.error());
      if (auto it = fold_finding(*events); it.open()) out.push_back(std::move(it));
    }
  }
  return out;
}

void event_log::impl::index_anomalies() {
  std::string stored;
  const auto status = rocks.db->Get(rocksdb::ReadOptions(), column_family(), to_slice(indexed_key), &stored);
  if (!status.IsNotFound()) {
    if (!status.ok()) unreadable = to_error(status, "reading the event log");
    return;
  }
  constexpr std::size_t at_once = 10'000;
  const event_view view(*this);
  rocksdb::WriteBatch batch;
  std::optional<error> failed;
  auto walked = walk(*this, view, log_key(0), log_key(UINT64_MAX), false, [&](const log_entry& entry) {
    if (entry.key.kind != event_kind::anomaly) return true;  // no log without these spaces has episodes
    event as_listed;
    as_listed.key = entry.key;
    as_listed.at_us = entry.at_us;
    const auto bytes = encode_log_entry(as_listed);
    batch.Put(column_family(), anomaly_key(entry.sequence), bytes);
    batch.Put(column_family(), sensor_anomaly_key(entry.key.sensor, entry.sequence), bytes);
    if (static_cast<std::size_t>(batch.Count()) < at_once) return true;
    if (auto written = rocks.write(batch, false, "indexing anomalies"); !written) failed = written.error();
    batch.Clear();
    return !failed;
  });
  if (!walked) failed = walked.error();
  batch.Put(column_family(), to_slice(indexed_key), "1");
  if (!failed) {
    if (auto written = rocks.write(batch, false, "indexing anomalies"); !written) failed = written.error();
  }
  if (failed) unreadable = failed;
}

expected<std::vector<event>> event_log::events_of(const event_key& any) const {
  const event_view view(*impl_);
  return impl_->events_of(any, view.options());
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
