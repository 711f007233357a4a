#include "storage/block/head.hpp"

#include <bit>
#include <iterator>
#include <utility>

#include "pipelines/model/coding.hpp"
#include "pipelines/model/near_end.hpp"
#include "storage/block/columns.hpp"

namespace factory {

std::size_t head::place_of(std::int64_t time_us) const {
  return lower_bound_near_end(rows_.size(), time_us, [this](std::size_t row) { return rows_.event_time_us[row]; });
}

head::effect head::put_behind(std::int64_t time_us, double value, std::uint8_t flags) {
  auto& times = rows_.event_time_us;
  const auto row = static_cast<std::ptrdiff_t>(place_of(time_us));
  if (times[static_cast<std::size_t>(row)] == time_us) {
    auto& stored = rows_.value[static_cast<std::size_t>(row)];
    auto& stored_flags = rows_.flags[static_cast<std::size_t>(row)];
    if (std::bit_cast<std::uint64_t>(stored) == std::bit_cast<std::uint64_t>(value) &&
        ((stored_flags ^ flags) & (quality_flags | left_out_flags)) == 0)
      return effect::identical;
    stored = value;
    stored_flags = flags;
    return effect::replaced;
  }
  times.insert(times.begin() + row, time_us);
  rows_.value.insert(rows_.value.begin() + row, value);
  rows_.flags.insert(rows_.flags.begin() + row, flags);
  return effect::inserted;
}

void head::insert_at(std::size_t row, std::span<const std::int64_t> times_us, std::span<const double> values,
                     flags_or_none flags) {
  const auto at = static_cast<std::ptrdiff_t>(row);
  rows_.event_time_us.insert(rows_.event_time_us.begin() + at, times_us.begin(), times_us.end());
  rows_.value.insert(rows_.value.begin() + at, values.begin(), values.end());
  if (flags.empty())
    rows_.flags.insert(rows_.flags.begin() + at, values.size(), flag_none);
  else
    rows_.flags.insert(rows_.flags.begin() + at, flags.begin(), flags.end());
}

void head::append_run(std::span<const std::int64_t> times_us, std::span<const double> values, flags_or_none flags) {
  insert_at(rows_.size(), times_us, values, flags);
}

void head::insert_run(std::span<const std::int64_t> times_us, std::span<const double> values, flags_or_none flags) {
  insert_at(place_of(times_us.front()), times_us, values, flags);
}

std::int64_t head::next_time_us(std::int64_t time_us) const {
  const auto row = place_of(time_us);
  return row == rows_.size() ? INT64_MAX : rows_.event_time_us[row];
}

std::optional<head::stored_value> head::find(std::int64_t time_us) const {
  const auto row = place_of(time_us);
  if (row == rows_.size() || rows_.event_time_us[row] != time_us) return std::nullopt;
  return stored_value{rows_.value[row], rows_.flags[row]};
}

reading_run head::take() { return std::exchange(rows_, {}); }

void head::encode(std::string& out) const {
  put_varint(out, rows_.size());
  if (!rows_.empty()) put_columns(out, rows_, effort::quick);
}

bool head::decode(std::string_view& in) {
  rows_ = {};
  std::uint64_t count = 0;
  if (!get_varint(in, count)) return false;
  if (count == 0 || get_columns(in, count, rows_)) return true;
  rows_ = {};
  return false;
}

}  // namespace factory
