#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pipelines/model/time.hpp"

namespace factory {

/// A number in a text file.
struct number_cell {
  enum class kind : std::uint8_t { number, empty, infinite, other } what = kind::other;
  double value = 0;
};

/// What decimal numbers are written with.
enum class decimal_mark : std::uint8_t { undecided, point, comma };

/// `empty`: nothing, or one of the usual marks for it (nan na n/a null none, any case, and "-"). true and false are 1 and 0.
/// While the mark is `undecided`, either will do.
number_cell read_number(std::string_view cell, decimal_mark decimal);

/// The unit of an integer time, guessed by its size: below 5e9 seconds, below 5e12 milliseconds, below 5e15 microseconds, else
/// nanoseconds; that is right for every instant from March 1970 to 2128.
precision guess_precision(std::int64_t value);

/// Reads times as text files write them: RFC 3339 and relaxations, integers, or seconds with a fraction.
/// The first number decides the unit of all numbers. Caches the last text, because neighbours often repeat it.
class time_cell {
 public:
  std::optional<std::int64_t> read(std::string_view cell);
  /// Why the last cell gave no time.
  std::string_view reason() const { return reason_; }

 private:
  std::optional<std::int64_t> read_anew(std::string_view cell);
  std::optional<std::int64_t> checked(std::optional<std::int64_t> time_us);

  std::string_view reason_ = "is not a time";

  std::optional<precision> unit_;
  std::string last_text_;
  std::optional<std::int64_t> last_time_us_;
};

/// The quality that a cell tells, alone or among the flags of our own exports ("late|bad"); an empty cell is good. Nothing for other words.
std::optional<std::uint8_t> read_quality(std::string_view cell);

}  // namespace factory
