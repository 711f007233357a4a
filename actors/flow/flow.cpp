#include "actors/flow/flow.hpp"

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

std::shared_ptr<void> under_way(progress& counts) {
  counts.dispatched(0);
  return {static_cast<void*>(&counts), [&counts](void*) { counts.processed(0); }};
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

void batch_group::add(const journal_entry& entry, progress& counts) {
  flows.emplace_back(entry, counts);
  reading_count += entry.readings->size();
}

/// The slices of one batch are sorted: as many runs as batches, merged in pairs.
void batch_group::arrange() {
  const auto by_sensor = [](const rows& a, const rows& b) { return a.of_flow.sensor < b.of_flow.sensor; };
  std::vector<std::ptrdiff_t> ends{0};  // of the runs
  for (const auto& flow : flows) {
    for (const slice& each : flow.readings->slices) parts.push_back({&flow, each});
    ends.push_back(std::ssize(parts));
  }
  while (ends.size() > 2) {
    std::vector<std::ptrdiff_t> merged{0};
    for (std::size_t i = 2; i < ends.size(); i += 2) {
      std::inplace_merge(parts.begin() + ends[i - 2], parts.begin() + ends[i - 1], parts.begin() + ends[i], by_sensor);
      merged.push_back(ends[i]);
    }
    if (merged.back() != ends.back()) merged.push_back(ends.back());  // an odd one
    ends = std::move(merged);
  }
}

std::shared_ptr<const batch_group> group_of(std::span<const journal_entry* const> entries, progress& counts) {
  auto group = std::make_shared<batch_group>();
  for (const auto* entry : entries) group->add(*entry, counts);
  group->arrange();
  return group;
}

}  // namespace factory
