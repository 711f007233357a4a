#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/correct/live_past.hpp"
#include "actors/streams/stream_population.hpp"
#include "pipelines/correct/revised_points.hpp"
#include "pipelines/stream/stream_past.hpp"

namespace factory {

/// Pipelines and watches over machines, as far as their past is computed again. None of these is called from an actor.
struct stream_access {
  struct instance {
    stream_key key;
    std::shared_ptr<const pipeline_spec> spec;
    std::vector<sensor_id> sources, sinks;
  };
  std::function<std::vector<instance>()> all;  ///< those that run, or should
  struct watched_machine {
    stream_key key;
    std::vector<sensor_id> sources;
    double sensitivity = 1;
    std::uint64_t since_event = 0;  ///< findings that the log has up to here are not the watch's
  };
  std::function<std::optional<watched_machine>(machine_id)> watch_of;
  std::function<expected<stream_population::paused>(const stream_key&)> pause;
  std::function<expected<void>(const stream_key&, std::uint64_t, std::shared_ptr<const std::string>, bool)> resume;
  /// What actors have handed over is stored.
  std::function<expected<void>()> reach_store;
  /// A sensor with all rows of its head, as they are stored.
  std::function<expected<sensor_cut>(sensor_id)> cut;
  /// Commits readings, which there need not be any of, together with writes; `then` is called when both are in force.
  std::function<expected<void>(reading_batch, std::vector<catalog_write>, std::function<void()>)> commit;
  stream_times times;
  std::shared_ptr<std::mutex> one_at_a_time = std::make_shared<std::mutex>();  ///< an instance is paused for one at a time
};

/// What follows from one change of the past for derived sensors, in their order, and for what depends on these: derived readings, what event sinks say, and
/// what detectors, limits and rules find in the readings that were made anew. Doing it again after a crash ends with the same.
class derived_past {
 public:
  struct parts {
    const past_parts& past;
    event_log& events;
    correction_store& corrections;
    /// The same for findings: the log has what its actors found in the rows.
    const std::function<expected<sensor_cut>(sensor_id)>& settled_cut;
    const std::function<expected<void>(sensor_id, command_payload)>& command;
    const stream_access& streams;
  };
  struct cause {
    std::uint64_t step = 0;  ///< correction_store::step; 0: late readings
    std::uint64_t at = 0;    ///< the newest step in force
    std::string reason;      ///< half a sentence
    std::int64_t recorded_at_us = 0;
    bool only_look = false;  ///< nothing is changed
    /// What readings of a sensor that is not derived count as.
    std::function<shared_overlay(sensor_id)> overlay;
    /// Reports what came of a derived sensor; the event goes into the log with what was found in it.
    std::function<expected<event>(sensor_id, const time_range&, const judged_past&)> report;
  };
  derived_past(const parts& with, cause why, const std::atomic<bool>& stopping);

  /// The sensor's readings of the range count otherwise.
  void add(sensor_id sensor, const time_range& range);
  /// Readings came that the instance could not take in as they count.
  void add(const stream_key& late) { late_.insert(late); }
  /// What a crash cut short: derived readings were made anew, and what follows from that may not be done.
  void add_under_way();

  expected<consequences> run();
  /// All that follows is noted: nothing of it need be done again.
  expected<void> finish();
  /// Sensors that were made anew, with the time that changed.
  const std::map<sensor_id, time_range>& changed() const { return made_anew_; }

 private:
  using instance = stream_access::instance;
  /// A derived sensor on its way: what its readings counted as, and count as from now on.
  struct version {
    sensor_cut stored;  ///< with those that are added
    shared_overlay before, after;
  };

  expected<void> compute(const instance& it, const time_range& range);
  expected<void> compute_paused(const instance& it, time_range range, const std::shared_ptr<const stream_plan>& plan,
                                stream_instance& live, bool& reaches_live);
  expected<void> make_anew(sensor_id sensor, const computed_past& made);
  expected<std::vector<event>> events_again(const instance& it, const computed_past& made, stream_instance& live);
  expected<void> judge(sensor_id sensor);
  std::string name_of(sensor_id sensor) const;
  std::vector<instance> in_order() const;

  parts with_;
  cause why_;
  const std::atomic<bool>& stopping_;
  std::map<sensor_id, time_range> affected_;   ///< sensors whose readings count otherwise there
  std::map<sensor_id, time_range> made_anew_;  ///< derived ones among them
  std::map<sensor_id, version> versions_;
  std::set<stream_key> late_;
  std::map<sensor_id, derived_counts> counts_;
  consequences all_;
};

}  // namespace factory
