#include "pipelines/correct/revised_points.hpp"

#include <algorithm>

#include "pipelines/model/coding.hpp"

namespace factory {

revised_points joined(const revised_points& first, const revised_points& over) {
  revised_points out;
  std::size_t a = 0, b = 0;
  while (a < first.size() || b < over.size()) {
    const bool takes_first = b == over.size() || (a < first.size() && first.times_us[a] < over.times_us[b]);
    const auto& from = takes_first ? first : over;
    const auto at = takes_first ? a : b;
    if (!takes_first && a < first.size() && first.times_us[a] == over.times_us[b]) ++a;
    out.push_back(from.times_us[at], from.values[at], from.gone[at] != 0);
    ++(takes_first ? a : b);
  }
  return out;
}

revised_points without(const revised_points& all, const std::vector<std::int64_t>& times_us) {
  revised_points out;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (!std::ranges::binary_search(times_us, all.times_us[i])) out.push_back(all.times_us[i], all.values[i], all.gone[i] != 0);
  return out;
}

void put_points(std::string& out, const revised_points& points) {
  put_varint(out, points.size());
  std::int64_t before_us = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    put_zigzag(out, points.times_us[i] - before_us);
    before_us = points.times_us[i];
    put_byte(out, points.gone[i]);
    if (points.gone[i] == 0) put_double(out, points.values[i]);
  }
}

bool get_points(std::string_view& in, revised_points& points) {
  std::uint64_t count = 0;
  points = {};
  if (!get_varint(in, count) || count > in.size()) return false;
  std::int64_t time_us = 0;
  for (; count > 0; --count) {
    std::int64_t step_us = 0;
    std::uint8_t gone = 0;
    double value = 0;
    if (!get_zigzag(in, step_us) || !get_byte(in, gone) || gone > 1 || (gone == 0 && !get_double(in, value))) return false;
    if (!points.empty() && step_us <= 0) return false;
    time_us += step_us;
    points.push_back(time_us, value, gone == 1);
  }
  return true;
}

}  // namespace factory
