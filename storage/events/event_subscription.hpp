#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "pipelines/model/event.hpp"
#include "pipelines/model/result.hpp"

namespace factory {

/// A reader that follows the event log (event_log::subscribe).
///
///   * next() gives every event after the cursor, once, by sequence. The cursor is all there is to keep: seek() to it resumes.
///   * A subscriber holds no events. The newest limits::feed_events are in memory for all of them together; one that is slower, or
///     begins farther back, reads from the log. It never delays the writer.
///   * `wake` is called when there is something new, then not again before a next() that came back empty. It is called on the thread that
///     appends: it must not wait, and must not call the subscription.
///
/// One thread at a time.
class event_subscription {
 public:
  struct impl;
  explicit event_subscription(std::unique_ptr<impl> parts);
  ~event_subscription();
  event_subscription(const event_subscription&) = delete;
  event_subscription& operator=(const event_subscription&) = delete;

  /// Up to `most` events; empty when there is none yet. After an error the cursor is where it was.
  expected<std::vector<event>> next(std::size_t most);
  std::uint64_t cursor() const;  ///< sequence of the last event that next() gave
  void seek(std::uint64_t after);

 private:
  std::unique_ptr<impl> impl_;
};

}  // namespace factory
