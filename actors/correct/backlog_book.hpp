#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "actors/correct/limits.hpp"
#include "pipelines/model/reading.hpp"
#include "storage/streams/pipeline_store.hpp"

namespace factory {

/// Which sensors, or instances of pipelines, have readings that came too late to be judged at once, as their actors last said. Thread-safe. One is due when no more of
/// them came for a while: a gateway that sends hours of buffer is judged once, not with each of its bodies.
template <class Key>
class basic_backlog_book {
 public:
  using clock = std::chrono::steady_clock;
  /// Event times of the first and the last of them, and how many late readings the sensor has had in all.
  struct entry {
    std::int64_t first_us = 0, last_us = 0;
    std::uint64_t late_count = 0;
  };

  /// `wake` must outlive the book, be quick, and not call it.
  void when_put(std::function<void()> wake) {
    const std::lock_guard lock(mutex_);
    wake_ = std::move(wake);
  }
  void put(const Key& whose, const entry& now_has) {
    const std::lock_guard lock(mutex_);
    const auto now = clock::now();
    auto& known = waiting_.try_emplace(whose, waiting{{}, now, now}).first->second;
    known.what = now_has;
    known.newest = now;
    if (wake_) wake_();
  }
  void erase(const Key& whose) {
    const std::lock_guard lock(mutex_);
    waiting_.erase(whose);
  }
  /// Takes one that is due out of the book; in `next` when to ask again if none is.
  std::optional<std::pair<Key, entry>> take_due(std::optional<clock::time_point>& next) {
    const std::lock_guard lock(mutex_);
    next.reset();
    const auto now = clock::now();
    for (auto at = waiting_.begin(); at != waiting_.end(); ++at) {
      const auto due = std::min(at->second.newest + std::chrono::milliseconds(limits::backlog_quiet_ms),
                                at->second.first + std::chrono::milliseconds(limits::backlog_longest_ms));
      if (due <= now) {
        const std::pair found(at->first, at->second.what);
        waiting_.erase(at);
        return found;
      }
      next = next ? std::min(*next, due) : due;
    }
    return std::nullopt;
  }
  /// Takes this one out of the book, due or not.
  std::optional<entry> take(const Key& whose) {
    const std::lock_guard lock(mutex_);
    const auto at = waiting_.find(whose);
    if (at == waiting_.end()) return std::nullopt;
    const auto found = at->second.what;
    waiting_.erase(at);
    return found;
  }
  bool has(const Key& whose) const {
    const std::lock_guard lock(mutex_);
    return waiting_.contains(whose);
  }
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return waiting_.size();
  }
  bool empty() const { return size() == 0; }

 private:
  struct waiting {
    entry what;
    clock::time_point first, newest;
  };
  mutable std::mutex mutex_;
  std::map<Key, waiting> waiting_;
  std::function<void()> wake_;
};
using backlog_book = basic_backlog_book<sensor_id>;
using stream_backlog = basic_backlog_book<stream_key>;

}  // namespace factory
