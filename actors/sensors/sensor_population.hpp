#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "actors/flow/dispatcher.hpp"
#include "actors/flow/tick_book.hpp"
#include "actors/sensors/population_source.hpp"
#include "actors/sensors/sensor.hpp"
#include "actors/sensors/sensor_directory.hpp"
#include "actors/sensors/supervisor.hpp"
#include "pipelines/model/sensor_set.hpp"

namespace factory {

/// Counts of readings under way to the actors. Messages in mailboxes refer to them, so they must outlive the actor system.
struct population_counts {
  progress readings;
  progress rebuilt;  ///< readings that are sent to a sensor again
};

struct population_config {
  stream_rules rules;
  std::size_t shards = 1;       ///< actors of each stage
  bool stores_readings = true;  ///< false: the readings are stored elsewhere, and go when they are judged
};

/// Sensors, the stages behind them, and a sink: one actor per sensor, and shards of the analysis chain that sensors share by id. It runs over
/// the live journal, or over any stream of entries with a source and a sink of its own (backtests).
///
/// Life of a failed actor: the supervisor reports it. The rebuilder thread replaces it by a new actor, which keeps back what is dispatched
/// from then on. The rebuilder waits until everything that the old actor handed over is stored, reads the stored state and the journal's
/// later entries, and sends both as a restore_order. Sequences identify entries that come twice. When an actor of a stage fails, all those of
/// its shard are replaced and all its sensors rebuilt. Other sensors notice nothing.
/// A sensor that fails more than limits::sensor_restarts_in_a_row times without applying a new entry stays down: its readings are safe in
/// the journal, or beside it (journal::trim), its queries answer `unavailable`.
///
/// Thread-safety: dispatch() from one thread at a time (the committer, or recovery before it); all else from any.
class sensor_population {
 public:
  /// `store` is the sink. `source` must outlive the population.
  sensor_population(caf::actor_system& system, population_counts& counts, const population_config& config, persistence store,
                    const population_source& source);
  ~sensor_population();

  /// A sensor as stored; `state` null for a new one. Before the first dispatch() that concerns it.
  void start(sensor_id sensor, std::uint64_t applied_sequence, std::shared_ptr<const std::string> state);
  /// Puts committed entries (at least one) in line for the sensors that have an actor; sensors without one were deleted since. An
  /// entry without readings goes out at once, after the entries in line. Sensors in `known` that have no actor yet are new and get one.
  void dispatch(std::span<const journal_entry* const> entries, const sensor_set* known);

  /// Asks a sensor without waiting.
  expected<reply<sensor_view>::waiter> ask(sensor_id sensor, const time_range& range, view_more more = view_more::nothing) const;
  /// Asks many sensors at once. Their actors run on the workers, so the caller can do other work meanwhile.
  std::vector<expected<reply<sensor_view>::waiter>> ask(std::span<const sensor_id> sensors, const time_range& range,
                                                        view_more more = view_more::nothing) const;
  /// For a caller of low priority, for whom nobody must wait: it does not send what is in line, and so may miss that.
  expected<reply<sensor_view>::waiter> ask_from_behind(sensor_id sensor, const time_range& range) const;
  /// Waits until the actors of this sensor have handled all that was dispatched before, and what they found is in RocksDB.
  /// `alarms` gets the sensor's as they are then (judged_alarms::encode), where it has some; null: nobody asks.
  expected<void> settle(sensor_id sensor, std::int64_t deadline_ms, std::shared_ptr<std::string> alarms = {}) const;
  /// Removes a deleted sensor. Waits until its actors have released it and everything that it handed over is stored.
  expected<void> retire(sensor_id sensor, std::int64_t deadline_ms);
  /// Saves every changed state; true when all were saved but those of sensors that stay down. A store_writer barrier afterwards finds them
  /// in RocksDB.
  bool persist_all(
      std::int64_t deadline_ms, const std::function<bool()>& hopeless = [] { return false; });
  bool wait_until_idle(std::int64_t deadline_ms);
  /// Late readings, as the sensors tell of them.
  backlog_book& backlog() { return *backlog_; }
  /// They have been judged, when the sensor had so many in all.
  void backlog_is_judged(sensor_id sensor, std::uint64_t late_count) const;

  /// Sends the entries in line. Everything up to the returned entry is then in the mailboxes.
  std::uint64_t pass_on();
  /// Which sensors wait for time, for the ticker.
  const tick_book& ticks() const { return *ticks_; }
  const progress& counts() const { return counts_.readings; }
  const judging_book& judging() const { return judging_; }
  std::uint64_t restart_count() const { return restarts_.load(); }
  std::uint64_t analysis_restart_count() const { return analysis_restarts_.load(); }
  std::uint64_t failed_count() const;
  /// The sensors that stay down. Asked after persist_all(), it names every sensor that this left out.
  std::set<sensor_id> failed() const;
  /// One of them that has readings in the batch.
  std::optional<sensor_id> failed_among(const reading_batch& readings) const;
  /// Old ticks, for entries that are dispatched again.
  void look_again_at(const std::vector<tick>& old) { ticks_->put_again(old); }
  /// The actor itself, for tests that make it fail.
  sensor_actor actor_of(sensor_id sensor) const { return directory_.find(sensor); }

 private:
  using shard = std::shared_ptr<const stage_line>;
  struct restart_record {
    std::uint64_t restarts = 0;                            ///< in all
    std::size_t in_a_row = 0;                              ///< without a new entry applied
    std::uint64_t known_sequence = 0;                      ///< newest entry under way at the last restart: later ones are new
    std::shared_ptr<std::atomic<std::uint64_t>> taken_in;  ///< by the actor that runs now; null before the first restart
  };

  std::size_t shard_of(sensor_id sensor) const { return sensor % shards_.size(); }
  shard spawn_shard(std::size_t index);
  sensor_actor spawn_sensor(sensor_id sensor, const restart_record& restarts);
  void send(const std::shared_ptr<const batch_group>& group, const dispatcher::turn& turn) const;
  void run(const std::shared_ptr<const batch_group>& group) const;
  void dispatch_config(const journal_entry& entry, const sensor_set* known);
  void dispatch_command(const journal_entry& entry);
  void dispatch_tick(const journal_entry& entry);
  void on_failure(const failed_actor& failed);
  void rebuild_loop();
  void rebuild_shard(std::size_t index);
  void rebuild_sensors(std::size_t shard_index, const std::vector<sensor_id>& sensors);
  sensor_actor put_in_place(sensor_id sensor);
  bool failed_too_often(sensor_id sensor);
  void give_up(sensor_id sensor, std::string_view why);
  shard shard_behind(sensor_id sensor) const;
  expected<void> drain(const shard& through, std::int64_t deadline_ms, drain_order asked = {}) const;
  bool drain_at_last(const shard& through);
  using restore_orders = std::unordered_map<sensor_id, restore_order>;
  expected<void> add_missed(restore_orders& orders);

  caf::actor_system& system_;
  population_config config_;
  persistence store_;
  const population_source& source_;
  population_counts& counts_;
  supervisor_actor supervisor_;
  mutable std::mutex shards_mutex_;
  std::vector<shard> shards_;
  sensor_directory directory_;
  std::shared_ptr<tick_book> ticks_;
  judging_book judging_;
  std::shared_ptr<backlog_book> backlog_ = std::make_shared<backlog_book>();
  std::shared_ptr<dispatcher> line_;
  std::atomic<std::uint64_t> dispatching_sequence_{0};  ///< set before any of a commit group's entries is put in line or sent
  std::atomic<std::uint64_t> dispatched_sequence_{0};   ///< set when all of them are
  std::atomic<std::uint64_t> restarts_{0}, analysis_restarts_{0};
  mutable std::mutex failed_mutex_;
  std::set<sensor_id> failed_;  // stay down: the journal sets their entries aside until they are deleted

  std::mutex failures_mutex_;
  std::condition_variable failures_changed_;
  std::deque<failed_actor> failures_;
  bool stopping_ = false;
  std::unordered_map<sensor_id, restart_record> restart_records_;  // rebuilder thread only
  std::thread rebuilder_;
};

}  // namespace factory
