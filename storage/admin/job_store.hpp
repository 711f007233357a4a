#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipelines/model/reading.hpp"
#include "pipelines/model/result.hpp"
#include "storage/base/database.hpp"

namespace factory {

/// One run of a background job, as the API lists it.
struct job_run {
  std::uint64_t id = 0;
  std::string job;  ///< "rollup" "retention" "anomaly_scan" "daily_report" "rewrite"
  std::int64_t started_at_us = 0;
  std::int64_t duration_us = 0;
  enum class outcome : std::uint8_t { running, succeeded, failed } result = outcome::running;
  std::string detail = {};  ///< a sentence: the result, or the error
};
struct report_info {
  std::uint64_t id = 0;
  factory_id factory = 0;
  std::int64_t begin_us = 0, end_us = 0;  ///< the day
  std::int64_t created_at_us = 0;
};

/// Runs of the background jobs and their reports, durable. The newest 1,000 runs and the newest 400 reports are kept.
/// Ids rise from 1 and are never used again. Thread-safe.
class job_store {
 public:
  explicit job_store(database& db);
  ~job_store();
  /// Call it first. Records a run as failed if the process ended during it.
  expected<void> load();

  expected<job_run> begin(std::string job, std::int64_t now_us);
  expected<void> finish(const job_run& run);  ///< the run from begin(), with duration, result and detail
  expected<std::vector<job_run>> runs(const std::optional<std::string>& job, std::size_t limit) const;  ///< newest first

  /// Assigns the report's id: that of the report of the same factory and day, which it replaces, or a new one.
  expected<report_info> put_report(report_info info, const std::string& json, const std::string& html);
  bool has_report(factory_id factory, std::int64_t begin_us) const;
  expected<std::vector<report_info>> reports(std::optional<factory_id> factory, std::size_t limit) const;  ///< newest first
  expected<std::string> report_json(std::uint64_t id) const;  ///< not_found "Report not found"
  expected<std::string> report_html(std::uint64_t id) const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace factory
