#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/jobs/daily_report.hpp"
#include "pipelines/model/reading.hpp"
#include "pipelines/model/result.hpp"
#include "storage/admin/job_store.hpp"

namespace factory {

/// Schedules of the background jobs; an interval of 0 switches a job off (it can still be run by hand).
struct job_config {
  std::int64_t rollup_every_us = 300'000'000;
  std::int64_t retention_every_us = 3'600'000'000;
  std::int64_t anomaly_scan_every_us = 3'600'000'000;
  std::int64_t report_every_us = 86'400'000'000;
  std::int64_t rewrite_every_us = 600'000'000;  ///< joining small blocks
  std::int64_t retention_us = 0;                ///< where the catalog says nothing; 0 = for ever
  std::int64_t event_retention_us = 0;          ///< of anomalies and alerts that are over; 0 = for ever
  std::size_t scan_readings = 1'000;            ///< newest readings per sensor in a scan
  double scan_threshold = 3.0;
  report_writer write_report = {};  ///< unset: there is no job daily_report
};

struct job_info {
  std::string name;
  std::int64_t every_us = 0;
  std::int64_t next_at_us = 0;  ///< 0 = not scheduled
  std::optional<job_run> last;
};

/// The background jobs: scheduled jobs, one at a time, behind a blocking thread-safe face.
class job_service {
 public:
  virtual ~job_service() = default;
  virtual std::vector<job_info> jobs() const = 0;
  virtual expected<std::vector<job_run>> runs(const std::optional<std::string>& job, std::size_t limit) const = 0;
  /// Runs it now and waits for its end. not_found for an unknown name; conflict when one by hand is under way; timed_out after
  /// limits::job_deadline_ms, while the run goes on and is listed when it ends.
  virtual expected<job_run> run(const std::string& job) = 0;
  virtual expected<std::vector<report_info>> reports(std::optional<factory_id> factory, std::size_t limit) const = 0;
  virtual expected<std::string> report_json(std::uint64_t id) const = 0;
  virtual expected<std::string> report_html(std::uint64_t id) const = 0;
};

}  // namespace factory
