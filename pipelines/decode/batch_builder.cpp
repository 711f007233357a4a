#include "pipelines/decode/batch_builder.hpp"

#include <algorithm>

namespace factory {

namespace {

void copy_grouped(const std::vector<sensor_id>& sensors, reading_batch& out) {
  const auto count = static_cast<std::uint32_t>(sensors.size());
  for (std::uint32_t begin = 0, end = 0; begin < count; begin = end) {
    while (end < count && sensors[end] == sensors[begin]) ++end;
    out.slices.push_back({sensors[begin], begin, end});
  }
}

}  // namespace

void batch_builder::clear() {
  sensor_.clear();
  time_us_.clear();
  value_.clear();
  flags_.clear();
}

void batch_builder::count_rows() {
  for (const sensor_id sensor : sensor_) {
    if (sensor >= slot_.size()) slot_.resize(std::max<std::size_t>(std::size_t{sensor} + 1, slot_.size() * 2));
    if (slot_[sensor]++ == 0) seen_.push_back(sensor);
  }
}

void batch_builder::order_seen() {
  if (std::is_sorted(seen_.begin(), seen_.end())) return;
  const auto [low, high] = std::minmax_element(seen_.begin(), seen_.end());
  // Ids are usually close together; then walking the table is faster than sorting.
  constexpr std::size_t walk_per_sensor = 16;
  if (const sensor_id first = *low, last = *high; last - first < walk_per_sensor * seen_.size()) {
    seen_.clear();
    for (std::size_t id = first; id <= last; ++id) {
      if (slot_[id] != 0) seen_.push_back(static_cast<sensor_id>(id));
    }
  } else {
    std::sort(seen_.begin(), seen_.end());
  }
}

void batch_builder::scatter(reading_batch& out) {
  count_rows();
  order_seen();
  out.slices.reserve(seen_.size());
  std::uint32_t begin = 0;
  for (const sensor_id sensor : seen_) {
    const std::uint32_t end = begin + slot_[sensor];
    out.slices.push_back({sensor, begin, end});
    slot_[sensor] = begin;
    begin = end;
  }
  out.event_time_us.resize(size());
  out.value.resize(size());
  out.flags.resize(flags_.size());
  for (std::size_t row = 0; row < size(); ++row) {
    const std::uint32_t place = slot_[sensor_[row]]++;
    out.event_time_us[place] = time_us_[row];
    out.value[place] = value_[row];
    if (!flags_.empty()) out.flags[place] = flags_[row];
  }
  for (const sensor_id sensor : seen_) slot_[sensor] = 0;
  seen_.clear();
}

reading_batch batch_builder::finish() {
  reading_batch out;
  if (!flags_.empty()) flags_.resize(size());
  if (std::is_sorted(sensor_.begin(), sensor_.end())) {
    copy_grouped(sensor_, out);
    out.event_time_us = time_us_;
    out.value = value_;
    out.flags = flags_;
  } else {
    scatter(out);
  }
  clear();
  return out;
}

}  // namespace factory
