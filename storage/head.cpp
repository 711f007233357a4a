#include "storage/head.hpp"

#include <algorithm>
#include <bit>
#include <iterator>
#include <utility>

#include "pipelines/coding.hpp"
#include "storage/columns.hpp"

namespace factory {

head::effect head::put_behind(std::int64_t time_us, double value, std::uint8_t flags) {
  auto& times = rows_.event_time_us;
  const auto place = std::lower_bound(times.begin(), times.end(), time_us);
  const auto row = std::distance(times.begin(), place);
  if (*place == time_us) {
    auto& stored = rows_.value[static_cast<std::size_t>(row)];
    if (std::bit_cast<std::uint64_t>(stored) == std::bit_cast<std::uint64_t>(value)) return effect::identical;
    stored = value;
    rows_.flags[static_cast<std::size_t>(row)] = flags;
    return effect::replaced;
  }
  times.insert(place, time_us);
  rows_.value.insert(rows_.value.begin() + row, value);
  rows_.flags.insert(rows_.flags.begin() + row, flags);
  return effect::inserted;
}

std::optional<double> head::at(std::int64_t time_us) const {
  const auto& times = rows_.event_time_us;
  const auto place = std::lower_bound(times.begin(), times.end(), time_us);
  if (place == times.end() || *place != time_us) return std::nullopt;
  return rows_.value[static_cast<std::size_t>(std::distance(times.begin(), place))];
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
