#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace factory {

/// What both commands of factory-simulate need to know.
struct simulate_options {
  std::string url = "http://127.0.0.1:8080";
  std::string token;
  std::uint64_t seed = 1;
  std::size_t factory_count = 2;
  std::size_t machines_per_factory = 6;
  std::filesystem::path ledger;  ///< empty: faults are only printed
};
struct history_options {
  double days = 2;
  std::int64_t interval_us = 10'000'000;
  std::optional<std::int64_t> until_us;  ///< now when not given
};
struct live_options {
  std::optional<double> rate;  ///< readings a second in all; one a sensor when not given
};

/// Each gives the exit code of the program.
int run_history(const simulate_options& common, const history_options& options);
int run_live(const simulate_options& common, const live_options& options);

}  // namespace factory
