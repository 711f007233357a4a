#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "pipelines/model/reading.hpp"

namespace factory {

/// Rows [begin, end) of a run.
struct row_range {
  std::size_t begin = 0, end = 0;
  std::size_t size() const { return end - begin; }
  bool empty() const { return begin == end; }
};

/// The rows with begin_us <= time < end_us; empty when begin_us >= end_us. REQUIRES times in order.
inline row_range rows_between(std::span<const std::int64_t> times_us, std::int64_t begin_us, std::int64_t end_us) {
  const auto row_at = [&](std::int64_t time_us) {
    return static_cast<std::size_t>(std::lower_bound(times_us.begin(), times_us.end(), time_us) - times_us.begin());
  };
  const std::size_t begin = row_at(begin_us);
  return {begin, std::max(begin, row_at(end_us))};
}

/// A copy of those rows.
inline reading_run cut_out(const reading_run& rows, std::int64_t begin_us, std::int64_t end_us) {
  const auto [begin, end] = rows_between(rows.event_time_us, begin_us, end_us);
  const auto part = [begin, end](const auto& column) {
    return std::remove_cvref_t<decltype(column)>(column.begin() + static_cast<std::ptrdiff_t>(begin),
                                                 column.begin() + static_cast<std::ptrdiff_t>(end));
  };
  return {part(rows.event_time_us), part(rows.value), part(rows.flags)};
}

}  // namespace factory
