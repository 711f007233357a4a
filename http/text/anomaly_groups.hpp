#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "http/text/json_writer.hpp"
#include "pipelines/model/reading.hpp"

namespace factory {

/// A finding of a sensor, or of the machine itself (sensor 0).
struct placed_finding {
  machine_id machine = 0;
  sensor_id sensor = 0;
  std::int64_t begin_us = 0;
  std::string id;
};

/// Findings of one machine that began one after the other: most likely one thing, seen by several sensors.
struct anomaly_group {
  machine_id machine = 0;
  std::int64_t since_us = 0;          ///< when the first began
  std::vector<sensor_id> sensors;     ///< rising, each once
  std::vector<std::string> findings;  ///< by begin
};

/// Findings belong together when they are of one machine, and each began at most this long after the one before.
inline constexpr std::int64_t one_thing_us = 600'000'000;

/// Groups of at least two sensors, those that began last first.
std::vector<anomaly_group> group_findings(std::vector<placed_finding> all);

/// "3 sensors of Press 1 since 2026-01-19T05:48:00Z"
std::string describe(const anomaly_group& group, std::string_view machine_name);

/// [{"machine_id","since","sensors":[...],"anomalies":[...],"summary"}]
void write_groups(json_writer& out, const std::vector<anomaly_group>& groups,
                  const std::function<std::string(machine_id)>& name_of);

}  // namespace factory
