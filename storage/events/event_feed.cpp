#include "storage/events/event_feed.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "storage/base/limits.hpp"
#include "storage/events/event_log_impl.hpp"

namespace factory {

void event_feed::publish(std::vector<event> stored) {
  if (stored.empty()) return;
  const std::lock_guard lock(guard_);
  std::move(stored.begin(), stored.end(), std::back_inserter(newest_));
  while (newest_.size() > limits::feed_events) newest_.pop_front();
  for (auto* const each : subscribers_)
    if (std::exchange(each->armed, false) && each->wake) each->wake();
}

void event_feed::add(event_subscription::impl& subscriber) {
  const std::lock_guard lock(guard_);
  subscribers_.insert(&subscriber);
}

void event_feed::remove(event_subscription::impl& subscriber) {
  const std::lock_guard lock(guard_);
  subscribers_.erase(&subscriber);
}

std::optional<std::vector<event>> event_feed::newer(event_subscription::impl& subscriber, std::size_t most) {
  const std::lock_guard lock(guard_);
  subscriber.armed = true;  // also before a read of the log: what is stored during it wakes
  if (newest_.empty() || subscriber.cursor + 1 < newest_.front().sequence) return std::nullopt;
  auto from = std::ranges::upper_bound(newest_, subscriber.cursor, {}, &event::sequence);
  const auto count = std::min<std::size_t>(most, static_cast<std::size_t>(newest_.end() - from));
  std::vector<event> found(from, from + static_cast<std::ptrdiff_t>(count));
  subscriber.armed = found.empty();
  return found;
}

std::unique_ptr<event_subscription> event_log::subscribe(std::uint64_t after, std::function<void()> wake) const {
  auto parts = std::make_unique<event_subscription::impl>();
  parts->log = this;
  parts->feed = &impl_->feed;
  parts->wake = std::move(wake);
  parts->cursor = after;
  impl_->feed.add(*parts);
  return std::make_unique<event_subscription>(std::move(parts));
}

event_subscription::event_subscription(std::unique_ptr<impl> parts) : impl_(std::move(parts)) {}

event_subscription::~event_subscription() { impl_->feed->remove(*impl_); }

expected<std::vector<event>> event_subscription::next(std::size_t most) {
  expected<std::vector<event>> found;
  if (auto newer = impl_->feed->newer(*impl_, most)) {
    found = std::move(*newer);
  } else {
    found = impl_->log->query({.after_sequence = impl_->cursor, .descending = false, .limit = most});
  }
  if (found && !found->empty()) impl_->cursor = found->back().sequence;
  return found;
}

std::uint64_t event_subscription::cursor() const { return impl_->cursor; }
void event_subscription::seek(std::uint64_t after) { impl_->cursor = after; }

}  // namespace factory
