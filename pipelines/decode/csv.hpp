#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pipelines/decode/batch_builder.hpp"
#include "pipelines/decode/csv_rows.hpp"
#include "pipelines/decode/text_cells.hpp"
#include "pipelines/model/result.hpp"

namespace factory {

/// How the columns of a CSV file become readings.
///   long: a row is one reading: a time, a value and columns that say whose it is.
///   wide: a column of numbers is a sensor, a row one reading of each; columns that say whose they are may stand beside them.
enum class csv_form : std::uint8_t { guess, long_form, wide_form };

struct csv_options {
  csv_form form = csv_form::guess;
  // Column names; empty: guessed from the usual ones (timestamp, time, date, …; value; sensor_id, sensor, device, …).
  std::string time_column = {}, value_column = {}, sensor_column = {};
  std::string quality_column = {};  ///< of the readings of its row: good, uncertain, bad, or flags as our own exports have them
  std::string clock_column = {};    ///< the time of day, where time_column holds the date alone
  std::vector<std::string> ignored = {};  ///< columns that are passed over
  bool skip_unused = false;               ///< columns that are neither readings nor times are passed over, not refused
  bool skip_bad_cells = false;            ///< cells that are no numbers are counted and skipped, not refused
  /// For files without a time column: row i is at start + i * interval.
  std::optional<std::int64_t> start_us = {};
  std::int64_t interval_us = 0;
};

struct csv_column {
  std::size_t column = 0;
  std::string name;
};

/// A column whose cells say whose the readings of a row are.
struct csv_key : csv_column {
  enum class role : std::uint8_t { sensor, machine, factory, measurement, field, label } what = role::label;
};

/// What the header and the first rows say.
struct csv_layout {
  csv_form form{};
  char delimiter = ',';
  decimal_mark decimal = decimal_mark::undecided;  ///< no number of the first rows has one: the first that comes decides
  std::vector<std::string> names;                  ///< of all columns; "column 3" for one without a name
  std::optional<std::size_t> time_column, clock_column, quality_column;
  std::vector<csv_key> keys;         ///< none: all readings of a column are one sensor's
  std::vector<csv_column> series;    ///< columns of numbers; long: the value column alone
  std::vector<csv_column> unused;    ///< without an entry so far: one that comes is an error
  std::vector<std::string> ignored;  ///< passed over as asked
  bool annotated = false;            ///< InfluxDB's: tables with heads of their own may follow each other
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
  std::uint64_t bad_cells = 0;    ///< no numbers, skipped as asked
  std::uint64_t error_count = 0;
  std::vector<text_error> errors;

  void refuse(std::uint64_t line, std::string column, std::string reason);
};

/// Whose the readings of a row are: the sensor of each series of the layout. `cells` are those of layout.keys.
using csv_owners =
    std::function<expected<std::vector<sensor_id>>(const csv_layout& layout, const std::vector<std::string_view>& cells)>;

/// CSV text to readings, a piece of the file at a time. RFC 4180 with its usual relaxations: LF, CRLF or CR, a byte order mark,
/// delimiter `,` `;` or tab (from the header, or a first line `sep=;`), blank lines, lines of `#` before the header, the header again.
/// Times: see time_cell. Nothing is passed over unasked: each column is a time, a reading, says whose they are, or ends open().
class csv_decoder {
 public:
  explicit csv_decoder(csv_options options) : options_(std::move(options)) {}

  /// Reads the header, and from the first thousand rows in `preview` (the front of the file, `last`: all of it) what the columns
  /// hold. Leaves the decoder behind the header: decode() goes on at header_bytes().
  expected<csv_layout> open(std::string_view preview, bool last);
  std::size_t header_bytes() const { return header_bytes_; }
  decimal_mark decimal() const { return layout_.decimal; }

  /// Without keys: the sensors of layout.series, in its order.
  void assign(std::vector<sensor_id> sensors) { sensors_ = std::move(sensors); }
  /// With keys: asked once for each combination of their cells.
  void assign(csv_owners owners) { owners_ = std::move(owners); }
  /// Continues at a place that row() and next_line() told earlier. REQUIRES: the layout is not annotated.
  void seek(std::uint64_t row, std::uint64_t line);
  std::uint64_t row() const { return row_; }  ///< data rows read so far
  std::uint64_t next_line() const { return rows_.next_line(); }

  /// Takes whole rows off the front of `bytes` until `out` holds at least `most` readings; returns the bytes taken. `last`: the end of the
  /// file. Damaged quotes end the decoding: nothing tells where the next row begins, so the rest is taken and dropped.
  std::size_t decode(std::string_view bytes, bool last, std::size_t most, batch_builder& out, text_report& report);

 private:
  std::string_view skip_preamble(std::string_view text, bool last);
  expected<void> read_header(std::string_view& text, bool last);
  void note_annotation(const std::vector<std::string>& cells);
  bool is_head(text_report& report);
  void decode_row(batch_builder& out, text_report& report);
  void decode_cells(std::int64_t time_us, std::uint8_t quality, const std::vector<sensor_id>& sensors, batch_builder& out,
                    text_report& report);
  std::optional<std::int64_t> row_time(text_report& report);
  std::optional<std::uint8_t> row_quality(text_report& report) const;
  const std::vector<sensor_id>* row_sensors(text_report& report);
  number_cell read_cell(std::string_view cell);

  csv_options options_;
  csv_layout layout_;
  csv_rows rows_{','};
  std::size_t header_bytes_ = 0;
  std::vector<sensor_id> sensors_;
  csv_owners owners_;
  std::unordered_map<std::string, std::vector<sensor_id>> owners_seen_;  // by the cells of the keys
  std::string owner_text_;
  std::vector<std::string_view> owner_cells_;
  std::vector<std::string> datatypes_;  ///< of the annotated table whose head is being read
  bool head_follows_ = false;           ///< the next row that is no annotation names the columns of a further table
  std::uint64_t row_ = 0;
  time_cell time_;
  std::string time_text_;
  bool ended_ = false;  ///< by damaged quotes, or a table that cannot be read
};

}  // namespace factory
