#include "actors/credits.hpp"

#include "pipelines/limits.hpp"

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

bool credit_gate::admits() {
  const auto short_of = [](const std::atomic<std::int64_t>& free, std::int64_t all) {
    return static_cast<double>(free.load(std::memory_order_relaxed)) < limits::credit_reserve * static_cast<double>(all);
  };
  if (!short_of(readings_free_, readings_) && !short_of(bytes_free_, bytes_)) return true;
  refused_.fetch_add(1, std::memory_order_relaxed);
  return false;
}

std::shared_ptr<void> credit_gate::take(std::uint64_t readings, std::uint64_t bytes) {
  const auto reading_count = static_cast<std::int64_t>(readings);
  const auto byte_count = static_cast<std::int64_t>(bytes);
  if (try_take(readings_free_, reading_count)) {
    if (try_take(bytes_free_, byte_count)) return give_back_later(reading_count, byte_count);
    readings_free_.fetch_add(reading_count, std::memory_order_relaxed);
  }
  refused_.fetch_add(1, std::memory_order_relaxed);
  return nullptr;
}

std::shared_ptr<void> credit_gate::take_anyway(std::uint64_t readings, std::uint64_t bytes) {
  const auto reading_count = static_cast<std::int64_t>(readings);
  const auto byte_count = static_cast<std::int64_t>(bytes);
  readings_free_.fetch_sub(reading_count, std::memory_order_relaxed);
  bytes_free_.fetch_sub(byte_count, std::memory_order_relaxed);
  return give_back_later(reading_count, byte_count);
}

std::shared_ptr<void> credit_gate::give_back_later(std::int64_t readings, std::int64_t bytes) {
  return {static_cast<void*>(this), [gate = shared_from_this(), readings, bytes](void*) {
            gate->readings_free_.fetch_add(readings, std::memory_order_relaxed);
            gate->bytes_free_.fetch_add(bytes, std::memory_order_relaxed);
          }};
}

}  // namespace factory
