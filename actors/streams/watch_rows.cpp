#include "actors/streams/watch_rows.hpp"

#include "pipelines/machine/machine_judge.hpp"

namespace factory {

void add_newest_of_cells(stream_entries& to, std::span<const std::int64_t> times_us, std::span<const double> values,
                         std::span<const std::uint8_t> flags, const correction_overlay* corrections) {
  auto cell_begin_us = INT64_MAX, cell_end_us = INT64_MIN;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto time_us = times_us[i];
    if (corrections != nullptr && corrections->is_at_rest(time_us)) continue;
    if (!flags.empty() && is_left_out(flags[i])) {
      to.times_us.push_back(time_us);
      to.values.push_back(values[i]);
      to.flags.resize(to.values.size());
      to.flags.back() = flags[i];
      cell_end_us = INT64_MIN;
      continue;
    }
    if (time_us >= cell_begin_us && time_us < cell_end_us) {
      if (time_us < to.times_us.back()) continue;
      to.times_us.back() = time_us;
      to.values.back() = values[i];
      continue;
    }
    const bool has_cell = time_us >= -machine_cell::most_us && time_us <= machine_cell::most_us;
    cell_begin_us = has_cell ? machine_cell::begin_us(machine_cell::of(time_us)) : INT64_MAX;
    cell_end_us = has_cell ? cell_begin_us + machine_cell::length_us : INT64_MIN;
    to.times_us.push_back(time_us);
    to.values.push_back(values[i]);
  }
}

}  // namespace factory
