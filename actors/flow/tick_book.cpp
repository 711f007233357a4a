#include "actors/flow/tick_book.hpp"

#include <algorithm>
#include <iterator>

#include "actors/engine/limits.hpp"

namespace factory {

namespace {

bool is_earlier(const tick& a, const tick& b) { return a.sequence < b.sequence; }

std::optional<tick> first_of(const std::deque<tick>& ticks, std::uint64_t after, std::uint64_t before, std::int64_t due_us) {
  const auto begin = std::upper_bound(ticks.begin(), ticks.end(), tick{after, 0}, is_earlier);
  const auto found =
      std::find_if(begin, ticks.end(), [&](const tick& each) { return each.sequence >= before || each.at_us >= due_us; });
  return found == ticks.end() || found->sequence >= before ? std::nullopt : std::optional(*found);
}

}  // namespace

std::optional<tick> tick_book::first(std::uint64_t after, std::uint64_t before, std::int64_t due_us) const {
  if (due_us > latest_us_.load(std::memory_order_relaxed)) return std::nullopt;  // nearly always
  const std::lock_guard lock(mutex_);
  return first_of(ticks_, after, before, due_us);
}

void tick_book::close() {
  const std::lock_guard lock(mutex_);
  tell_ = nullptr;
}

void tick_book::wait(sensor_id sensor, std::uint64_t after, std::int64_t due_us) {
  const std::lock_guard lock(mutex_);
  if (const auto there = first_of(ticks_, after, UINT64_MAX, due_us)) {
    if (tell_) tell_(sensor, *there);
    return;
  }
  const auto known = wishes_.find(sensor);
  if (known != wishes_.end() && known->second <= due_us) return;
  erase_wish(sensor);
  wishes_[sensor] = due_us;
  by_due_.emplace(due_us, sensor);
}

void tick_book::erase_wish(sensor_id sensor) {
  const auto known = wishes_.find(sensor);
  if (known == wishes_.end()) return;
  by_due_.erase({known->second, sensor});
  wishes_.erase(known);
}

void tick_book::forget(sensor_id sensor) {
  const std::lock_guard lock(mutex_);
  erase_wish(sensor);
}

void tick_book::put(const tick& committed) {
  const std::lock_guard lock(mutex_);
  ticks_.push_back(committed);
  latest_us_ = std::max(latest_us_.load(), committed.at_us);
  if (ticks_.size() > limits::ticks_kept) ticks_.pop_front();
  while (!by_due_.empty() && by_due_.begin()->first <= committed.at_us) {
    const auto sensor = by_due_.begin()->second;
    erase_wish(sensor);
    if (tell_) tell_(sensor, committed);
  }
}

void tick_book::put_again(const std::vector<tick>& old) {
  const std::lock_guard lock(mutex_);
  std::deque<tick> all;
  std::set_union(old.begin(), old.end(), ticks_.begin(), ticks_.end(), std::back_inserter(all), is_earlier);
  ticks_ = std::move(all);
  for (const auto& each : ticks_) latest_us_ = std::max(latest_us_.load(), each.at_us);
}

void tick_book::forget_when(const std::function<bool()>& idle) {
  const std::lock_guard lock(mutex_);
  if (ticks_.empty() || !idle()) return;
  ticks_.clear();
  latest_us_ = INT64_MIN;
}

std::size_t tick_book::size() const {
  const std::lock_guard lock(mutex_);
  return ticks_.size();
}

std::optional<std::int64_t> tick_book::due_us() const {
  const std::lock_guard lock(mutex_);
  return by_due_.empty() ? std::nullopt : std::optional(by_due_.begin()->first);
}

std::size_t tick_book::waiting() const {
  const std::lock_guard lock(mutex_);
  return wishes_.size();
}

}  // namespace factory
