#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

#include "actors/flow/tick_book.hpp"

namespace factory {

/// The only clock that reaches the actors: writes a tick into the journal when an instant has come that a sensor waits for, at most one a
/// second. Nobody waits: nothing is written. A thread of its own, as a checkpoint keeps the housekeeper for longer than a second.
class ticker {
 public:
  /// Commits a tick of this time; returns when it is committed or could not be.
  using writer = std::function<void(std::int64_t now_us)>;

  ticker(const tick_book& book, std::function<std::int64_t()> now_us, writer write);
  ~ticker();
  ticker(const ticker&) = delete;
  ticker& operator=(const ticker&) = delete;

  /// One turn of its thread: writes a tick when one is due.
  static bool turn(const tick_book& book, std::int64_t now_us, const writer& write);

 private:
  std::mutex mutex_;
  std::condition_variable wakes_;
  bool ends_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace factory
