#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/alarm/anomaly_filter.hpp"
#include "pipelines/detect/detector.hpp"
#include "pipelines/judge/revisable.hpp"
#include "pipelines/model/event.hpp"

namespace factory {

/// How an anomaly of a sensor stands from a time on, as an event of its detectors or its control chart says. The anomaly is (begin_us, source, rule), the
/// event of it (kind, revision).
struct anomaly_note {
  std::int64_t at_us = 0;
  std::int64_t begin_us = 0;
  event_source source{};
  event_kind kind{};  ///< anomaly_opened, anomaly_updated or anomaly_closed
  std::uint32_t revision = 0;
  detector what{};  ///< what it is taken for; none where a rule of a control chart is broken
  double score = 0;
  severity level{};
  rule_id rule = 0;  ///< of a control chart
  bool operator==(const anomaly_note&) const = default;
};
/// Nothing for an event of which rules about anomalies know nothing: what one reading is to the readings before it has no duration.
std::optional<anomaly_note> note_of(const event& said);

/// Why an alert of a rule about anomalies was raised, as its event says: names the anomaly.
std::string explain_alert(sensor_id sensor, const anomaly_note& by);
/// The id of that anomaly; nullopt where the text names none.
std::optional<std::string_view> anomaly_named_in(std::string_view explanation);

/// An event that is said, or, with `gone`, that would not be said any more.
struct anomaly_change {
  anomaly_note note;
  bool gone = false;
};
/// Appended, as the detectors found it: before a revision_book has numbered it.
void add_changes(std::span<const event> found, std::vector<anomaly_change>& out);
void add_changes(const std::vector<difference<event>>& found, std::vector<anomaly_change>& out);

/// The anomalies of one sensor over time: those that may still be said otherwise, and those that are open.
class anomaly_notes {
 public:
  bool empty() const { return all_.empty(); }
  /// Takes it in; whether that makes a difference. What is said again replaces what was said.
  bool take(const anomaly_change& change);
  /// When this event is said now.
  std::optional<std::int64_t> time_of(const anomaly_note& it) const;
  /// Whether an event is of this very time.
  bool says_at(std::int64_t time_us) const;
  /// That with the highest score among those that are open at this time, with all that is said of it, and that the filter matches.
  std::optional<anomaly_note> worst_at(std::int64_t time_us, const anomaly_filter& which) const;
  /// Nobody looks at a time up to `settled_us` any more, and nothing of it is said otherwise.
  void settle(std::int64_t settled_us);
  void clear() { all_.clear(); }
  /// Up to `until_us` these instead.
  void take_over(const anomaly_notes& settled, std::int64_t until_us);

  void encode(std::string& out) const;  ///< appended
  bool decode(std::string_view& in);    ///< false, and anything in it, when damaged

 private:
  std::vector<anomaly_note> all_;  ///< by time, those of one time by anomaly and in the order in which they happen; few
};

}  // namespace factory
