#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "actors/flow/flow.hpp"
#include "actors/sensors/supervisor.hpp"
#include "actors/streams/derived_writer.hpp"
#include "actors/streams/stream_messages.hpp"
#include "pipelines/stream/stream_times.hpp"
#include "storage/streams/machine_watch_store.hpp"
#include "storage/streams/pipeline_store.hpp"

namespace factory {

/// All instances of pipelines, the watches over machines, and their supervision.
///
/// Invariants:
///   * An instance gets each entry of its sources after its beginning exactly once, in commit order: from the line that the committer fills
///     (dispatch), or, while it is behind, from the journal. It is behind when it begins, when its actor was replaced, when more than
///     limits::stream_queued_readings wait for it, and when the line has grown too long. Nothing waits for an instance, and nothing is dropped.
///   * The committer only puts entries in line. A thread of its own, with less priority than the sensors' workers, gives them to the instances
///     and runs these: so ingest pays nothing for what many instances compute. Whoever asks for a state, or waits for idleness, has the
///     line sent first.
///   * What comes for a watch is held back for a moment, so that many small bodies are one message; it counts as under way. Whoever asks for a
///     state or waits for idleness has it sent first.
///   * The journal keeps what the stored state of an instance has not seen (floor). An instance that failed for good holds nothing.
///
/// dispatch() is called from one thread at a time; all else from any thread. Lock mutex_, then line_mutex_.
class stream_population {
 public:
  stream_population(caf::actor_system& system, progress& counts, const stream_times& times, stream_ports ports,
                    const stream_state_store& states, const journal& entries,
                    std::function<void(std::function<void()>)> store_barrier);
  ~stream_population();

  /// Instances, each from its stored state, or from the entry that it begins with. They catch up in the background.
  expected<void> start(pipeline_id pipeline, std::uint32_t version, const std::shared_ptr<const pipeline_spec>& spec,
                       std::span<const pipeline_instance_entry> instances);
  /// Watches over machines, likewise; those that there are already stay as they are. Their keys have machine_watches in place of a pipeline.
  void start_watches(std::span<const machine_watch_entry> watches);
  /// Ends all instances of the pipeline, or those of one machine; returns their keys.
  std::vector<stream_key> end(pipeline_id pipeline, std::optional<machine_id> machine = {});
  /// Ends the instances and watches whose keys do not hold; whether there were some.
  bool end_all_but(const std::function<bool(const stream_key&)>& holds);
  std::size_t size() const;  ///< instances of pipelines
  std::size_t watch_count() const;

  /// Committed entries, in order. Costs a comparison where there are no instances, and a look at its slices where none is for them.
  void dispatch(std::span<const journal_entry* const> entries);
  /// The earliest instant that an instance waits for.
  std::optional<std::int64_t> due_us() const;

  std::vector<stream_report> report(pipeline_id pipeline, std::int64_t deadline_ms, std::optional<machine_id> machine = {});
  /// Stores the state of every instance that is not behind, as far as they have got. False after the deadline.
  bool persist_all(std::int64_t deadline_ms, const std::function<bool()>& hopeless);
  /// Up to here, at most `target`, the stored states have seen all that concerns them.
  std::uint64_t floor(std::uint64_t target) const;
  /// Waits until every instance has taken in all that was committed before the call, and its results are committed.
  bool wait_until_idle(std::int64_t deadline_ms);
  std::uint64_t failed_count() const;
  struct lag {
    std::uint64_t readings = 0;          ///< committed, and in line or with instances that have not yet seen them
    std::uint64_t instances_behind = 0;  ///< that read the journal; what they have left is not among the readings
  };
  lag how_far_behind() const;
  /// Whether instances get their entries from the journal, which so keeps them.
  bool is_behind() const;
  derived_writer::counters derived() const { return writer_->count(); }

  /// An instance that stands still: what comes for it is kept back, and nothing that it has told waits for its commit.
  struct paused {
    std::uint64_t ticket = 0;
    std::shared_ptr<const std::string> state;  ///< stream_instance::encode, machine_watch::encode
  };
  /// Waits a moment for one that catches up. Errors: not_found when there is none, unavailable when it stays down, overloaded when it still catches up.
  expected<paused> pause(const stream_key& key, std::int64_t deadline_ms);
  /// Goes on, from `state` where there is one. Returns when what it has then seen is stored; overloaded: it failed meanwhile, and stands where it
  /// was stored last.
  expected<void> resume(const stream_key& key, std::uint64_t ticket, std::shared_ptr<const std::string> state, bool again_is_done,
                        std::int64_t deadline_ms);
  /// An instance's actor, for tests that make it fail.
  stream_actor actor_of(pipeline_id pipeline, machine_id machine) const;

 private:
  struct instance {
    std::shared_ptr<live_stream> live;
    stream_actor actor;
    bool behind = true;  ///< gets its entries from the journal
    bool is_down = false;
    std::uint64_t sent_sequence = 0;  ///< all entries up to here were sent
    std::uint64_t restarts = 0, known_sequence = 0;
    std::size_t in_a_row = 0;
    std::string failure;
    std::uint32_t number = 0;              ///< for the supervisor
    std::shared_ptr<stream_entries> next;  ///< being filled
    bool is_touched = false;               ///< by the group that is being dispatched
    bool is_held = false;                  ///< among held_
    bool takes_now = false;                ///< of the thread that gives: it is behind and gets what is being read
    bool has_room() const { return live->queued.load() < limit_ / 2; }
    static const std::uint64_t limit_;
  };
  using instance_map = std::map<stream_key, std::shared_ptr<instance>>;
  struct route {
    std::shared_ptr<instance> to;
    std::uint32_t source;
  };
  using route_table = std::vector<std::vector<route>>;

  /// What the committer has put in line.
  struct line_of_entries {
    std::vector<journal_entry> entries;
    std::uint64_t readings = 0;
    std::uint64_t sequence = 0;  ///< all up to here that concern instances are in line, or were
    bool is_cut = false;         ///< it was too long, and is in the journal alone
  };
  /// Wakes the thread that gives.
  struct bell {
    std::mutex mutex;
    std::condition_variable rings;
    bool rung = false;  ///< guarded by mutex
    void ring();
    void wait_until(std::optional<std::chrono::steady_clock::time_point> at_latest);
  };

  instance* start(const stream_key& key, std::shared_ptr<const pipeline_spec> spec, const pipeline_instance_entry& of);
  std::vector<stream_key> end(const std::function<bool(const stream_key&)>& is_one);
  void spawn(instance& it);
  stream_entries& next_of(instance& to);
  void add(instance& to, const journal_entry& entry, const slice& rows, std::uint32_t source);
  void add_tick(instance& to, const journal_entry& entry);
  void add_sensitivity(instance& to, const journal_entry& entry, double sensitivity);
  void send(instance& to, caf::execution_unit& by);

  // What is in line (stream_population_line.cpp). REQUIRES, for all of these: the caller holds mutex_.
  bool is_wanted(const journal_entry& entry) const;  ///< REQUIRES: line_mutex_ instead
  void renew_routes(caf::execution_unit& by);
  void pass_on(caf::execution_unit& by);
  void pass_on(const line_of_entries& all, caf::execution_unit& by);
  void fall_behind(instance& it);
  void hand_over(const std::shared_ptr<instance>& to, caf::execution_unit& by);
  void send_held(caf::execution_unit& by);
  bool line_is_empty();
  std::uint64_t readings_in_line() const;
  bool has_room_for_all() const;

  // The thread that gives (stream_population_catch_up.cpp).
  void give_loop();
  std::optional<std::chrono::steady_clock::time_point> next_look(bool moved) const;
  bool catch_up(caf::execution_unit& by);
  std::uint64_t give(const journal_entry& entry, std::span<const std::shared_ptr<instance>> to, const route_table& routes);
  void restore(const std::vector<std::shared_ptr<instance>>& all);
  void restore(instance& which);
  void on_failure(std::uint32_t number);
  void restart_failed();

  caf::actor_system& system_;
  const stream_times times_;
  const std::shared_ptr<derived_writer> writer_;  ///< actors may outlive this
  const stream_ports ports_;
  const stream_state_store& states_;
  const journal& entries_;
  const std::function<void(std::function<void()>)> store_barrier_;
  progress& counts_;  ///< outlives the messages that are counted
  supervisor_actor supervisor_;

  mutable std::mutex mutex_;  ///< held while entries are given to mailboxes; below it guards what follows
  instance_map all_;
  std::shared_ptr<const route_table> routes_ = std::make_shared<const route_table>();
  bool routes_are_old_ = false;        ///< instances came or went; those that came are behind
  std::uint64_t dispatched_sequence_;  ///< what is up to here has left the line
  std::uint64_t catch_up_entries_;     ///< read at once: so many that about limits::stream_catch_up_readings come of them
  std::uint32_t next_number_ = 1;
  std::uint64_t next_ticket_ = 1;
  std::vector<std::uint32_t> failures_;
  std::vector<std::shared_ptr<instance>> to_restore_;
  std::vector<std::shared_ptr<instance>> held_;  ///< whose `next` is held back; some may have been sent since
  std::chrono::steady_clock::time_point held_since_;

  mutable std::mutex line_mutex_;
  line_of_entries line_;                       ///< guarded by line_mutex_
  std::shared_ptr<const route_table> wanted_;  ///< likewise: what entries in line may be for; null: nothing
  bell bell_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::size_t> count_{0}, watch_count_{0};
  std::shared_ptr<std::atomic<std::uint64_t>> queued_ = std::make_shared<std::atomic<std::uint64_t>>(0);  ///< readings for all
  std::thread giver_;
};

}  // namespace factory
