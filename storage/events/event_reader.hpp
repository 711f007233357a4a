#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "pipelines/model/event.hpp"
#include "pipelines/model/finding.hpp"
#include "pipelines/model/result.hpp"
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

/// What can be read of the event log. Pages take bounded time: they look at limits::events_looked_at entries at most, so one may come
/// short, even empty, and go on.
class event_reader {
 public:
  virtual ~event_reader() = default;

  virtual expected<event_page<event>> page(const event_query& q) const = 0;
  /// Anomalies that hold.
  virtual expected<event_page<finding>> anomalies(const anomaly_query& q) const = 0;
  /// Alerts that hold.
  virtual expected<event_page<finding>> alert_page(const alert_query& q) const = 0;
  /// The finding that this is the key of an event of, as it stands; nullopt when it was never stated.
  virtual expected<std::optional<finding>> find(const event_key& any) const = 0;
  /// Follows the log from a cursor. The subscription must not outlive the log.
  virtual std::unique_ptr<event_subscription> subscribe(std::uint64_t after, std::function<void()> wake) const = 0;
  virtual std::uint64_t last_sequence() const = 0;
  /// xxh3 over all findings that hold, as they stand, in key order: without sequences, revisions, times of arrival and
  /// acknowledgements. Equal for equal sets of readings, however they came in.
  virtual std::uint64_t digest() const = 0;
};

}  // namespace factory
