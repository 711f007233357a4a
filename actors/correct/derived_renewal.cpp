#include "actors/correct/derived_renewal.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace factory {

namespace {

bool are_same_bits(double a, double b) { return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b); }

}  // namespace

renewal renewal_of(const std::map<std::int64_t, stored_reading>& is, const computed_past& wanted) {
  renewal out;
  const auto write = [&](std::int64_t time_us, double value, bool is_gone) {
    out.written.push_back(time_us, value, is_gone);
    out.without_point.push_back(time_us);
  };
  const auto point = [&](std::int64_t time_us, const stored_reading& reading, std::optional<double> value) {
    if (value && are_same_bits(*value, reading.stored))
      out.without_point.push_back(time_us);
    else
      out.points.push_back(time_us, value.value_or(0), !value);
  };
  auto next = is.begin();
  const auto take_back_until = [&](std::int64_t time_us) {
    for (; next != is.end() && next->first < time_us; ++next) {
      const auto& [at_us, reading] = *next;
      if (!reading.counts) continue;
      out.change(at_us, reading.value, std::nullopt);
      at_us < wanted.settled_until_us ? point(at_us, reading, std::nullopt) : write(at_us, reading.stored, true);
    }
  };
  for (const auto& each : wanted.results) {
    take_back_until(each.time_us);
    const bool is_stored = next != is.end() && next->first == each.time_us;
    const auto reading = is_stored ? next->second : stored_reading{};
    if (is_stored) ++next;
    if (reading.counts && are_same_bits(reading.value, each.value)) continue;
    out.change(each.time_us, reading.counts ? std::optional(reading.value) : std::nullopt, each.value);
    if (is_stored && !reading.is_left_out && each.time_us < wanted.settled_until_us) {
      point(each.time_us, reading, each.value);
    } else {
      write(each.time_us, each.value, false);
      if (!is_stored || reading.is_left_out) out.added.push_back(each.time_us, each.value, false);
    }
  }
  take_back_until(INT64_MAX);
  return out;
}

reading_batch batch_of(sensor_id sensor, const revised_points& rows) {
  reading_batch batch;
  batch.event_time_us = rows.times_us;
  batch.value = rows.values;
  if (rows.empty()) return batch;
  batch.slices.push_back({sensor, 0, static_cast<std::uint32_t>(rows.size())});
  if (std::ranges::find(rows.gone, 1) == rows.gone.end()) return batch;
  for (const auto gone : rows.gone) batch.flags.push_back(gone != 0 ? flag_excluded : flag_none);
  return batch;
}

void add_to_head(reading_run& head, const revised_points& rows) {
  if (rows.empty()) return;
  std::map<std::int64_t, std::pair<double, std::uint8_t>> all;
  for (std::size_t i = 0; i < head.size(); ++i) all[head.event_time_us[i]] = {head.value[i], head.flags[i]};
  for (std::size_t i = 0; i < rows.size(); ++i) all[rows.times_us[i]] = {rows.values[i], flag_none};
  head = {};
  for (const auto& [time_us, row] : all) head.push_back(time_us, row.first, row.second);
}

std::shared_ptr<const revised_points> shared(revised_points points) {
  return points.empty() ? nullptr : std::make_shared<const revised_points>(std::move(points));
}

}  // namespace factory
