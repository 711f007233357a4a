#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "pipelines/correct/revised_points.hpp"
#include "pipelines/model/reading.hpp"
#include "pipelines/stream/stream_past.hpp"

namespace factory {

/// A reading of a derived sensor: its value on disk, and what it counts as.
struct stored_reading {
  double stored = 0, value = 0;
  bool is_left_out = false, counts = false;
};

/// A derived sensor's readings as they are, and what becomes of them.
struct renewal {
  revised_points before, after;             ///< of readings that count otherwise; `gone`: there is none
  revised_points points;                    ///< of them, those that stay as they are stored
  revised_points written;                   ///< of them, those that are written; `gone`: as left out
  revised_points added;                     ///< of `written`, those of times without a reading that could count
  std::vector<std::int64_t> without_point;  ///< what is stored there counts from now on

  void change(std::int64_t time_us, std::optional<double> was, std::optional<double> is) {
    before.push_back(time_us, was.value_or(0), !was);
    after.push_back(time_us, is.value_or(0), !is);
  }
};

/// `is` by time; `wanted` is what the pipeline would have made.
renewal renewal_of(const std::map<std::int64_t, stored_reading>& is, const computed_past& wanted);

/// To be committed.
reading_batch batch_of(sensor_id sensor, const revised_points& rows);
/// Adds rows that are not stored yet, as the newest of the sensor.
void add_to_head(reading_run& head, const revised_points& rows);
/// Null when there are none.
std::shared_ptr<const revised_points> shared(revised_points points);

}  // namespace factory
