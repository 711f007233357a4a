#pragma once

#include "inspect/data_directory.hpp"

#include <filesystem>
#include <iosfwd>
#include <optional>
#include <vector>

/// The verbs of factory-inspect. Each prints to `out` and fails with a sentence.
namespace factory {

expected<void> print_summary(const data_directory& data, std::ostream& out);

/// Joins blocks and lets RocksDB compact; prints the result.
expected<void> compact(data_directory& data, std::ostream& out);

/// Reads everything and checks it; one line for each fault. Returns how many there are.
expected<std::uint64_t> verify(const data_directory& data, std::ostream& out);

/// Copies everything stored into a new data directory (storage/admin/snapshot.hpp).
expected<void> snapshot(const data_directory& data, const std::filesystem::path& to, std::ostream& out);

/// Makes a data directory from a snapshot after verify found no fault in the copy. `data_dir` must be absent or empty, and stays so when
/// anything fails.
expected<void> restore(const std::filesystem::path& from, const std::filesystem::path& data_dir, std::ostream& out);

/// Opens the data directory once, drops what stands behind damage in its log, and prints what is gone.
expected<void> give_up(const std::filesystem::path& data_dir, std::ostream& out);

struct dump_options {
  std::vector<sensor_id> sensors;  ///< none: all
  time_range range;
};
/// Readings as CSV: sensor_id,timestamp,value,flags.
expected<void> dump(const data_directory& data, const dump_options& what, std::ostream& out);

}  // namespace factory
