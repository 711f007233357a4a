#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pipelines/model/reading.hpp"
#include "pipelines/stats/statistics.hpp"

namespace factory {

/// One sensor's day.
struct report_sensor {
  sensor_id id = 0;
  std::string machine, name, unit;
  summary readings;  ///< count 0: none that day
  std::uint64_t anomalies = 0, alerts = 0;
};
/// A factory's day, [begin_us, end_us).
struct daily_report {
  factory_id factory = 0;
  std::string name;
  std::int64_t begin_us = 0, end_us = 0, created_at_us = 0;
  std::vector<report_sensor> sensors;  ///< by id
};
/// One object with totals and an array of sensors. Numbers are printed so that they read back to the same bits.
std::string to_json(const daily_report& report);
/// One page that needs nothing else; names are escaped.
std::string to_html(const daily_report& report);

}  // namespace factory
