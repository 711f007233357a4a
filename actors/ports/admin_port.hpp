#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "actors/jobs/job_service.hpp"
#include "actors/sensors/judging_book.hpp"
#include "pipelines/model/result.hpp"
#include "storage/admin/audit_log.hpp"
#include "storage/admin/snapshot.hpp"
#include "storage/admin/token_store.hpp"
#include "storage/base/database.hpp"
#include "storage/journal/journal.hpp"

namespace factory {

class notify_store;

/// All figures of the process that /metrics and factory-bench show.
struct engine_metrics {
  journal::counters commits;
  std::uint64_t fsyncs = 0, bytes_on_disk = 0;
  double fsync_seconds = 0;
  std::uint64_t committed_readings = 0, processed_readings = 0;  ///< since start
  judging_book::totals not_judged;                               ///< of all sensors, in all
  std::uint64_t credits_readings_free = 0, credits_bytes_free = 0, credits_refused = 0;
  std::uint64_t sensors = 0, sensor_restarts = 0, failed_sensors = 0, analysis_restarts = 0;
  std::uint64_t set_aside_readings = 0, set_aside_bytes = 0;  ///< of failed sensors, beside the journal
  std::uint64_t anomalies = 0, alerts = 0, active_alerts = 0;
  std::uint64_t pipelines = 0, pipeline_instances = 0, failed_pipeline_instances = 0;
  std::uint64_t pipeline_lag_readings = 0, pipeline_instances_behind = 0;
  std::uint64_t past_waiting = 0;  ///< corrections and sensors with late readings whose past is still to be judged again
  std::uint64_t watched_machines = 0;
  std::uint64_t journal_bytes = 0, store_writer_bytes = 0;
  database::memory store_memory;
  std::uint64_t decoded_block_bytes = 0;
  std::uint64_t heap_bytes = 0, heap_used_bytes = 0;  ///< of malloc: its heaps, and the allocated part of them
  std::uint64_t mirror_lag_events = 0, mirror_lag_catalog = 0, mirror_rebuilds = 0;
  std::uint64_t checkpoints = 0;
  double recovery_seconds = 0;
  std::uint64_t recovered_readings = 0;
};

/// Running the process: access, background jobs, figures, snapshots.
class admin_port {
 public:
  virtual ~admin_port() = default;

  virtual notify_store& notifications() = 0;
  virtual token_store& tokens() = 0;
  virtual audit_log& audit() = 0;
  virtual job_service& jobs() = 0;
  virtual engine_metrics metrics() const = 0;
  /// Why the engine cannot take readings now (for example a failing disk), or nullopt.
  virtual std::optional<error> trouble() const = 0;

  /// Waits until everything committed before the call is processed and in RocksDB; for tests, replay and benchmarks.
  virtual expected<void> settle(std::int64_t deadline_ms) = 0;
  /// Persists every sensor's state and trims the journal.
  virtual expected<void> checkpoint() = 0;
  /// A snapshot under `name` in the snapshot directory, with every reading acknowledged before the call; ingest goes on meanwhile.
  /// invalid for a name that is no plain file name; conflict when it exists, or while another snapshot is being taken.
  virtual expected<snapshot_info> snapshot(const std::string& name) = 0;
};

}  // namespace factory
