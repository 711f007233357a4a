#pragma once

#include <cstdint>
#include <functional>
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

/// The texts under which a report is kept. This room writes no JSON and no HTML: who opens the engine hands the writer over.
struct report_texts {
  std::string json, html;
};
using report_writer = std::function<report_texts(const daily_report&)>;

}  // namespace factory
