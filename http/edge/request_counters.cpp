#include "http/edge/request_counters.hpp"

#include <algorithm>

namespace factory {

void request_counters::record(std::size_t index, unsigned status, std::chrono::nanoseconds took) {
  constexpr auto relaxed = std::memory_order_relaxed;
  histogram& h = calls_[std::min(index, count_)].by_class[std::clamp<std::size_t>(status / 100, 1, status_classes) - 1];
  const auto bound = std::ranges::lower_bound(bounds_seconds, std::chrono::duration<double>(took).count());
  h.buckets[static_cast<std::size_t>(bound - bounds_seconds.begin())].fetch_add(1, relaxed);
  h.nanoseconds.fetch_add(static_cast<std::uint64_t>(took.count()), relaxed);
}

request_counters::view request_counters::read(std::size_t index, std::size_t status_class) const {
  constexpr auto relaxed = std::memory_order_relaxed;
  const histogram& h = calls_[std::min(index, count_)].by_class[status_class - 1];
  view seen;
  for (std::size_t i = 0; i < seen.buckets.size(); ++i) seen.buckets[i] = h.buckets[i].load(relaxed);
  seen.seconds = static_cast<double>(h.nanoseconds.load(relaxed)) / 1e9;
  return seen;
}

}  // namespace factory
