#include "pipelines/model/recent_rows.hpp"

#include <cmath>
#include <vector>

#include "pipelines/model/coding.hpp"

namespace factory {

void put_rows(std::string& out, const recent_rows& rows) {
  put_varint(out, rows.size());
  if (rows.empty()) return;
  const auto times_us = rows.times_us();
  put_zigzag(out, times_us.front());
  for (std::size_t i = 1; i < times_us.size(); ++i)
    put_varint(out, static_cast<std::uint64_t>(times_us[i]) - static_cast<std::uint64_t>(times_us[i - 1]));
  for (const double value : rows.values()) put_double(out, value);
}

bool get_rows(std::string_view& in, recent_rows& rows) {
  std::uint64_t count = 0;
  return get_varint(in, count) && get_rows(in, count, rows);
}

bool get_rows(std::string_view& in, std::uint64_t count, recent_rows& rows) {
  rows.clear();
  if (count > in.size()) return false;
  if (count == 0) return true;
  std::vector<std::int64_t> times_us(count);
  std::vector<double> values(count);
  if (!get_zigzag(in, times_us.front())) return false;
  for (std::size_t i = 1; i < count; ++i) {
    std::uint64_t step = 0;
    if (!get_varint(in, step) || step == 0 || step > INT64_MAX ||
        __builtin_add_overflow(times_us[i - 1], static_cast<std::int64_t>(step), &times_us[i]))
      return false;
  }
  for (double& value : values)
    if (!get_double(in, value) || std::isinf(value)) return false;
  rows.append(times_us, values);
  return true;
}

}  // namespace factory
