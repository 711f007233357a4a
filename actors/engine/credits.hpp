#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "storage/journal/journal.hpp"

namespace factory {

/// The bound on everything between a socket and a window: readings and bytes in flight.
/// A request takes credits before it is accepted; they return when the last actor lets go of the batch. Thread-safe. Takes a lock only
/// while a caller waits for credits.
class credit_pool : public std::enable_shared_from_this<credit_pool> {
 public:
  credit_pool(std::uint64_t readings, std::uint64_t bytes)
      : readings_(static_cast<std::int64_t>(readings)),
        bytes_(static_cast<std::int64_t>(bytes)),
        readings_free_(readings_),
        bytes_free_(bytes_) {}
  /// False, and counted as a refusal, while less than limits::credit_reserve of either bound is free: the caller then refuses the body
  /// without decoding it. Takes no credit.
  bool admits();
  /// The credits return when the pointer's last copy is destroyed. Null when either bound would be exceeded.
  std::shared_ptr<void> take(std::uint64_t readings, std::uint64_t bytes);
  /// Like take, but may exceed the bounds: for work that is already committed.
  std::shared_ptr<void> take_anyway(std::uint64_t readings, std::uint64_t bytes);

  /// Whether limits::plentiful_credits of both bounds are free.
  bool plentiful() const;
  /// Calls `wake` once when plentiful() turns true, or at `until` at the latest, however often it was registered: on this thread, on the
  /// one that returns credits, or on the clock's.
  void call_when_plentiful(const journal::waker& wake, std::chrono::steady_clock::time_point until);
  /// From now on a thread keeps the promise of `until`. It must be stopped before the pool's owner goes.
  void start_clock();
  void stop_clock();

  std::int64_t readings_free() const { return readings_free_.load(std::memory_order_relaxed); }
  std::int64_t bytes_free() const { return bytes_free_.load(std::memory_order_relaxed); }
  std::uint64_t refused_count() const { return refused_.load(std::memory_order_relaxed); }

 private:
  std::shared_ptr<void> give_back_later(std::int64_t readings, std::int64_t bytes);
  bool are_free(double share) const;
  void tell_if_plentiful();

  const std::int64_t readings_, bytes_;
  std::atomic<std::int64_t> readings_free_, bytes_free_;
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<bool> any_waits_{false};
  std::mutex mutex_;
  struct waiting {
    journal::waker wake;
    std::chrono::steady_clock::time_point until;
  };
  void run_clock();
  std::condition_variable clock_wakes_;
  bool clock_ends_ = false;  // guarded by mutex_
  std::thread clock_;
  std::vector<waiting> waiting_;  // guarded by mutex_
};

}  // namespace factory
