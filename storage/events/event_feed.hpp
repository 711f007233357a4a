#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "storage/events/event_subscription.hpp"

/// For this room only: what all subscribers of an event log share.
namespace factory {

class event_log;
class event_feed;

struct event_subscription::impl {
  const event_log* log = nullptr;
  event_feed* feed = nullptr;
  std::function<void()> wake;
  std::uint64_t cursor = 0;
  bool armed = true;  ///< to be woken by the next event; guarded by the feed
};

/// Thread-safe. The events in memory have no gap between them: what is after a cursor within them is all there is.
class event_feed {
 public:
  /// Events that are in the log now, by sequence, above all that were published before.
  void publish(std::vector<event> stored);
  void add(event_subscription::impl& subscriber);
  void remove(event_subscription::impl& subscriber);
  /// What is in memory after the subscriber's cursor; nullopt when that has to be read from the log. Arms it when there is no more.
  std::optional<std::vector<event>> newer(event_subscription::impl& subscriber, std::size_t most);

 private:
  std::mutex guard_;
  std::deque<event> newest_;
  std::set<event_subscription::impl*> subscribers_;
};

}  // namespace factory
