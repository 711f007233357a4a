#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "http/text/json_writer.hpp"
#include "pipelines/model/reading.hpp"

namespace factory {

/// The readings of one sensor as text, row by row: CSV (RFC 4180; values in their shortest form that reads back bit for bit; flags joined
/// by `|`) or NDJSON with the objects of a page.
class reading_text {
 public:
  enum class form : std::uint8_t { csv, lines };
  reading_text(sensor_id sensor, form how) : sensor_(sensor), form_(how), csv_sensor_(std::to_string(sensor) + ',') {}

  const char* content_type() const { return form_ == form::csv ? "text/csv; charset=utf-8" : "application/x-ndjson"; }
  /// The text before the first row.
  void append_head(std::string& out) const;
  void append_row(std::string& out, const reading_run& rows, std::size_t row);

 private:
  void append_csv(std::string& out, const reading_run& rows, std::size_t row) const;

  sensor_id sensor_;
  form form_;
  std::string csv_sensor_;
  json_writer line_;
};

constexpr std::size_t row_bytes = 128;  ///< approximate size of a row as JSON

/// `quality` stands there when it is not good, so that the object can be posted again.
void write_reading(json_writer& out, sensor_id sensor, const reading_run& rows, std::size_t row);

}  // namespace factory
