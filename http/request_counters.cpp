#include "http/request_counters.hpp"

#include <algorithm>

namespace factory {

void request_counters::record(std::size_t index, unsigned status, std::chrono::nanoseconds took) {
  constexpr auto relaxed = std::memory_order_relaxed;
  call& c = calls_[std::min(index, count_)];
  c.by_class[std::clamp(status / 100, 1U, 5U) - 1].fetch_add(1, relaxed);
  const double seconds = std::chrono::duration<double>(took).count();
  const auto bound = std::ranges::lower_bound(bounds_seconds, seconds);
  c.buckets[static_cast<std::size_t>(bound - bounds_seconds.begin())].fetch_add(1, relaxed);
  c.nanoseconds.fetch_add(static_cast<std::uint64_t>(took.count()), relaxed);
}

request_counters::view request_counters::read(std::size_t index) const {
  constexpr auto relaxed = std::memory_order_relaxed;
  const call& c = calls_[std::min(index, count_)];
  view seen;
  for (std::size_t i = 0; i < seen.by_class.size(); ++i) seen.by_class[i] = c.by_class[i].load(relaxed);
  for (std::size_t i = 0; i < seen.buckets.size(); ++i) seen.buckets[i] = c.buckets[i].load(relaxed);
  seen.seconds = static_cast<double>(c.nanoseconds.load(relaxed)) / 1e9;
  return seen;
}

}  // namespace factory
