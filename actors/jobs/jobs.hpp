#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "actors/jobs/job_service.hpp"
#include "storage/admin/job_store.hpp"
#include "storage/catalog/catalog.hpp"
#include "storage/events/event_log.hpp"
#include "storage/rollups/rollups.hpp"
#include "storage/series/time_series.hpp"

namespace factory {

/// The parts that background jobs use. All of them outlive the service.
struct job_parts {
  const catalog& entities;
  const event_log& events;
  time_series& series;
  rollup_store& rollups;
  job_store& records;
  /// A sensor at this instant, with the head's rows of the range; not_found once it is deleted.
  std::function<expected<sensor_cut>(sensor_id, const time_range&)> cut;
  std::function<std::int64_t()> now_us;
  /// Deletes findings that were over before an instant; returns how many events went.
  std::function<expected<std::uint64_t>(std::int64_t border_us, const std::atomic<bool>& stopping)> drop_events = {};
};

enum class asked_by : std::uint8_t { schedule, hand };

/// A background job. It works until it is done or `stopping` turns true, and returns a sentence about what it did.
struct job {
  std::string name;
  std::int64_t every_us = 0;
  std::function<expected<std::string>(const std::atomic<bool>& stopping, asked_by who)> work;
};

/// All background jobs with their configured schedules. A run skips sensors that were deleted or cannot answer. The first error of the
/// disk ends the run.
///   rollup         brings the roll-ups of every sensor up to date
///   retention      drops readings and roll-ups of whole days (UTC) older than the catalog says, else than retention_us; and
///                  findings that were over before event_retention_us
///   anomaly_scan   the anomaly service's analysis over the newest readings of every sensor; stores nothing, its sentence has the result
///   daily_report   a report of yesterday (UTC) for every factory; exists where the configuration has a writer
///   rewrite        joins small and overlapping blocks
std::vector<job> background_jobs(const job_parts& parts, const job_config& config);

}  // namespace factory
