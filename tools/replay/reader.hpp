#pragma once

#include <charconv>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/intake/sensor_book.hpp"
#include "pipelines/decode/batch_builder.hpp"
#include "pipelines/decode/csv.hpp"
#include "replay/options.hpp"
#include "replay/text_window.hpp"

namespace factory::replay {

/// A place between two rows of a file: what is before it was read.
struct place {
  std::uint64_t bytes = 0;  ///< of the unpacked text
  std::uint64_t row = 0;
  std::uint64_t line = 1;  ///< the next row begins here or further on
};

/// Rows of one format. Faults of rows are counted and listed in report(); an error ends the reading.
class reader {
 public:
  virtual ~reader() = default;
  /// Reads what comes before the rows and finds the sensors.
  virtual expected<void> begin(text_window& text) = 0;
  /// Rows until `rows` holds `most` readings or more, or a row is at fault, or the file ends (false).
  virtual expected<bool> next(text_window& text, std::size_t most, batch_builder& rows) = 0;
  virtual place at(const text_window& text) const = 0;
  virtual expected<void> seek(const place& from) = 0;
  /// What is passed over and why, for the summary; empty when nothing is.
  virtual std::string note() const { return {}; }

  const text_report& report() const { return report_; }

 protected:
  text_report report_;
};

/// Enough of a file to hold any row: see limits::text_row_bytes.
inline constexpr std::size_t window_bytes = 4UL << 20;

inline std::optional<std::uint64_t> whole_number(std::string_view cell) {
  std::uint64_t number = 0;
  const auto [rest, code] = std::from_chars(cell.data(), cell.data() + cell.size(), number);
  if (code != std::errc{} || rest != cell.data() + cell.size()) return std::nullopt;
  return number;
}

/// `name` is the file's without folder and suffixes: the sensor of a long file that tells none.
std::unique_ptr<reader> make_csv_reader(const options& how, std::string name, sensor_book& sensors);
std::unique_ptr<reader> make_ndjson_reader(const options& how, sensor_book& sensors);
std::unique_ptr<reader> make_line_protocol_reader(const options& how, sensor_book& sensors);

}  // namespace factory::replay
