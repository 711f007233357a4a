#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

#include "actors/correct/recomputer.hpp"
#include "actors/engine/actor_runtime.hpp"
#include "actors/engine/credits.hpp"
#include "actors/engine/engine.hpp"
#include "actors/engine/pipeline_sinks.hpp"
#include "actors/engine/ticker.hpp"
#include "actors/flow/shelf_book.hpp"
#include "actors/jobs/jobs.hpp"
#include "actors/sensors/sensor_population.hpp"
#include "actors/streams/stream_population.hpp"
#include "storage/admin/job_store.hpp"
#include "storage/annotations/annotation_store.hpp"
#include "storage/base/database.hpp"
#include "storage/catalog/catalog.hpp"
#include "storage/corrections/correction_store.hpp"
#include "storage/events/event_log.hpp"
#include "storage/journal/journal.hpp"
#include "storage/mirror/mirror.hpp"
#include "storage/notify/notify_store.hpp"
#include "storage/rollups/range_aggregates.hpp"
#include "storage/rollups/rollups.hpp"
#include "storage/series/time_series.hpp"
#include "storage/spc/spc_limit_store.hpp"
#include "storage/state/store_writer.hpp"
#include "storage/streams/machine_watch_store.hpp"

namespace factory {

inline stream_rules stream_rules_of(const engine_config& config) {
  return {config.allowed_lateness_us, config.future_skew_us, config.time_window_us,
          config.z_min_readings,      config.z_threshold,    {}};
}

inline std::int64_t wall_clock_us() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

/// What a pipeline computed, and over what, before a change.
struct instances_before {
  pipeline_spec spec;
  std::vector<pipeline_instance_entry> all;
};

/// Members are declared in the order in which they start. They are destroyed in reverse: actors before the parts that actors use.
struct engine::impl {
  explicit impl(engine_config c) : config(std::move(c)) {}

  engine_config config;
  std::unique_ptr<database> db;
  std::unique_ptr<catalog> entities;
  std::unique_ptr<event_log> events;
  std::unique_ptr<token_store> tokens;
  std::unique_ptr<audit_log> audit;
  std::unique_ptr<notify_store> notifications;
  std::unique_ptr<time_series> series;
  std::unique_ptr<range_aggregates> aggregates;
  std::unique_ptr<correction_store> corrections;
  std::unique_ptr<annotation_store> annotations;
  std::unique_ptr<spc_limit_store> control_limits;
  std::unique_ptr<state_store> states;
  std::unique_ptr<journal> entries;
  std::unique_ptr<store_writer> writer;
  std::unique_ptr<mirror> sql_mirror;
  std::shared_ptr<credit_pool> credits;
  population_counts counts;
  progress stream_progress;
  shelf_book shelves;
  std::unique_ptr<actor_runtime> runtime;
  std::unique_ptr<population_source> behind_sensors;
  std::unique_ptr<sensor_population> sensors;
  std::unique_ptr<pipeline_store> pipelines;
  std::unique_ptr<machine_watch_store> watches;
  std::unique_ptr<machine_mark_store> marks;
  std::unique_ptr<stream_state_store> stream_states;
  stream_backlog streams_behind;
  std::unique_ptr<stream_population> streams;
  std::unique_ptr<ticker> clock;
  std::unique_ptr<rollup_store> rollups;
  std::unique_ptr<job_store> job_records;
  std::unique_ptr<job_service> jobs;
  std::unique_ptr<backtest_store> backtest_records;
  std::unique_ptr<backtest_service> backtests;
  std::unique_ptr<recomputer> past;

  std::mutex changes;  ///< one catalog change at a time, in the order of the journal
  std::atomic<bool> stopping{false};
  std::atomic<std::uint64_t> checkpoints{0};
  std::atomic<std::uint64_t> bytes_after_checkpoint{0};
  std::atomic<bool> journal_is_full{false};  ///< what failed sensors need could not be set aside: readings are refused meanwhile
  std::atomic<bool> aside_is_full{false};    ///< readings of failed sensors are refused meanwhile
  double recovery_seconds = 0;
  std::uint64_t recovered_readings = 0;

  mutable std::mutex left_out_mutex;
  std::map<pipeline_id, left_out_machines> left_out_by_pipeline;  ///< guarded by left_out_mutex
  std::mutex checkpointing;                                       ///< one checkpoint at a time
  std::mutex snapshotting;                                        ///< one snapshot at a time
  std::mutex housekeeper_mutex;
  std::condition_variable housekeeper_wakes;
  bool housekeeper_ends = false;
  std::set<sensor_id> perhaps_deleted;            ///< their deletion failed or timed out. Guarded by housekeeper_mutex
  std::atomic<bool> is_to_follow_changes{false};  ///< some were committed after their callers had given up
  std::thread housekeeper;                        ///< checkpoints when the journal is long, series for the mirror, spare heap

  expected<void> open();
  expected<void> recover();
  void pass_again(const journal_entry& stored);
  expected<void> take_up_what_was_set_aside();
  expected<void> reach_store(std::int64_t deadline_ms);
  expected<void> end_findings_of_deleted();
  expected<void> tell_suppressions();
  expected<void> start_jobs();
  expected<void> start_backtests();
  void start_past(const job_parts& of_jobs);
  stream_access access_to_streams();
  persistence hand_over();
  void close();
  std::vector<std::uint64_t> series_sent;  ///< per sensor, the last entry sent; used by housekeeper and stop() only

  void commit_tick(std::int64_t now_us);
  void keep_house();
  expected<void> clear_away(sensor_id id);
  expected<void> clear_away_or_later(const std::vector<sensor_id>& all, expected<void> committed);
  void finish_deletions();
  void follow_changes();
  void send_series();
  expected<void> checkpoint();
  std::uint64_t checkpoint_bytes() const;
  void watch_journal();

  void give_room_back();
  std::atomic<bool> giving_room_back{false}, room_giver_ends{false};
  std::thread room_giver;  ///< apart from the housekeeper: it takes as long as the disk needs

  /// `then` is called when the change is in force, also where the caller has given up waiting.
  expected<void> commit(catalog_change change, std::function<void()> then = {});
  expected<void> commit(std::optional<catalog_change> change, std::vector<catalog_write> writes, std::function<void()> then);
  expected<void> commit(journal_entry entry, std::vector<catalog_write> writes);

  // Pipelines (engine_streams.cpp, engine_streams_refresh.cpp).
  expected<void> open_streams();
  expected<void> start_streams();
  expected<void> start_instances(const pipeline_entry& of, const std::vector<pipeline_instance_entry>& which);
  expected<pipeline_entry> change_pipeline(pipeline_id id, std::string_view members);
  expected<void> take_pipeline_away(pipeline_id id, bool with_sensors, std::vector<sensor_id>& gone);
  expected<pipeline_entry> commit_pipeline(staged_pipeline one);
  expected<void> commit_pipelines(std::vector<staged_pipeline>& all);
  expected<staged_pipeline> stage_pipeline(const std::string& json, pipeline_id id);
  std::vector<pipeline_instance_entry> all_instances(pipeline_id but) const;
  expected<void> forget_instances(const std::vector<stream_key>& ended, const pipeline_spec& spec,
                                  const std::vector<pipeline_instance_entry>& were);
  expected<void> end_events_of_pipelines(const std::function<bool(pipeline_id, sensor_id)>& is_gone);
  expected<void> check_channels(const pipeline_spec& spec) const;
  std::optional<pipeline_id> tells_channel(channel_id channel) const;
  expected<void> forget_reached(const std::vector<stream_key>& ended, const pipeline_spec& spec,
                                const std::vector<pipeline_instance_entry>& were);
  void refresh_streams();
  expected<bool> refresh_stream(pipeline_entry entry);
  expected<std::vector<pipeline_instance_entry>> commit_instances(pipeline_entry& entry, const instances_before& was,
                                                                  std::vector<pipeline_instance_entry> fresh,
                                                                  std::vector<left_out_machine>& left_out);
  void note_left_out(const pipeline_entry& of, std::vector<left_out_machine> all);
  void after_catalog_change(const std::vector<sensor_entry>& created);

  // Watches over machines (engine_machines.cpp).
  expected<void> start_watches();
  expected<void> stop_watches(const std::vector<machine_watch_entry>& of);
  expected<void> end_watches(const std::vector<machine_watch_entry>& gone, std::string_view why);
  std::set<sensor_id> derived_sensors() const;
  void refresh_watches(const std::set<machine_id>& of);
  void watch_machines(const std::set<machine_id>& of);
  std::optional<pipeline_id> filled_by(sensor_id sensor) const;
  expected<void> command(std::shared_ptr<const operator_command> given);
  expected<void> order(limit_order what);
  expected<void> order_on(const std::vector<sensor_id>& sensors, const limit_order& what);
  expected<finding> find_alert(const event_key& raised) const;
  expected<finding> find_anomaly(const event_key& any) const;
  expected<void> widen(const event_key& anomaly, bool wider);
  expected<void> widen_machine(machine_id id, bool wider);
  expected<sensor_view> view(sensor_id id, const time_range& range, view_more more = view_more::nothing) const;
  expected<reply<sensor_view>::waiter> ask(sensor_id id, const time_range& range) const;
  expected<sensor_cut> cut(sensor_id id, const time_range& range, reading_form as = reading_form::effective) const;
  shared_overlay overlay_of(sensor_id id, reading_form as) const;
  expected<range_stats> summarize(const sensor_cut& at, const time_range& asked, const std::vector<double>& percentiles) const;
  time_range visible(sensor_id id, const time_range& asked) const;
};

}  // namespace factory
