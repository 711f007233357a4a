#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>

namespace factory {

/// A set of instants, kept as closed intervals [first, last] that neither overlap nor touch. Bounded memory is the caller's business.
class interval_set {
 public:
  /// First instant of each interval, by its last one.
  using map = std::map<std::int64_t, std::int64_t>;

  /// Joins [first_us, last_us] with what it overlaps or touches. REQUIRES first_us <= last_us.
  void add(std::int64_t first_us, std::int64_t last_us) {
    constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min(), most = std::numeric_limits<std::int64_t>::max();
    const std::int64_t reaches_from = first_us == least ? least : first_us - 1, reaches_to = last_us == most ? most : last_us + 1;
    auto it = by_last_.lower_bound(reaches_from);
    while (it != by_last_.end() && it->second <= reaches_to) {
      first_us = std::min(first_us, it->second);
      last_us = std::max(last_us, it->first);
      it = by_last_.erase(it);
    }
    by_last_.emplace(last_us, first_us);
  }
  bool empty() const { return by_last_.empty(); }
  /// The first interval that ends at `time_us` or later.
  map::const_iterator reaching(std::int64_t time_us) const { return by_last_.lower_bound(time_us); }
  map::const_iterator begin() const { return by_last_.begin(); }
  map::const_iterator end() const { return by_last_.end(); }

 private:
  map by_last_;
};

}  // namespace factory
