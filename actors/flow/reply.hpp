#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "pipelines/model/result.hpp"

namespace factory {

/// One answer from an actor to a thread that waits for it. A message carries a copy; the first set() counts. When the last
/// copy inside the actor system goes without an answer (its actor failed), the waiting thread gets `unavailable` at once.
/// CAF's own request needs a scoped actor and a timer entry per call; this needs neither.
template <class T>
class reply {
  struct slot {
    std::mutex mutex;
    std::condition_variable changed;
    std::optional<expected<T>> value;
  };

  static void deliver(slot& where, expected<T> value) {
    const std::lock_guard lock(where.mutex);
    if (where.value) return;
    where.value.emplace(std::move(value));
    where.changed.notify_one();
  }

  struct sender {
    explicit sender(std::shared_ptr<slot> to) : to_(std::move(to)) {}
    sender(const sender&) = delete;
    sender& operator=(const sender&) = delete;
    ~sender() { deliver(*to_, fail(errc::unavailable, "the sensor's actor is being restarted; try again")); }
    std::shared_ptr<slot> to_;
  };

 public:
  reply() = default;

  class waiter {
   public:
    explicit waiter(std::shared_ptr<slot> from) : from_(std::move(from)) {}
    expected<T> wait_for(std::int64_t deadline_ms) {
      std::unique_lock lock(from_->mutex);
      if (!from_->changed.wait_for(lock, std::chrono::milliseconds(deadline_ms), [&] { return from_->value.has_value(); }))
        return fail(errc::timed_out, "the engine did not answer in time; it is busy, try again later");
      return std::move(*from_->value);
    }

    /// The same, but gives up soon after `hopeless()` turns true: then no answer can come.
    template <class Hopeless>
    expected<T> wait_for(std::int64_t deadline_ms, Hopeless hopeless) {
      constexpr std::int64_t look_every_ms = 100;
      for (; deadline_ms > look_every_ms; deadline_ms -= look_every_ms) {
        auto answer = wait_for(look_every_ms);
        if (answer || answer.error().code != errc::timed_out || hopeless()) return answer;
      }
      return wait_for(deadline_ms);
    }

   private:
    std::shared_ptr<slot> from_;
  };

  /// The two ends of one answer.
  static std::pair<reply, waiter> make() {
    auto shared = std::make_shared<slot>();
    return {reply(std::make_shared<sender>(shared)), waiter(shared)};
  }

  void set(expected<T> value) const {
    if (sender_) deliver(*sender_->to_, std::move(value));
  }

 private:
  explicit reply(std::shared_ptr<sender> s) : sender_(std::move(s)) {}
  std::shared_ptr<sender> sender_;
};

}  // namespace factory
