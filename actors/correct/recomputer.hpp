#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "actors/correct/backlog_book.hpp"
#include "actors/correct/derived_past.hpp"
#include "actors/correct/judge_again.hpp"
#include "actors/correct/live_past.hpp"
#include "actors/correct/machine_past.hpp"

namespace factory {

/// Brings about what follows from a correction or its revert, and from readings that came later than the allowed lateness: findings and alarms of
/// the range, derived sensors, and the daily reports. A thread of its own, one step after the other in the order in which they took force, then the late
/// readings, sensor by sensor. What a crash cuts short is done at the next start: a step is done when its consequences are stored, late
/// readings are when their sensor's stored state has them no more, and doing either twice changes nothing.
class recomputer {
 public:
  struct parts {
    past_parts past;
    event_log& events;
    correction_store& corrections;
    /// The sensor with all rows of its head, as they are stored, when the log has what its actors found in them.
    std::function<expected<sensor_cut>(sensor_id)> settled_cut;
    /// Commits what a sensor is to do, and waits until what came of it is in the log.
    std::function<expected<void>(sensor_id, command_payload)> command;
    /// Makes daily reports of these factories anew where their day has a part in the range; which days.
    std::function<expected<std::vector<std::int64_t>>(const std::set<factory_id>&, const time_range&, const std::atomic<bool>&)>
        report_again;
    backlog_book& backlog;
    /// The sensor's late readings have been judged, when it had so many in all.
    std::function<void(sensor_id, std::uint64_t late_count)> backlog_is_judged;
    stream_access streams;
    stream_backlog& streams_behind;
    machine_mark_store& marks;
  };
  explicit recomputer(parts with) : with_(std::move(with)) {}
  ~recomputer() { stop(); }
  recomputer(const recomputer&) = delete;

  void start();
  void stop();  ///< leaves the current step where it is
  /// A step was committed.
  void wake();

  /// Waits for the consequences of a step; nullopt when they are not known by then.
  /// Nothing waits, nothing is under way.
  bool is_idle() const { return waiting() == 0; }
  /// Steps and sensors whose past is still to be judged, the one under way among them.
  std::size_t waiting() const {
    return with_.corrections.open_steps() + with_.backlog.size() + with_.streams_behind.size() + (with_backlog_ ? 1 : 0);
  }
  std::optional<consequences> wait_for(std::uint64_t number, std::int64_t wait_ms);
  /// What would follow from a correction that is not made, or from the revert of one that is in force. On the caller's thread.
  expected<consequences> preview(const correction& wanted) const;
  expected<consequences> preview_revert(const correction& made) const;

 private:
  using step = correction_store::step;
  void run();
  bool work();
  std::optional<std::pair<sensor_id, backlog_book::entry>> take_late();
  std::optional<std::pair<stream_key, stream_backlog::entry>> take_behind();
  expected<void> take(const step& next);
  expected<void> take_backlog(sensor_id sensor, backlog_book::entry& late, const shared_overlay& corrections);
  expected<void> take_backlog_before(const step& next, sensor_id sensor);
  expected<consequences> judge_sensor(const step& next, sensor_id sensor, time_range& changed);
  expected<consequences> preview(const correction& what, bool is_revert) const;
  expected<void> take_stream(const stream_key* instance);
  expected<void> take_machine(const stream_key& watch);
  derived_past::parts derived_parts() const {
    return {with_.past, with_.events, with_.corrections, with_.settled_cut, with_.command, with_.streams};
  }
  machine_past::parts machine_parts() const { return {with_.past.series, with_.events, with_.marks, with_.streams}; }
  live_past live() const { return {with_.past, with_.events, with_.settled_cut, with_.command}; }
  void look_again_at(const std::optional<backlog_book::clock::time_point>& next);
  bool judge_behind();
  std::optional<expected<void>> judge_late(std::string& what);
  std::set<machine_id> machines_of(const std::vector<sensor_id>& sensors) const;
  void add_factory(sensor_id sensor, std::set<factory_id>& to) const;

  parts with_;
  std::mutex mutex_;
  std::condition_variable news_;
  bool woken_ = true;
  std::optional<backlog_book::clock::time_point> look_again_;  ///< of run()
  backlog_book::clock::time_point streams_rest_until_;         ///< likewise: one of them cannot be judged now, sensors can
  bool sensors_first_ = false;                                 ///< likewise
  std::atomic<bool> stopping_{false};
  std::atomic<bool> with_backlog_{false};  ///< one may be out of the book
  std::thread thread_;
};

}  // namespace factory
