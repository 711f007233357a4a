#pragma once

#include "actors/sensors/sensor_state.hpp"
#include "storage/admin/job_store.hpp"
#include "storage/catalog/catalog.hpp"
#include "storage/events/event_log.hpp"
#include "storage/journal/journal.hpp"
#include "storage/series/time_series.hpp"
#include "storage/state/store_writer.hpp"

#include <filesystem>
#include <memory>
#include <string>

namespace factory {

/// The stored state of a sensor; corrupt when it cannot be decoded.
expected<sensor_state> decode_stored(sensor_id sensor, std::string_view stored);

/// The parts of a stopped data directory, opened without an engine.
struct data_directory {
  enum class access : std::uint8_t { read, change };
  /// Errors say what is wrong with the directory and what to do.
  static expected<std::unique_ptr<data_directory>> open(const std::filesystem::path& where, access how);

  std::unique_ptr<database> db;
  catalog entities;
  journal entries;
  event_log events;
  time_series series;
  state_store states;

  explicit data_directory(std::unique_ptr<database> opened);

  /// "plant/press/temperature", or "sensor 12" for one that the catalog does not know.
  std::string name_of(sensor_id sensor) const;

  /// The sources of a sensor's readings: its stored state, and the journal after it as the newest part of the head.
  expected<std::vector<sensor_cut>> cuts() const;
};

}  // namespace factory
