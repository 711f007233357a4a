#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "actors/sensors/views.hpp"
#include "pipelines/command/hand_over.hpp"
#include "pipelines/correct/consequences.hpp"
#include "pipelines/model/event.hpp"
#include "storage/catalog/catalog.hpp"
#include "storage/corrections/correction_store.hpp"
#include "storage/events/event_log.hpp"
#include "storage/series/time_series.hpp"

namespace factory {

/// Where the live judges of a sensor stand.
struct live_judges {
  judging_edge edge;
  std::string alarms;  ///< as they are stored (judged_alarms::encode); empty: nothing is watched, or nobody knows
};

/// What judging the past reads.
struct past_parts {
  const catalog& entities;
  const event_log& events;
  const time_series& series;
  stream_rules usual_rules;  ///< of a sensor that has none of its own
  std::function<std::int64_t()> now_us;
  std::function<expected<live_judges>(sensor_id)> live;
};

/// Two versions of one sensor's past, the same outside the range.
struct past_change {
  time_range range;
  shared_overlay before, after;        ///< null: as stored
  bool late_readings_are_new = false;  ///< of the range, readings flagged late are in `after` alone
  std::string reason;                  ///< half a sentence, for revised and withdrawn events
  std::int64_t recorded_at_us = 0;     ///< of the events
};

struct judged_past {
  std::vector<event> events;  ///< that make the log agree with `after`; all historical
  consequences changed;
  bool reaches_live = false;  ///< both versions are not judged alike yet where the live judges are: they must take it over
  hand_over to_live;          ///< where they stand still: what they take over, without the events
  std::int64_t first_us = INT64_MAX, last_us = INT64_MIN;  ///< event time of what changed; empty when nothing did
  bool any() const { return first_us <= last_us; }
};

/// As the event that reports them says.
consequences consequences_of(const judged_again_detail& told);

/// Judges both versions by the sensor's detectors of today and by the limits, rules and orders of then, from limits::learned_readings before the range until
/// both are judged alike behind it, or for detectors until limits::following_readings have passed. What differs, and what an earlier such call told in the
/// range, is brought to `after` in the log; all else is left as the live side told it. Where the live judges stand still (hold_judging), what is behind their
/// edge is theirs, if they take the detectors or the alarms over. Changes nothing itself.
///   stored   the sensor with all rows of its head, without corrections; the log must have what its actors found in them
/// REQUIRES: the sensor exists.
expected<judged_past> judge_again(const past_parts& parts, const sensor_cut& stored, const past_change& change,
                                  const std::atomic<bool>& stopping);

}  // namespace factory
