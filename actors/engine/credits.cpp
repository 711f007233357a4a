#include "actors/engine/credits.hpp"

#include <algorithm>
#include <utility>

#include "actors/engine/limits.hpp"

namespace factory {

namespace {

/// Subtracts when the bound allows it.
bool try_take(std::atomic<std::int64_t>& free, std::int64_t amount) {
  auto seen = free.load(std::memory_order_relaxed);
  while (seen >= amount)
    if (free.compare_exchange_weak(seen, seen - amount, std::memory_order_relaxed)) return true;
  return false;
}

}  // namespace

bool credit_pool::are_free(double share) const {
  const auto is_free = [share](const std::atomic<std::int64_t>& free, std::int64_t all) {
    return static_cast<double>(free.load()) >= share * static_cast<double>(all);
  };
  return is_free(readings_free_, readings_) && is_free(bytes_free_, bytes_);
}

bool credit_pool::admits() {
  if (are_free(limits::credit_reserve)) return true;
  refused_.fetch_add(1, std::memory_order_relaxed);
  return false;
}

bool credit_pool::plentiful() const { return are_free(limits::plentiful_credits); }

/// No wake-up is lost. A thread that returns credits first adds them, then looks for waiters; a waiter first registers, then looks at
/// the credits. So at least one of the two sees the other.
void credit_pool::call_when_plentiful(const journal::waker& wake, std::chrono::steady_clock::time_point until) {
  {
    const std::lock_guard lock(mutex_);
    const auto known = std::find_if(waiting_.begin(), waiting_.end(), [&](const waiting& each) { return each.wake == wake; });
    if (known == waiting_.end())
      waiting_.push_back({wake, until});
    else
      known->until = std::min(known->until, until);
    any_waits_.store(true);
  }
  clock_wakes_.notify_one();
  tell_if_plentiful();
}

void credit_pool::tell_if_plentiful() {
  if (!any_waits_.load() || !plentiful()) return;
  std::vector<waiting> woken;
  {
    const std::lock_guard lock(mutex_);
    woken = std::exchange(waiting_, {});
    any_waits_.store(false);
  }
  for (const waiting& each : woken) (*each.wake)();
}

void credit_pool::start_clock() {
  clock_ = std::thread([this] { run_clock(); });
}

void credit_pool::stop_clock() {
  {
    const std::lock_guard lock(mutex_);
    clock_ends_ = true;
  }
  clock_wakes_.notify_one();
  if (clock_.joinable()) clock_.join();
}

/// Wakes those whose time is over, though credits are still short.
void credit_pool::run_clock() {
  const auto sooner = [](const waiting& a, const waiting& b) { return a.until < b.until; };
  std::unique_lock lock(mutex_);
  while (!clock_ends_) {
    const auto next = std::min_element(waiting_.begin(), waiting_.end(), sooner);
    if (next == waiting_.end()) {
      clock_wakes_.wait(lock);
      continue;
    }
    if (const auto until = next->until; std::chrono::steady_clock::now() < until) {
      clock_wakes_.wait_until(lock, until);
      continue;
    }
    const auto wake = std::move(next->wake);
    waiting_.erase(next);
    lock.unlock();
    (*wake)();
    lock.lock();
  }
}

std::shared_ptr<void> credit_pool::take(std::uint64_t readings, std::uint64_t bytes) {
  const auto reading_count = static_cast<std::int64_t>(readings);
  const auto byte_count = static_cast<std::int64_t>(bytes);
  if (try_take(readings_free_, reading_count)) {
    if (try_take(bytes_free_, byte_count)) return give_back_later(reading_count, byte_count);
    readings_free_.fetch_add(reading_count, std::memory_order_relaxed);
  }
  refused_.fetch_add(1, std::memory_order_relaxed);
  return nullptr;
}

std::shared_ptr<void> credit_pool::take_anyway(std::uint64_t readings, std::uint64_t bytes) {
  const auto reading_count = static_cast<std::int64_t>(readings);
  const auto byte_count = static_cast<std::int64_t>(bytes);
  readings_free_.fetch_sub(reading_count, std::memory_order_relaxed);
  bytes_free_.fetch_sub(byte_count, std::memory_order_relaxed);
  return give_back_later(reading_count, byte_count);
}

std::shared_ptr<void> credit_pool::give_back_later(std::int64_t readings, std::int64_t bytes) {
  return {static_cast<void*>(this), [pool = shared_from_this(), readings, bytes](void*) {
            pool->readings_free_.fetch_add(readings);
            pool->bytes_free_.fetch_add(bytes);
            pool->tell_if_plentiful();
          }};
}

}  // namespace factory
