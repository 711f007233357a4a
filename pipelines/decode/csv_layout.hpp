#pragma once

#include <string_view>
#include <vector>

#include "pipelines/decode/csv.hpp"

namespace factory {

/// What the first entries of a column say.
struct csv_column_facts {
  enum class kind : std::uint8_t { empty, number, text } what = kind::empty;
  bool clock = false;  ///< the first entry is a time of day without a date: 10:00:00
};

/// The first thousand rows behind the header: the decimal mark of the file, and what each column holds. One number is enough for a column
/// of numbers.
struct csv_preview {
  decimal_mark decimal = decimal_mark::undecided;
  std::vector<csv_column_facts> columns;
};
csv_preview look_ahead(csv_rows rows, std::string_view text, bool last, std::size_t columns, char delimiter);

/// Gives each column of `layout.names` its part; the error names the column that has none and the option that gives it one.
expected<void> choose_columns(const csv_options& options, const std::vector<csv_column_facts>& facts, csv_layout& layout);

std::string quoted_cell(std::string_view text);

}  // namespace factory
