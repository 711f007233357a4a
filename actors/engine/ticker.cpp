#include "actors/engine/ticker.hpp"

#include <chrono>
#include <utility>

namespace factory {

namespace {

constexpr auto between_ticks = std::chrono::seconds(1);

}  // namespace

ticker::ticker(awaited due_us, std::function<std::int64_t()> now_us, writer write)
    : thread_([this, due_us = std::move(due_us), now_us = std::move(now_us), write = std::move(write)] {
        std::unique_lock lock(mutex_);
        while (!wakes_.wait_for(lock, between_ticks, [this] { return ends_; })) {
          lock.unlock();
          turn(due_us, now_us(), write);
          lock.lock();
        }
      }) {}

ticker::~ticker() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  wakes_.notify_all();
  thread_.join();
}

bool ticker::turn(const awaited& due_us, std::int64_t now_us, const writer& write) {
  const auto due = due_us();
  if (!due || *due > now_us) return false;
  write(now_us);
  return true;
}

}  // namespace factory
