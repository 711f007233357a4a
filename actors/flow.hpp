#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>

#include "pipelines/reading.hpp"

namespace factory {

/// Counts commits and readings that went out to the actors and those that all actors are done with. Thread-safe.
class progress {
 public:
  void dispatched(std::uint64_t readings) {
    dispatched_entries_.fetch_add(1);
    dispatched_readings_.fetch_add(readings, std::memory_order_relaxed);
  }
  void processed(std::uint64_t readings);
  std::uint64_t dispatched_readings() const { return dispatched_readings_.load(std::memory_order_relaxed); }
  std::uint64_t processed_readings() const { return processed_readings_.load(std::memory_order_relaxed); }
  bool idle() const { return processed_entries_.load() == dispatched_entries_.load(); }
  /// Waits until nothing is under way; false after the deadline.
  bool wait_until_idle(std::int64_t deadline_ms);

 private:
  std::atomic<std::uint64_t> dispatched_entries_{0}, processed_entries_{0};
  std::atomic<std::uint64_t> dispatched_readings_{0}, processed_readings_{0};
  std::atomic<int> waiting_{0};
  std::mutex mutex_;
  std::condition_variable became_idle_;
};

/// One committed batch on its way through the actors; shared, never copied. The last actor to let go of it gives the
/// credits back and counts the readings as processed.
class batch_flow {
 public:
  batch_flow(std::uint64_t sequence, std::int64_t received_at_us, std::shared_ptr<const reading_batch> readings,
             std::shared_ptr<void> hold, progress& counts);
  ~batch_flow();
  batch_flow(const batch_flow&) = delete;
  batch_flow& operator=(const batch_flow&) = delete;

  const std::uint64_t sequence;
  const std::int64_t received_at_us;
  const std::shared_ptr<const reading_batch> readings;

 private:
  std::shared_ptr<void> hold_;
  progress& counts_;
};

}  // namespace factory
