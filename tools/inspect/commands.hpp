#pragma once

#include "inspect/data_directory.hpp"

#include <iosfwd>
#include <optional>
#include <vector>

/// The verbs of factory-inspect. Each prints to `out` and fails with a sentence.
namespace factory {

expected<void> print_summary(const data_directory& data, std::ostream& out);

/// Joins blocks and lets RocksDB compact; says what that brought.
expected<void> compact(data_directory& data, std::ostream& out);

/// Reads everything and checks it; one line for each fault. Returns how many there are.
expected<std::uint64_t> verify(const data_directory& data, std::ostream& out);

struct dump_options {
  std::vector<sensor_id> sensors;  ///< none: all
  time_range range;
};
/// Readings as CSV: sensor_id,timestamp,value,flags.
expected<void> dump(const data_directory& data, const dump_options& what, std::ostream& out);

}  // namespace factory
