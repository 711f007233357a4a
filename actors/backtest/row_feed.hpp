#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "pipelines/model/reading.hpp"
#include "pipelines/model/result.hpp"
#include "storage/series/time_series.hpp"

namespace factory {

/// Rows of a sensor in a range, in that order, as time_series::read_on gives them: about so many, at most twice as many, fewer when the range
/// has no more. For a port of the engine, or a data directory that nobody has open.
using row_reader =
    std::function<expected<reading_run>(sensor_id sensor, const time_range& range, std::size_t about, bool descending)>;

/// Stored readings of many sensors as batches in event-time order: no reading of a batch is older than one of an earlier batch. Holds about
/// limits::backtest_rows rows, however long the range is.
class row_feed {
 public:
  row_feed(row_reader read, const std::vector<sensor_id>& sensors, const time_range& range);
  /// nullptr at the end.
  expected<std::shared_ptr<const reading_batch>> next();

 private:
  struct cursor {
    sensor_id sensor = 0;
    reading_run rows;
    std::size_t at = 0;
    std::int64_t from_us = 0;
    bool whole = false;  ///< the range has no rows behind these
    bool empty() const { return at == rows.size(); }
  };
  expected<void> fill(cursor& of) const;

  row_reader read_;
  std::vector<cursor> cursors_;  // by sensor
  std::int64_t end_us_;
  std::size_t about_;
};

}  // namespace factory
