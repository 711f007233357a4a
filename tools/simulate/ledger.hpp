#pragma once

#include "simulate/faults.hpp"

#include "pipelines/model/reading.hpp"
#include "pipelines/model/result.hpp"

#include <filesystem>
#include <span>
#include <string>

namespace factory {

/// A fault in the readings of an existing sensor: the ground truth for checking detection.
struct ledger_entry {
  sensor_id sensor = 0;
  std::string path;  ///< "North Plant / Press 1 / vibration"
  std::string unit;
  fault what;
};

/// One line for a person: begin and end, sensor, what is wrong.
std::string to_line(const ledger_entry& entry);
/// An array of {sensor_id, path, kind, begin, end, begin_us, end_us, size, unit}; begin_us <= faulty times < end_us.
std::string to_json(std::span<const ledger_entry> entries);
/// Replaces the file in one step, so that a reader never sees half of it.
expected<void> write_ledger(const std::filesystem::path& file, std::span<const ledger_entry> entries);

}  // namespace factory
