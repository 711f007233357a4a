#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "pipelines/correct/revised_points.hpp"
#include "pipelines/model/reading.hpp"
#include "pipelines/model/result.hpp"
#include "storage/base/database.hpp"
#include "storage/journal/journal.hpp"

namespace factory {

/// What a derived sensor's readings count as since they were made anew, and what they counted as before the last time, until all that follows from
/// that is done.
struct derived_revision {
  std::shared_ptr<const revised_points> points;  ///< null: none
  /// Of the readings that are being made anew; `gone`: there was none. Null: nothing is under way.
  std::shared_ptr<const revised_points> before;
  std::uint64_t step = 0;  ///< of the correction (correction_store::step) that it is for; 0: of late readings
};

/// Readings of derived sensors that a pipeline would have made otherwise, had the readings of its sources always counted as they do now. They stay as they
/// are stored. In the catalog's column family under 'o', the sensor and a stretch of time; what is under way under 'u' and the sensor. Changing: the caller
/// commits writes_of() through the journal, then calls put(), one thread at a time. Thread-safe.
class revision_store {
 public:
  explicit revision_store(database& db) : db_(db) {}
  /// Adds the sensors that have revisions to `known`.
  expected<void> load(std::set<sensor_id>& known);

  derived_revision of(sensor_id sensor) const;
  std::shared_ptr<const revised_points> points_of(sensor_id sensor) const { return of(sensor).points; }
  /// Sensors with a revision under way.
  std::vector<sensor_id> under_way() const;
  /// Of all sensors.
  std::size_t point_count() const;

  /// From what is known of the sensor to `now`.
  std::vector<catalog_write> writes_of(sensor_id sensor, const derived_revision& now) const;
  void put(sensor_id sensor, derived_revision now);

 private:
  database& db_;
  mutable std::mutex mutex_;
  std::map<sensor_id, derived_revision> entries_;
};

}  // namespace factory
