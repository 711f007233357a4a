#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

namespace factory {

/// The only clock that reaches the actors: writes a tick into the journal when an instant has come that somebody waits for, at most one a
/// second. Nobody waits: nothing is written. A thread of its own, as a checkpoint keeps the housekeeper for longer than a second.
class ticker {
 public:
  /// Commits a tick of this time; returns when it is committed or could not be.
  using writer = std::function<void(std::int64_t now_us)>;
  /// The earliest instant that somebody waits for.
  using awaited = std::function<std::optional<std::int64_t>()>;

  ticker(awaited due_us, std::function<std::int64_t()> now_us, writer write);
  ~ticker();
  ticker(const ticker&) = delete;
  ticker& operator=(const ticker&) = delete;

  /// One turn of its thread: writes a tick when one is due.
  static bool turn(const awaited& due_us, std::int64_t now_us, const writer& write);

 private:
  std::mutex mutex_;
  std::condition_variable wakes_;
  bool ends_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace factory
