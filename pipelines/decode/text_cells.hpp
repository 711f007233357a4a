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
/// `empty`: nothing, or one of the usual marks for it (nan na n/a null none, any case, and "-"). A comma may stand for the
/// decimal point when `decimal_comma`.
number_cell read_number(std::string_view cell, bool decimal_comma);

/// The unit of an integer time, guessed by its size: below 5e9 seconds, below 5e12 milliseconds, below 5e15 microseconds, else
/// nanoseconds; that is right for every instant from March 1970 to 2128.
precision guess_precision(std::int64_t value);

/// Reads times as text files write them: RFC 3339 and relaxations, integers, or seconds with a fraction.
/// The first number decides the unit of all numbers. Caches the last text, because neighbours often repeat it.
class time_cell {
 public:
  std::optional<std::int64_t> read(std::string_view cell);

 private:
  std::optional<std::int64_t> read_anew(std::string_view cell);

  std::optional<precision> unit_;
  std::string last_text_;
  std::optional<std::int64_t> last_time_us_;
};

}  // namespace factory
