#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/decode/batch_builder.hpp"
#include "pipelines/decode/csv_rows.hpp"
#include "pipelines/decode/text_cells.hpp"
#include "pipelines/model/result.hpp"
#include "pipelines/model/sensor_set.hpp"

namespace factory {

/// How the columns of a CSV file become readings.
///   long: a row is one reading: timestamp, value and, if there is one, sensor_id.
///   wide: a column is a sensor, a row one reading of each; a time column if there is one.
enum class csv_form : std::uint8_t { guess, long_form, wide_form };

struct csv_options {
  csv_form form = csv_form::guess;
  // Column names; empty: guessed from the usual ones (timestamp, time, date, …; value; sensor_id, sensor).
  std::string time_column = {}, value_column = {}, sensor_column = {};
  /// For files without a time column: row i is at start + i * interval.
  std::optional<std::int64_t> start_us = {};
  std::int64_t interval_us = 0;
};

/// A column whose cells are the readings of one sensor.
struct csv_series {
  std::size_t column = 0;
  std::string name;
};

/// The layout, as header and first rows show it.
struct csv_layout {
  csv_form form{};
  char delimiter = ',';
  std::vector<std::string> names;  ///< of all columns
  std::optional<std::size_t> time_column, sensor_column;
  std::vector<csv_series> series;         ///< long: the value column alone
  std::vector<std::string> text_columns;  ///< ignored columns: no name, or a first entry that is no number
};

/// One cell or row at fault.
struct text_error {
  std::uint64_t line = 0;
  std::string column;
  std::string reason;
};

/// The result of the rows so far. `errors` holds the first limits::row_errors_per_answer of `error_count`.
struct text_report {
  std::uint64_t rows = 0, readings = 0;
  std::uint64_t empty_cells = 0;  ///< nothing, or one of the usual marks for it (NaN, NA, N/A, null): no reading
  std::uint64_t error_count = 0;
  std::vector<text_error> errors;

  void refuse(std::uint64_t line, std::string column, std::string reason);
};

/// CSV text to readings, a piece of the file at a time. RFC 4180 with its usual relaxations: LF, CRLF or CR, a byte order mark,
/// delimiter `,` `;` or tab (from the header), blank lines, decimal commas where the delimiter is none.
/// Times: RFC 3339 and relaxations, or numbers since the epoch whose unit (s, ms, us, ns) the first one tells by its size.
class csv_decoder {
 public:
  explicit csv_decoder(csv_options options) : options_(std::move(options)) {}

  /// Reads the header, and finds text columns by the rows in `preview` (the front of the file; with `last` all of it).
  /// Leaves the decoder after the header: decode() continues at header_bytes().
  expected<csv_layout> open(std::string_view preview, bool last);
  std::size_t header_bytes() const { return header_bytes_; }

  /// The sensors of layout.series, in its order. With a sensor column they come from its cells instead and must be in `known`.
  void assign(std::vector<sensor_id> sensors, const sensor_set* known);
  /// Continues at a place that row() and next_line() returned earlier.
  void seek(std::uint64_t row, std::uint64_t line);
  std::uint64_t row() const { return row_; }  ///< data rows read so far
  std::uint64_t next_line() const { return rows_.next_line(); }

  /// Takes whole rows off the front of `bytes` until `out` holds at least `most` readings; returns the bytes taken. `last`: the end of the
  /// file. Damaged quotes end the decoding: nothing tells where the next row begins, so the rest is taken and dropped.
  std::size_t decode(std::string_view bytes, bool last, std::size_t most, batch_builder& out, text_report& report);

 private:
  expected<void> choose_columns();
  std::optional<std::size_t> find(std::string_view name) const;
  void find_text_columns(std::string_view rows, bool last);
  void decode_row(batch_builder& out, text_report& report);
  std::optional<std::int64_t> row_time(text_report& report);
  std::optional<sensor_id> row_sensor(text_report& report);

  csv_options options_;
  csv_layout layout_;
  csv_rows rows_{','};
  std::size_t header_bytes_ = 0;
  std::vector<sensor_id> sensors_;
  const sensor_set* known_ = nullptr;
  std::uint64_t row_ = 0;
  time_cell time_;
  bool ended_ = false;  ///< by damaged quotes
};

}  // namespace factory
