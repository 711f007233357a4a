#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/model/event.hpp"
#include "storage/base/database.hpp"
#include "storage/events/event_reader.hpp"

namespace factory {

/// Anomalies and alerts by sequence. An event whose key is already there is not stored again.
/// Sequences rise, with gaps where the process ended without order: none that was ever read is given to another event, also when a
/// power cut took what was stored last, so a cursor passes over nothing.
/// Thread-safe: appends are serialized inside.
class event_log final : public event_reader {
 public:
  explicit event_log(database& db);

  /// Stores the new ones among `found` in order, in one atomic write (with fsync when asked); returns how many were new.
  /// After an error, appending the same again is safe.
  expected<std::size_t> append(std::vector<event> found, bool fsync = false);

  expected<std::vector<event>> query(const event_query& q) const;
  expected<event_page<event>> page(const event_query& q) const override;
  expected<event_page<finding>> anomalies(const anomaly_query& q) const override;
  /// Alerts that hold: what was withdrawn is in query() alone.
  expected<std::vector<finding>> alerts(const alert_query& q) const;
  expected<event_page<finding>> alert_page(const alert_query& q) const override;
  expected<std::optional<finding>> find(const event_key& any) const override;
  /// All events of that finding, by sequence.
  expected<std::vector<event>> events_of(const event_key& any) const;

  /// Ends the open findings that `is_gone` names: alerts are cleared, anomalies closed, with the figures of their newest
  /// event and `why` as the sentence. Durable before it returns how many ended.
  expected<std::size_t> end_findings(const std::function<bool(const event_key&)>& is_gone, std::string_view why,
                                     std::int64_t now_us);
  std::unique_ptr<event_subscription> subscribe(std::uint64_t after, std::function<void()> wake) const override;

  /// Deletes the findings that were over before `border_us`, with all their events; what is open stays, however old. Returns how many
  /// events went. Totals keep counting them.
  expected<std::uint64_t> drop_before(std::int64_t border_us, const std::atomic<bool>& stopping);
  /// Makes some more of an older program's log quick to search by kind and time; false when all of it is. Takes a few ms.
  expected<bool> index_older();

  std::uint64_t last_sequence() const override;
  struct totals {
    std::uint64_t anomalies = 0, alerts = 0, active_alerts = 0;
  };
  totals count() const;
  std::uint64_t digest() const override;

  struct impl;  ///< storage/events/event_log_impl.hpp, for this room only
  ~event_log() override;

 private:
  std::unique_ptr<impl> impl_;
};

}  // namespace factory
