#pragma once

#include <atomic>
#include <caf/all.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "actors/backtest/backtest.hpp"
#include "actors/backtest/source_merge.hpp"
#include "actors/flow/flow.hpp"
#include "actors/sensors/supervisor.hpp"
#include "actors/streams/stream_messages.hpp"
#include "pipelines/correct/correction_overlay.hpp"

namespace factory {

/// Instances of pipelines and watches over machines in a backtest: the actors of the live ones, over entries that pass and are not kept. What
/// they find goes to `tell`, from any thread; what drafts compute waits for take_derived().
///
/// A draft that computes from what another draft fills is a level above it. Its sources are not equally far, so it gets their rows in the order of
/// their times (source_merge).
class past_streams {
 public:
  using teller = std::function<void(const backtest_stream& by, std::vector<event> found)>;

  /// `all` outlives it. Those of a draft stand behind the drafts from which they compute.
  past_streams(caf::actor_system& system, const std::vector<backtest_stream>& all, teller tell);
  ~past_streams();

  /// Where the machine detector neither judges nor learns the sensor's readings. Before the first ones.
  void let_rest(sensor_id sensor, const std::vector<changed_range>& ranges) { rests_.emplace(sensor, ranges); }
  /// Readings of sensors up to `until_us`: of none of them an older one follows.
  void give(const journal_entry& entry, std::int64_t until_us);
  /// Derived readings, as they were taken: for the drafts that compute from them.
  void give_derived(const journal_entry& entry);
  std::vector<reading_batch> take_derived();

  std::size_t levels() const { return levels_; }
  /// The drafts of this level get what waits for sources that lag: those below have said all.
  void flush(std::size_t level);
  void pass_time(std::size_t level, std::int64_t now_us);

  std::uint64_t in_flight() const { return ends_->counts.dispatched_readings() - ends_->counts.processed_readings(); }
  bool wait_until_idle(std::int64_t deadline_ms) { return ends_->counts.wait_until_idle(deadline_ms); }
  bool has_failed() const { return ends_->failed.load(); }

 private:
  /// What actors and messages refer to: they may outlive this.
  struct ends {
    progress counts;
    std::atomic<bool> failed{false};
    std::mutex mutex;
    std::vector<reading_batch> derived;  ///< guarded by mutex
  };
  struct instance {
    std::shared_ptr<live_stream> live;
    stream_actor actor;
    std::size_t level = 0;
    std::unique_ptr<source_merge> merge;        ///< of a watch, and where the sources are not equally far
    std::shared_ptr<stream_entries> next = {};  ///< being filled
  };
  struct route {
    instance* to;
    std::uint32_t source;
  };

  void spawn(instance& it, const backtest_stream& of, caf::actor_system& system);
  void give_to(const route& to, const journal_entry& entry, const slice& rows);
  std::shared_ptr<void> hold(std::uint64_t readings) const;
  void send_in_steps(instance& to);
  void send(instance& to);

  const teller tell_;
  const std::shared_ptr<ends> ends_ = std::make_shared<ends>();
  supervisor_actor supervisor_;
  std::vector<instance> all_;               ///< never grows after the constructor: routes point into it
  std::vector<std::vector<route>> routes_;  ///< by sensor
  std::map<sensor_id, correction_overlay> rests_;
  std::size_t levels_ = 0;
  std::uint64_t sequence_ = 0;
  std::int64_t newest_us_ = INT64_MIN;  ///< so far all readings have been seen
};

}  // namespace factory
