#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/correct/derived_past.hpp"
#include "pipelines/correct/consequences.hpp"
#include "pipelines/machine/machine_watch.hpp"
#include "storage/events/event_log.hpp"
#include "storage/series/time_series.hpp"
#include "storage/streams/machine_mark_store.hpp"

namespace factory {

/// What follows from one change of the past for what the machine detector has found. The past is judged again from the newest mark before the change up to now,
/// since what a machine has learned depends on all of it; the watch over the machine stands still meanwhile, and then as if its readings had always
/// counted so. Findings that were over before the change stay as they are. Doing it again after a crash ends with the same.
class machine_past {
 public:
  struct parts {
    const time_series& series;
    event_log& events;
    machine_mark_store& marks;
    const stream_access& streams;
  };
  struct cause {
    std::string reason;  ///< half a sentence
    std::int64_t recorded_at_us = 0;
    bool only_look = false;  ///< nothing is changed
    /// What readings of a sensor count as.
    std::function<shared_overlay(sensor_id)> overlay;
    /// Reports what came of the range; the event goes into the log, as one of the machine, with what was found.
    std::function<event(const time_range&, const judged_past&)> report;
  };
  machine_past(const parts& with, cause why, const std::atomic<bool>& stopping)
      : with_(with), why_(std::move(why)), stopping_(stopping) {}

  /// Readings of sensors of these machines count otherwise in the range.
  expected<void> follow(const std::set<machine_id>& machines, const time_range& range);
  /// Readings came that the watch could not take in as they count.
  expected<void> follow_late(const stream_key& watch);

  struct outcome {
    finding_counts anomalies;
    std::uint64_t not_followed = 0;     ///< watches that stay down, do not know how they began, or would read too much
    std::optional<time_range> changed;  ///< of the findings that are others now
    consequences as_consequences() const {
      consequences all;
      all.anomalies = anomalies;
      all.machines_not_followed = not_followed;
      return all;
    }
  };
  const outcome& result() const { return out_; }

 private:
  using watched_machine = stream_access::watched_machine;
  expected<void> judge(const watched_machine& it, const time_range& range);
  expected<bool> judge_paused(const watched_machine& it, time_range range, machine_watch& live);
  expected<void> judge_rows(const watched_machine& it, machine_watch::rerun& again, std::vector<machine_mark>& marks);
  expected<bool> has_beginning(const watched_machine& it, const machine_watch& live) const;
  expected<judged_past> tell(const watched_machine& it, std::int64_t from_us, const std::vector<event>& found,
                             machine_watch& live);
  expected<void> add_report(machine_id machine, const time_range& range, judged_past& told) const;
  void count(const judged_past& told);

  parts with_;
  cause why_;
  const std::atomic<bool>& stopping_;
  std::uint64_t rows_read_ = 0;  ///< by all previews
  outcome out_;
};

}  // namespace factory
