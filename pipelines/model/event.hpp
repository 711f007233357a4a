#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "pipelines/model/event_detail.hpp"
#include "pipelines/model/event_kind.hpp"
#include "pipelines/model/event_source.hpp"
#include "pipelines/model/reading.hpp"
#include "pipelines/model/severity.hpp"

namespace factory {

/// Identity: one statement about one finding. A finding is (sensor, event time, source, rule); its events share these, and its id.
/// The same readings give the same keys, so appending twice is harmless.
struct event_key {
  sensor_id sensor = 0;            ///< 0 for what is about a machine
  std::int64_t event_time_us = 0;  ///< of the reading that the finding begins with, also in its later events
  event_source source{};
  rule_id rule = 0;  ///< tells alert rules of one sensor apart; of what is about a machine, the machine; else 0
  event_kind kind{};
  /// 0 for the first event of this kind about the finding, rising for each further one: a second escalation, an update, what is
  /// raised again after it was withdrawn.
  std::uint32_t revision = 0;
  auto operator<=>(const event_key&) const = default;
};

/// A finding, or what became of it. `sequence` and `recorded_at_us` are given by the event log when it is stored first.
struct event {
  event_key key;
  std::uint64_t sequence = 0;       ///< place in the event log, from 1
  std::int64_t recorded_at_us = 0;  ///< received_at_us of the commit that caused it (not a clock read later)
  std::int64_t at_us = 0;           ///< event time of the reading that caused this event (for cleared: the clearing one)
  double value = 0;
  severity level{};
  event_detail detail = {};
  std::string explanation = {};  ///< one sentence for a person; may be empty
  std::string who = {};          ///< the person or program behind it; empty: the readings

  /// The limit of an alert's event, 0 for others.
  double limit() const;
  /// What more there is to say of an alert; null when nothing.
  const alarm_detail* alarm() const;
  /// Likewise, and of a correction what it says anew.
  const alarm_detail* alarm_or_correction() const;
};

/// "12-1768816800000000-z_score-0": sensor, event time, source, rule. The id of an anomaly and of an alert in answers, the same in all
/// its revisions.
std::string finding_id(const event_key& key);
/// Inverse of finding_id; `kind` and `revision` are left to the caller. False when the text is no id.
bool parse_finding_id(std::string_view text, event_key& out);
/// Whether two events are about the same finding.
bool same_finding(const event_key& a, const event_key& b);
/// The key with another kind, about the same finding.
event_key with_kind(event_key key, event_kind kind, std::uint32_t revision = 0);

}  // namespace factory
