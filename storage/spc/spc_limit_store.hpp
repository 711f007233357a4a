#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "pipelines/judge/spc_rules.hpp"
#include "pipelines/model/reading.hpp"
#include "pipelines/model/result.hpp"
#include "pipelines/stats/control_chart.hpp"
#include "storage/base/database.hpp"
#include "storage/journal/journal.hpp"

namespace factory {

/// Control limits that a person froze: later readings are held against them.
struct frozen_limits {
  std::uint32_t version = 0;  ///< of the sensor, from 1 up; the highest one is in force
  control_limits limits = {};
  std::uint64_t points = 0;               ///< that they were computed from
  std::int64_t begin_us = 0, end_us = 0;  ///< range of these
  std::int64_t frozen_at_us = 0;
  std::string by = {}, comment = {};
  bool operator==(const frozen_limits&) const = default;
};

inline control_basis basis_of(const frozen_limits& of) {
  return {of.version, of.limits.subgroup, of.limits.center, of.limits.range_center, of.points};
}

/// The frozen limits of all sensors with their history, in the column family `catalog` under 'x', sensor and version; older programs have them in
/// `state` likewise. Freezing: the caller commits the write of the next() version through the journal, then calls put(). Thread-safe.
class spc_limit_store {
 public:
  explicit spc_limit_store(database& db) : db_(db) {}
  expected<void> load();
  /// With the version that they would have. too_large beyond limits::spc_versions.
  expected<frozen_limits> next(sensor_id sensor, frozen_limits wanted) const;
  static catalog_write write_of(sensor_id sensor, const frozen_limits& frozen);
  void put(sensor_id sensor, frozen_limits frozen);
  std::map<sensor_id, frozen_limits> all_in_force() const;
  std::vector<frozen_limits> history(sensor_id sensor) const;  ///< by version
  std::optional<frozen_limits> in_force(sensor_id sensor) const;
  expected<void> remove_sensor(sensor_id sensor);

 private:
  database& db_;
  mutable std::mutex mutex_;
  std::map<sensor_id, std::vector<frozen_limits>> known_;
};

}  // namespace factory
