#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace factory {

/// Readings of one sensor that count otherwise than they are stored, one by one; as columns, by time.
struct revised_points {
  std::vector<std::int64_t> times_us;
  std::vector<double> values;      ///< what the reading counts as
  std::vector<std::uint8_t> gone;  ///< 1: it does not count; 0

  std::size_t size() const { return times_us.size(); }
  bool empty() const { return times_us.empty(); }
  void push_back(std::int64_t time_us, double value, bool is_gone) {
    times_us.push_back(time_us);
    values.push_back(value);
    gone.push_back(is_gone ? 1 : 0);
  }
  bool operator==(const revised_points&) const = default;
};

/// Those of `first` at whose times `over` has none, and those of `over`.
revised_points joined(const revised_points& first, const revised_points& over);
/// Those of the rising `times_us` taken out.
revised_points without(const revised_points& all, const std::vector<std::int64_t>& times_us);

/// Appended (coding.hpp); get_ reads from the front of `in` and advances it, and returns false, leaving both anywhere, when damaged.
void put_points(std::string& out, const revised_points& points);
bool get_points(std::string_view& in, revised_points& points);

}  // namespace factory
