#include "actors/flow.hpp"

#include <algorithm>
#include <chrono>

namespace factory {

void progress::processed(std::uint64_t readings) {
  processed_readings_.fetch_add(readings, std::memory_order_relaxed);
  processed_entries_.fetch_add(1);
  if (waiting_.load() == 0 || !idle()) return;
  const std::lock_guard lock(mutex_);
  became_idle_.notify_all();
}

bool progress::wait_until_idle(std::int64_t deadline_ms) {
  std::unique_lock lock(mutex_);
  waiting_.fetch_add(1);
  const bool done = became_idle_.wait_for(lock, std::chrono::milliseconds(deadline_ms), [this] { return idle(); });
  waiting_.fetch_sub(1);
  return done;
}

batch_flow::batch_flow(const journal_entry& of_readings, progress& counts)
    : sequence(of_readings.sequence),
      received_at_us(of_readings.received_at_us),
      readings(of_readings.readings),
      hold_(of_readings.hold),
      counts_(counts) {
  counts_.dispatched(readings->size());
}

batch_flow::~batch_flow() {
  hold_.reset();
  counts_.processed(readings->size());
}

std::shared_ptr<const batch_group> group_of(std::span<const journal_entry* const> entries, progress& counts) {
  auto group = std::make_shared<batch_group>();
  std::size_t parts = 0;
  for (const auto* entry : entries) parts += entry->readings->slices.size();
  group->parts.reserve(parts);
  for (const auto* entry : entries) {
    const auto& flow = group->flows.emplace_back(*entry, counts);
    for (const slice& each : flow.readings->slices) group->parts.push_back({&flow, each});
  }
  if (entries.size() > 1)  // the slices of one batch are sorted
    std::stable_sort(group->parts.begin(), group->parts.end(),
                     [](const auto& a, const auto& b) { return a.of_flow.sensor < b.of_flow.sensor; });
  return group;
}

}  // namespace factory
