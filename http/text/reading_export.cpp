#include "http/text/reading_export.hpp"

#include <algorithm>

#include "http/edge/limits.hpp"

namespace factory {

static_assert(limits::stream_bytes >= 2 * limits::export_step_readings * (sizeof(std::int64_t) + sizeof(double) + 1) +
                                          3 * limits::piece_bytes + 320UL * 1024,
              "rows, the piece, the same unpacked, and zlib's own");

expected<void> reading_export::begin() {
  const auto newest = behind_.readings(sensor_, range_, 1, true, as_);
  if (!newest) return tl::unexpected(newest.error());
  range_.end_us = newest->empty() ? range_.begin_us : newest->event_time_us.front() + 1;
  return step();
}

expected<void> reading_export::step() {
  rows_ = {};
  row_ = 0;
  if (range_.begin_us < range_.end_us) {
    auto rows = behind_.read_on(sensor_, range_, limits::export_step_readings, descending_, as_);
    if (!rows) return tl::unexpected(rows.error());
    rows_ = std::move(*rows);
  }
  last_step_ = rows_.size() < limits::export_step_readings;
  if (last_step_) return {};
  const std::int64_t last_us = rows_.event_time_us.back();
  descending_ ? range_.end_us = last_us : range_.begin_us = last_us + 1;
  return {};
}

expected<bool> reading_export::next(std::string& out) {
  if (!begun_) text_.append_head(out);
  begun_ = true;
  for (const std::size_t full = out.size() + limits::piece_bytes; out.size() < full;) {
    if (row_ < rows_.size()) {
      text_.append_row(out, rows_, row_++);
    } else if (last_step_) {
      return false;
    } else if (const auto read = step(); !read) {
      return tl::unexpected(
          error{read.error().code, "export of sensor " + std::to_string(sensor_) + ": " + read.error().message});
    }
  }
  return true;
}

}  // namespace factory
