#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipelines/alarm/thresholds.hpp"
#include "pipelines/command/command.hpp"
#include "pipelines/model/reading.hpp"

namespace factory {

/// How the machine detector watches a machine from here on.
struct machine_config {
  machine_id machine = 0;
  double sensitivity = 1;
  bool operator==(const machine_config&) const = default;
};

/// New limits and rules of sensors, and sensors that are no more. A new sensor's journal begins with its config.
struct config_change {
  std::vector<sensor_config> configs;
  std::vector<sensor_id> removed;
  std::vector<machine_config> machines = {};  ///< rising

  std::optional<double> sensitivity_of(machine_id machine) const {
    const auto at = std::ranges::lower_bound(machines, machine, {}, &machine_config::machine);
    return at != machines.end() && at->machine == machine ? std::optional(at->sensitivity) : std::nullopt;
  }
};

/// Where in another log an entry was read, for a feed that goes on there after a restart.
struct source_position {
  std::string source;  ///< names that log, in the words of its feed
  std::uint32_t partition = 0;
  std::int64_t offset = 0;
  bool operator==(const source_position&) const = default;
};

/// All that moves state: one request, command or tick as the journal knows it. One of readings, config, command and tick is set.
/// Sequences have no gaps.
struct journal_entry {
  std::uint64_t sequence = 0;  ///< given by the committer, from 1
  std::int64_t received_at_us = 0;
  std::shared_ptr<const reading_batch> readings;
  std::shared_ptr<const config_change> config;
  std::shared_ptr<void> hold;  ///< let go when the last copy of the entry goes: carries credits. Not stored
  std::shared_ptr<const operator_command> command = {};
  bool tick = false;                                   ///< says what time it is, by received_at_us, and nothing else
  std::shared_ptr<const source_position> source = {};  ///< null: none
  /// Called on the committer's thread once the entry is committed and observed, also when its caller no longer waits. Not stored.
  std::function<void()> when_committed = {};
};

}  // namespace factory
