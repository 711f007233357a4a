#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "pipelines/backtest/nab_score.hpp"

namespace factory::bench {

/// Readings of one sensor: times rise, each once.
struct recorded_series {
  std::string sensor;
  std::vector<std::int64_t> time_us;
  std::vector<double> value;
};

/// Readings that are stored to measure how many bytes they take.
struct recording {
  std::string name;
  std::vector<recorded_series> all;
  std::uint64_t readings() const;
};

/// experiment_*.csv of the CNC mill, one after another, a row each 100 ms; columns of text left out. Throws when there are none.
recording read_cnc_mill(const std::filesystem::path& folder);
/// Every file of the Numenta Anomaly Benchmark as a sensor; of two readings with the same time the later row is right.
recording read_nab(const std::filesystem::path& folder);
/// A file of the Numenta Anomaly Benchmark, row by row as it is written, and what detections in it are worth.
struct labelled_series {
  std::string name;  ///< "realKnownCause/nyc_taxi.csv"
  std::vector<std::int64_t> time_us;
  std::vector<double> value;
  nab_windows windows;
};
/// All that labels/combined_windows.json names, by name. Throws when a file or a label cannot be read.
std::vector<labelled_series> read_labelled_nab(const std::filesystem::path& folder);
/// The worst case: random doubles at random times.
recording make_adversarial();

/// The readings in line protocol: times in nanoseconds, values that read back bit for bit. Both servers get these bytes.
std::string line_protocol(const recording& what, const recorded_series& of);

}  // namespace factory::bench
