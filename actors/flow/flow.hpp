#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "pipelines/model/reading.hpp"
#include "storage/journal/journal.hpp"

namespace factory {

/// Counts entries and readings sent to the actors, and those that all actors have finished. Thread-safe.
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

/// Something else than readings is under way as long as the pointer lives; it counts like an entry without rows.
std::shared_ptr<void> under_way(progress& counts);

/// One committed batch on its way through the actors; never copied. Its destructor returns the credits and counts its readings as
/// processed.
class batch_flow {
 public:
  batch_flow(const journal_entry& of_readings, progress& counts);
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

/// Batches that travel together; shared, and destroyed when the last actor lets go.
struct batch_group {
  /// Rows of one sensor in one batch.
  struct rows {
    const batch_flow* flow;
    slice of_flow;
  };
  std::deque<batch_flow> flows;  ///< in commit order
  std::size_t reading_count = 0;
  std::vector<rows> parts;  ///< by sensor, those of one sensor in commit order

  /// Appends an entry of readings.
  void add(const journal_entry& entry, progress& counts);
  /// Fills `parts` after the last add().
  void arrange();
};
/// REQUIRES entries of readings, in commit order.
std::shared_ptr<const batch_group> group_of(std::span<const journal_entry* const> entries, progress& counts);

}  // namespace factory
