#include "actors/flow.hpp"

#include <chrono>
#include <utility>

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

batch_flow::batch_flow(std::uint64_t sequence_number, std::int64_t received_us, std::shared_ptr<const reading_batch> batch,
                       std::shared_ptr<void> hold, progress& counts)
    : sequence(sequence_number),
      received_at_us(received_us),
      readings(std::move(batch)),
      hold_(std::move(hold)),
      counts_(counts) {
  counts_.dispatched(readings->size());
}

batch_flow::~batch_flow() {
  hold_.reset();
  counts_.processed(readings->size());
}

}  // namespace factory
