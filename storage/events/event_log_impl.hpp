#pragma once

#include "storage/base/rocks.hpp"
#include "storage/events/event_feed.hpp"
#include "storage/events/event_log.hpp"
#include "storage/events/event_records.hpp"
#include "storage/events/event_zones.hpp"

#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

/// For this room only.
namespace factory {

class event_view;

struct event_log::impl {
  explicit impl(database& db) : rocks(db.raw()) {}
  database::impl& rocks;
  std::mutex appending;           // one append at a time; taken before `guard`
  mutable std::mutex guard;       // of `counters`
  event_counters counters;        // what is on disk
  std::uint64_t given = 0;        // no event that anybody saw has a higher sequence. Guarded by `appending`
  std::uint64_t reserved = 0;     // on disk, with fsync: up to here sequences may have been given out. Guarded by `appending`
  bool uncertain = false;         // a write failed, and may be on disk all the same. Guarded by `appending`
  std::uint64_t zone_number = 0;  // the newest zone and what it holds. Guarded by `appending`, as is the next
  event_zone zone;
  zones_mark zones;
  bool zones_hold = true;  // false: they are not used, nor written
  event_feed feed;
  std::optional<error> unreadable;  // the counters could not be read at open: no append can be right

  rocksdb::ColumnFamilyHandle* column_family() const { return rocks.at(column::events); }
  event_counters current() const {
    const std::lock_guard lock(guard);
    return counters;
  }
  /// The events with these keys as `read` sees them, in order; nullopt where there is none.
  expected<std::vector<std::optional<event>>> get(const std::vector<event_key>& keys, const rocksdb::ReadOptions& read) const;
  /// All stored events of the finding that `any` is about, by sequence.
  expected<std::vector<event>> events_of(const event_key& any, const rocksdb::ReadOptions& read) const;
  /// What a query wants of the log, without the events themselves.
  expected<std::vector<log_entry>> entries_of(const event_query& q, const event_view& view) const;
  expected<std::size_t> append(std::vector<event> found, bool fsync);  // REQUIRES `appending`
  expected<std::uint64_t> drop_findings(const std::set<event_key>& of, std::int64_t border_us);
  expected<std::vector<finding>> open_findings(const std::function<bool(const event_key&)>& of) const;
  void open();
  void read_counters();
  void open_zones();
  expected<event_zone> describe(std::uint64_t number) const;
  void index_anomalies();  // of a log that was written before there were the spaces of anomalies
  void give_back();        // at an orderly end, so that the next start leaves no gap
};

/// A consistent view of the database for as long as it lives.
class event_view {
 public:
  explicit event_view(const event_log::impl& it) : db_(*it.rocks.db) { options_.snapshot = db_.GetSnapshot(); }
  ~event_view() { db_.ReleaseSnapshot(options_.snapshot); }
  event_view(const event_view&) = delete;
  event_view& operator=(const event_view&) = delete;
  const rocksdb::ReadOptions& options() const { return options_; }

 private:
  rocksdb::DB& db_;
  rocksdb::ReadOptions options_;
};

inline tl::unexpected<error> damaged_event() {
  return fail(errc::corrupt,
              "A stored event cannot be read: the database is damaged or of a newer version, restore the newest snapshot.");
}

}  // namespace factory
