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
#include "actors/streams/stream_messages.hpp"
#include "pipelines/stream/stream_times.hpp"
#include "storage/streams/machine_watch_store.hpp"
#include "storage/streams/pipeline_store.hpp"

namespace factory {

/// All instances of pipelines, the watches over machines, and their supervision.
///
/// Invariants:
///   * An instance gets each entry of its sources after its beginning exactly once, in commit order: from the committer (dispatch), or, while it
///     is behind, from the journal (catch-up thread). It is behind when it begins, when its actor was replaced, and when more than
///     limits::stream_queued_readings wait for it. Nothing waits for an instance, and nothing is dropped.
///   * What comes for a watch is held back for a moment, so that many small bodies are one message; it counts as under way. Whoever asks for a
///     state or waits for idleness has it sent first.
///   * The journal keeps what the stored state of an instance has not seen (floor). An instance that failed for good holds nothing.
///
/// dispatch() is called from one thread at a time; all else from any thread.
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
  std::size_t size() const;  ///< instances of pipelines
  std::size_t watch_count() const;

  /// Committed entries, in order. Costs a comparison where there are no pipelines.
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

  /// An instance that stands still: what comes for it is kept back, and nothing that it has told waits for its commit.
  struct paused {
    std::uint64_t ticket = 0;
    std::shared_ptr<const std::string> state;  ///< stream_instance::encode
  };
  /// Errors: not_found when there is none, unavailable when it stays down, overloaded while it catches up.
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
    bool has_room() const { return live->queued.load() < limit_ / 2; }
    static const std::uint64_t limit_;
  };
  using instance_map = std::map<stream_key, std::shared_ptr<instance>>;
  struct route {
    std::shared_ptr<instance> to;
    std::uint32_t source;
  };
  using route_table = std::vector<std::vector<route>>;

  instance* start(const stream_key& key, std::shared_ptr<const pipeline_spec> spec, const pipeline_instance_entry& of);
  void spawn(instance& it);
  void make_routes();
  stream_entries& next_of(instance& to);
  void add(instance& to, const journal_entry& entry, const slice& rows, std::uint32_t source);
  static void add_newest_of_cells(stream_entries& to, std::span<const std::int64_t> times_us, std::span<const double> values,
                                  std::span<const std::uint8_t> flags);
  void add_tick(instance& to, const journal_entry& entry);
  void add_sensitivity(instance& to, const journal_entry& entry, double sensitivity);
  void send(instance& to);
  void hand_over(const std::shared_ptr<instance>& to);
  void send_held();
  void restore(const std::vector<std::shared_ptr<instance>>& all);
  void restore(instance& which);
  void catch_up_loop();
  bool catch_up();
  void give(const journal_entry& entry, const std::map<const instance*, std::shared_ptr<instance>>& to,
            const route_table& routes);
  void on_failure(std::uint32_t number);
  void restart_failed();

  caf::actor_system& system_;
  const stream_times times_;
  const stream_ports ports_;
  const stream_state_store& states_;
  const journal& entries_;
  const std::function<void(std::function<void()>)> store_barrier_;
  progress& counts_;  ///< outlives the messages that are counted
  supervisor_actor supervisor_;

  mutable std::mutex mutex_;  ///< held while a group is dispatched; below it guards what follows
  instance_map all_;
  std::shared_ptr<const route_table> routes_ = std::make_shared<const route_table>();
  std::uint64_t dispatched_sequence_;
  std::uint32_t next_number_ = 1;
  std::uint64_t next_ticket_ = 1;
  std::vector<std::uint32_t> failures_;
  std::vector<std::shared_ptr<instance>> to_restore_;
  std::vector<std::shared_ptr<instance>> held_;  ///< whose `next` is held back; some may have been sent since
  std::chrono::steady_clock::time_point held_since_;
  bool stopping_ = false;
  std::condition_variable wakes_;
  std::atomic<std::size_t> count_{0}, watch_count_{0};
  std::shared_ptr<std::atomic<std::uint64_t>> queued_ = std::make_shared<std::atomic<std::uint64_t>>(0);  ///< readings for all
  std::thread catch_up_thread_;
};

}  // namespace factory
