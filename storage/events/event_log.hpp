#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/model/event.hpp"
#include "pipelines/model/finding.hpp"
#include "storage/base/database.hpp"
#include "storage/events/event_subscription.hpp"
#include "storage/series/time_series.hpp"

namespace factory {

struct event_query {
  std::optional<sensor_id> sensor = {};
  std::optional<event_kind> kind = {};
  time_range range = {};                       ///< of at_us
  std::uint64_t after_sequence = 0;            ///< cursor, ascending
  std::uint64_t before_sequence = UINT64_MAX;  ///< cursor, descending
  bool descending = true;                      ///< newest first
  std::size_t limit = 100;
};
/// Some of what was asked for. `next`: where to go on, as after_ or before_sequence; nullopt when nothing is left.
template <class Row>
struct event_page {
  std::vector<Row> rows;
  std::optional<std::uint64_t> next;
};
struct anomaly_query {
  std::optional<sensor_id> sensor = {};
  std::optional<event_source> detector = {};
  std::optional<bool> open = {};
  time_range range = {};                             ///< anomalies that have a part in it
  std::function<bool(const event_key&)> among = {};  ///< only these; empty: all
  std::uint64_t before_sequence = UINT64_MAX;        ///< of the event that states it; newest first
  std::size_t limit = 100;
};
struct alert_query {
  std::optional<sensor_id> sensor = {};
  std::optional<bool> active = {};
  std::optional<bool> acknowledged = {};
  time_range range = {};                             ///< of the time at which it was raised
  std::function<bool(const event_key&)> among = {};  ///< only these; empty: all
  std::function<bool(const finding&)> like = {};     ///< likewise, of those that hold
  std::uint64_t before_sequence = UINT64_MAX;        ///< of the raising event; newest first
  std::size_t limit = 100;
};

/// Anomalies and alerts by sequence. An event whose key is already there is not stored again.
/// Sequences rise, with gaps where the process ended without order: none that was ever read is given to another event, also when a
/// power cut took what was stored last, so a cursor passes over nothing.
/// Thread-safe: appends are serialized inside.
class event_log {
 public:
  explicit event_log(database& db);

  /// Stores the new ones among `found` in order, in one atomic write (with fsync when asked); returns how many were new.
  /// After an error, appending the same again is safe.
  expected<std::size_t> append(std::vector<event> found, bool fsync = false);

  expected<std::vector<event>> query(const event_query& q) const;
  /// The same in bounded time: looks at limits::events_looked_at entries at most, so a page may come short, even empty, and go on.
  expected<event_page<event>> page(const event_query& q) const;
  /// Anomalies that hold, in bounded time likewise.
  expected<event_page<finding>> anomalies(const anomaly_query& q) const;
  /// Alerts that hold: what was withdrawn is in query() alone.
  expected<std::vector<finding>> alerts(const alert_query& q) const;
  /// The same in bounded time, as page().
  expected<event_page<finding>> alert_page(const alert_query& q) const;
  /// The finding that this is the key of an event of, as it stands; nullopt when it was never stated.
  expected<std::optional<finding>> find(const event_key& any) const;

  /// Ends what is open of the sensors that `is_gone` names: alerts are cleared, anomalies closed, with the figures of their newest
  /// event and `why` as the sentence. Durable before it returns how many ended.
  expected<std::size_t> end_findings(const std::function<bool(sensor_id)>& is_gone, std::string_view why, std::int64_t now_us);
  /// Follows the log from a cursor. The subscription must not outlive the log.
  std::unique_ptr<event_subscription> subscribe(std::uint64_t after, std::function<void()> wake) const;

  /// Deletes the findings that were over before `border_us`, with all their events; what is open stays, however old. Returns how many
  /// events went. Totals keep counting them.
  expected<std::uint64_t> drop_before(std::int64_t border_us, const std::atomic<bool>& stopping);
  /// Makes some more of an older program's log quick to search by kind and time; false when all of it is. Takes a few ms.
  expected<bool> index_older();

  std::uint64_t last_sequence() const;
  struct totals {
    std::uint64_t anomalies = 0, alerts = 0, active_alerts = 0;
  };
  totals count() const;
  /// xxh3 over all findings that hold, as they stand, in key order: without sequences, revisions, times of arrival and
  /// acknowledgements. Equal for equal sets of readings, however they came in.
  std::uint64_t digest() const;

  struct impl;  ///< storage/events/event_log_impl.hpp, for this room only
  ~event_log();

 private:
  std::unique_ptr<impl> impl_;
};

}  // namespace factory
