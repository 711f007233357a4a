#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/flow/reply.hpp"
#include "actors/flow/shelf_book.hpp"
#include "actors/jobs/job_service.hpp"
#include "actors/sensors/views.hpp"
#include "actors/streams/stream_views.hpp"
#include "pipelines/detect/z_score.hpp"
#include "pipelines/model/reading.hpp"
#include "pipelines/model/result.hpp"
#include "pipelines/model/sensor_set.hpp"
#include "pipelines/stats/downsample.hpp"
#include "storage/admin/audit_log.hpp"
#include "storage/admin/snapshot.hpp"
#include "storage/admin/token_store.hpp"
#include "storage/catalog/catalog.hpp"
#include "storage/events/event_log.hpp"
#include "storage/journal/journal.hpp"
#include "storage/series/time_series.hpp"
#include "storage/streams/pipeline_store.hpp"

namespace factory {

class credit_pool;
class notify_store;

struct engine_config {
  std::filesystem::path data_dir;
  std::filesystem::path snapshot_dir;  ///< where snapshots go; empty = the folder snapshots in data_dir
  std::size_t worker_threads = 0;      ///< CAF scheduler threads; 0 = number of cores
  std::size_t analysis_actors = 0;     ///< anomaly and threshold actors each; 0 = worker threads
  std::int64_t allowed_lateness_us = 60'000'000;
  std::int64_t future_skew_us = 300'000'000;
  std::int64_t time_window_us = 60'000'000;
  double z_threshold = 4.0;                        ///< of the streaming detector; the queries take their own
  std::uint32_t z_min_readings = 30;               ///< a window with fewer gives no verdict
  std::size_t in_flight_readings = 0;              ///< 0 = limits::in_flight_readings
  std::uint64_t journal_bytes_per_checkpoint = 0;  ///< 0 = limits::journal_bytes_per_checkpoint
  std::uint64_t set_aside_bytes = 0;               ///< 0 = limits::set_aside_bytes
  job_config jobs;
};

struct ingest_receipt {
  std::uint64_t inserted = 0;
  std::uint64_t sequence = 0;
  durability level = durability::fsync;
};

/// An ingest that is accepted and in line for the next commit.
class pending_ingest {
 public:
  explicit pending_ingest(const ingest_receipt& nothing_to_do) : receipt_(nothing_to_do) {}
  pending_ingest(const ingest_receipt& receipt, journal::ticket in_line) : receipt_(receipt), in_line_(std::move(in_line)) {}
  /// Delays the answer while credits run short, so that a client which waits for answers sends no faster than readings are processed.
  /// Applies to long entries (limits::paced_readings) and needs a waker; otherwise it does nothing.
  void pace(std::shared_ptr<credit_pool> credits, journal::waker wake);
  /// Waits until the readings are committed. To be called once, while the engine lives.
  expected<ingest_receipt> wait();
  /// True when wait() would return at once. After false, the waker of begin_ingest says when to ask again.
  bool ready() const;

 private:
  struct pacing {
    std::shared_ptr<credit_pool> credits;
    journal::waker wake;
    std::chrono::steady_clock::time_point until;
  };
  ingest_receipt receipt_;
  std::optional<journal::ticket> in_line_;
  std::optional<pacing> paced_;
};

/// A sensor that was asked for its cut.
class pending_cut {
 public:
  explicit pending_cut(reply<sensor_view>::waiter asked) : asked_(std::move(asked)) {}
  /// To be called once.
  expected<sensor_cut> wait();

 private:
  reply<sensor_view>::waiter asked_;
};

/// Statistics of a range, as the API shows them.
struct range_stats {
  sensor_id sensor = 0;
  summary values;                                      ///< count 0: nothing in the range
  std::vector<std::pair<double, double>> percentiles;  ///< (q, value), in the order asked
  bool available = true;                               ///< false: its actor has failed; `values` say nothing
};

struct analysed_reading {
  std::int64_t time_us;
  double value;
  double z_score;
  severity level;
};
struct anomaly_report {
  sensor_entry sensor;
  std::uint64_t analyzed = 0;
  mean_std_dev stats;
  std::vector<analysed_reading> anomalies;  ///< in time order
};
struct limit_finding {
  std::int64_t time_us;
  double value;
  threshold_breach breach;
};
struct alert_report {
  sensor_entry sensor;
  std::uint64_t checked = 0;
  std::vector<limit_finding> alerts;  ///< in time order
};

/// All figures of the process that /metrics and factory-bench show.
struct engine_metrics {
  journal::counters commits;
  std::uint64_t fsyncs = 0, bytes_on_disk = 0;
  double fsync_seconds = 0;
  std::uint64_t committed_readings = 0, processed_readings = 0;  ///< since start
  std::uint64_t credits_readings_free = 0, credits_bytes_free = 0, credits_refused = 0;
  std::uint64_t sensors = 0, sensor_restarts = 0, failed_sensors = 0, analysis_restarts = 0;
  std::uint64_t set_aside_readings = 0, set_aside_bytes = 0;  ///< of failed sensors, beside the journal
  std::uint64_t anomalies = 0, alerts = 0, active_alerts = 0;
  std::uint64_t pipelines = 0, pipeline_instances = 0, failed_pipeline_instances = 0;
  std::uint64_t journal_bytes = 0, store_writer_bytes = 0;
  database::memory store_memory;
  std::uint64_t decoded_block_bytes = 0;
  std::uint64_t heap_bytes = 0, heap_used_bytes = 0;  ///< of malloc: its heaps, and the allocated part of them
  std::uint64_t mirror_lag_events = 0, mirror_lag_catalog = 0, mirror_rebuilds = 0;
  std::uint64_t checkpoints = 0;
  double recovery_seconds = 0;
  std::uint64_t recovered_readings = 0;
};

/// The engine without its actors showing: a blocking, thread-safe facade. Each call waits at most its deadline
/// (limits::commit_deadline_ms, limits::query_deadline_ms) and then fails with timed_out.
///
///   * ingest: takes credits (overloaded when there are none), appends to the journal, returns when committed; by then the
///     readings are in the mailboxes of their sensor actors.
///   * a query asks the sensor actor for its cut, which is queued behind every reading acknowledged before (a client reads
///     its own writes), then reads blocks on the caller's thread.
///   * catalog changes are committed through the journal too, so they are in order with the readings.
class engine {
 public:
  /// Opens the data directory and recovers. Returns when every sensor has the state it had at the end. The error says what to do.
  static expected<std::unique_ptr<engine>> open(engine_config config);
  ~engine();  ///< stop()
  /// Refuses new work, lets accepted work finish, checkpoints, closes. Idempotent.
  void stop();

  std::shared_ptr<const sensor_set> known_sensors() const;
  /// overloaded when credits are nearly exhausted: the caller then refuses a body before decoding it, which costs almost nothing.
  expected<void> admit();
  /// `body_bytes` is the memory that the request holds in addition to the readings.
  expected<ingest_receipt> ingest(reading_batch batch, durability how, std::size_t body_bytes = 0);
  /// The first half of ingest(). It does not wait for the disk, so one thread can put many bodies into one commit. The engine calls `wake`
  /// on one of its threads when the ingest is ready; `wake` must not block.
  expected<pending_ingest> begin_ingest(reading_batch batch, durability how, std::size_t body_bytes = 0,
                                        journal::waker wake = {});

  const catalog& entities() const;  ///< reading the catalog
  /// What the daemon's options make the rules of a new sensor.
  stream_rules usual_stream_rules() const;
  expected<std::vector<factory_entry>> create(std::vector<factory_entry> entries);
  expected<std::vector<machine_entry>> create(std::vector<machine_entry> entries);
  expected<std::vector<sensor_entry>> create(std::vector<sensor_entry> entries);
  expected<std::vector<alert_rule>> create(std::vector<alert_rule> entries);
  expected<std::vector<channel_entry>> create(std::vector<channel_entry> entries);
  expected<void> update(const factory_entry& entry);
  expected<void> update(const machine_entry& entry);
  expected<void> update(const sensor_entry& entry);
  expected<void> update(const alert_rule& entry);
  expected<void> update(const channel_entry& entry);
  expected<void> remove_factory(factory_id id);
  expected<void> remove_machine(machine_id id);
  expected<void> remove_sensor(sensor_id id);
  expected<void> remove_rule(rule_id id);
  expected<void> remove_channel(channel_id id);

  /// The newest reading by event time that is not flagged `future`. not_found "Sensor not found or no readings available".
  expected<reading> latest(sensor_id id);
  expected<reading_run> readings(sensor_id id, const time_range& range, std::size_t limit, bool descending);
  /// The first rows of the range in that order: `about` rows, at most twice as many, fewer when the range has no more. For reading a range
  /// in steps; each step sees the sensor's state at that moment.
  expected<reading_run> read_on(sensor_id id, const time_range& range, std::size_t about, bool descending);
  /// Ascending runs of the whole range in bounded memory.
  expected<void> scan(sensor_id id, const time_range& range, const std::function<bool(const reading_run&)>& visit);
  expected<range_stats> stats(sensor_id id, const time_range& range, const std::vector<double>& percentiles);
  expected<range_stats> stats(const sensor_cut& at, const time_range& range, const std::vector<double>& percentiles);
  /// Statistics of each sensor, in the order of `ids`. Asks many actors before it waits for the first: cheaper than a call per sensor.
  /// A sensor that was deleted meanwhile is left out; one that cannot be asked is told as not available.
  expected<std::vector<range_stats>> stats(const std::vector<sensor_id>& ids, const time_range& range);
  expected<std::vector<bucket>> aggregate(sensor_id id, const time_range& range, std::int64_t step_us);
  expected<sensor_status> status(sensor_id id);
  /// What the sensor's detectors know.
  expected<detection_view> detection(sensor_id id);
  /// Likewise of each, in the order of `ids`, all asked at once; an error of one says that it cannot be asked.
  std::vector<std::pair<sensor_id, expected<detection_view>>> detection(const std::vector<sensor_id>& ids);
  /// The sensor at this instant, for several reads that must agree. `range` selects the rows of the head.
  expected<sensor_cut> cut(sensor_id id, const time_range& range);
  /// The first half of cut(). It does not wait for the sensor, so one thread can ask many.
  expected<pending_cut> begin_cut(sensor_id id, const time_range& range);
  /// The newest `limit` readings in time order, without those flagged `future`: the input of the anomaly service and of the limit check.
  expected<reading_run> newest(sensor_id id, std::size_t limit);
  /// not_found "No readings available for analysis".
  expected<anomaly_report> anomalies(sensor_id id, std::size_t limit, double threshold);
  /// invalid "No thresholds configured for this sensor"; not_found "No readings available to check".
  expected<alert_report> check_limits(sensor_id id, std::size_t limit);

  /// A pipeline, as parse_pipeline takes it: stored, with the sensors that it fills, and at work for what is committed from now on. `invalid` with
  /// the member at fault; conflict when a sensor of that name is there.
  expected<pipeline_entry> create_pipeline(const std::string& json);
  /// The members of `changes` take the place of those that are there. Where another thing is computed, it begins anew.
  expected<pipeline_entry> update_pipeline(pipeline_id id, std::string_view changes);
  /// Its sensors stay.
  expected<void> remove_pipeline(pipeline_id id);
  std::vector<pipeline_entry> pipelines() const;
  expected<pipeline_entry> find_pipeline(pipeline_id id) const;  ///< not_found "Pipeline not found"
  std::vector<stream_report> report_of_pipeline(pipeline_id id) const;

  const event_log& events() const;
  /// Through the journal, so a restart does not forget it; returns when the event log has it. not_found for an unknown alert;
  /// acknowledging twice keeps the first.
  expected<finding> acknowledge(const event_key& raised, std::string who, std::string comment = {});
  /// What an operator asks of the limit that raised an alert, likewise; `what` has the action, its terms, who and comment. conflict where
  /// there is nothing to take off or to reset; a reset comes behind the acknowledgement.
  expected<finding> order(const event_key& raised, limit_order what);
  /// take_out or put_back of a rule, on all its sensors or on one of them; conflict when it is out of service on none.
  expected<void> order_rule(const alert_rule& rule, std::optional<sensor_id> on, limit_order what);
  /// Limits that are shelved or out of service now.
  std::vector<shelf_book::entry> shelves() const;
  std::optional<shelf> find_shelf(const event_key& alert, bool out_of_service) const;
  /// What a person thinks of an anomaly, through the journal likewise. not_found for an unknown one; the newest counts.
  expected<finding> give_feedback(const event_key& anomaly, std::string verdict, std::string comment, std::string who);

  notify_store& notifications();
  token_store& tokens();
  audit_log& audit();
  job_service& jobs();
  engine_metrics metrics() const;
  /// Why the engine cannot take readings now (for example a failing disk), or nullopt.
  std::optional<error> trouble() const;

  /// Waits until everything committed before the call is processed and in RocksDB; for tests, replay and benchmarks.
  expected<void> settle(std::int64_t deadline_ms);
  /// Persists every sensor's state and trims the journal.
  expected<void> checkpoint();
  /// A snapshot under `name` in the snapshot directory, with every reading acknowledged before the call; ingest goes on meanwhile.
  /// invalid for a name that is no plain file name; conflict when it exists, or while another snapshot is being taken.
  expected<snapshot_info> snapshot(const std::string& name);

  struct impl;

 private:
  friend struct engine_parts;  ///< of the tests, which make parts fail
  std::unique_ptr<impl> impl_;
  explicit engine(std::unique_ptr<impl> opened);
};

}  // namespace factory
