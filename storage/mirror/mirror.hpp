#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "storage/catalog/catalog.hpp"
#include "storage/events/event_log.hpp"

namespace factory {

/// A sensor in the mirror's table `series`.
struct series_row {
  sensor_id sensor = 0;
  std::uint64_t count = 0;
  std::int64_t first_us = 0, last_us = 0;
  double last_value = 0;
};

/// The SQLite copy of the metadata, for people and SQL tools: tables factories, machines, sensors, alert_rules, alerts,
/// anomalies, series (storage/mirror/migrations/). Never on the acknowledgement path, never read by the engine.
/// Rebuilt from the store when it is missing, damaged, of another format or behind what the store still holds.
/// One thread of its own; thread-safe.
class mirror {
 public:
  mirror(std::filesystem::path file, const catalog& entities, const event_log& events);
  ~mirror();
  /// Opens, migrates or rebuilds the file, then follows the store. A mirror that cannot be written is logged and tried again; the engine goes on.
  void start();
  void stop();                                           ///< catches up, then joins
  void notify();                                         ///< the catalog moved on; events the mirror follows by itself
  void put_series(const std::vector<series_row>& rows);  ///< upserted at the next turn
  void drop_before(std::int64_t border_us);              ///< as event_log::drop_before, at the next turn
  /// Waits until everything before the call is in SQLite; false after the deadline.
  bool flush(std::int64_t deadline_ms);

  struct lag {
    std::uint64_t events = 0, catalog_versions = 0;
  };
  lag behind() const;
  std::uint64_t rebuild_count() const;  ///< since start

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace factory
