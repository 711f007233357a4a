#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "pipelines/model/reading.hpp"
#include "pipelines/model/result.hpp"
#include "pipelines/model/sensor_set.hpp"
#include "storage/journal/journal.hpp"

namespace factory {

class credit_pool;

struct ingest_receipt {
  std::uint64_t inserted = 0;
  std::uint64_t sequence = 0;
  durability level = durability::fsync;
  /// Of these, that no detector and no alarm will see, as far as was known when they were accepted: late, from the future, of bad quality.
  std::uint64_t not_judged = 0;
};

/// An ingest that is accepted and in line for the next commit.
class pending_ingest {
 public:
  explicit pending_ingest(const ingest_receipt& nothing_to_do) : receipt_(nothing_to_do) {}
  pending_ingest(const ingest_receipt& receipt, journal::ticket in_line) : receipt_(receipt), in_line_(std::move(in_line)) {}
  /// Delays the answer while credits run short, so that a client which waits for answers sends no faster than readings are processed.
  /// Applies to long entries (limits::paced_readings) and needs a waker; otherwise it does nothing.
  void pace(std::shared_ptr<credit_pool> credits, journal::waker wake);
  /// Waits until the readings are committed. To be called once, while the engine lives.
  expected<ingest_receipt> wait();
  /// True when wait() would return at once. After false, the waker of begin_ingest says when to ask again.
  bool ready() const;

 private:
  struct pacing {
    std::shared_ptr<credit_pool> credits;
    journal::waker wake;
    std::chrono::steady_clock::time_point until;
  };
  ingest_receipt receipt_;
  std::optional<journal::ticket> in_line_;
  std::optional<pacing> paced_;
};

/// Readings in: takes credits (overloaded when there are none), appends to the journal, returns when committed; by then the readings are
/// in the mailboxes of their sensor actors.
class ingest_port {
 public:
  virtual ~ingest_port() = default;
  /// overloaded when credits are nearly exhausted: the caller then refuses a body before decoding it, which costs almost nothing.
  virtual expected<void> admit() = 0;
  /// The first half of ingest(). It does not wait for the disk, so one thread can put many bodies into one commit. The engine calls `wake`
  /// on one of its threads when the ingest is ready; `wake` must not block.
  virtual expected<pending_ingest> begin_ingest(reading_batch batch, durability how, std::size_t body_bytes = 0,
                                                journal::waker wake = {}) = 0;
  /// Sensors that pipelines fill: nobody else may write to them. Null: there are none.
  virtual std::shared_ptr<const sensor_set> derived_sensors() const = 0;
  /// `body_bytes` is the memory that the request holds in addition to the readings.
  expected<ingest_receipt> ingest(reading_batch batch, durability how, std::size_t body_bytes = 0) {
    return begin_ingest(std::move(batch), how, body_bytes).and_then([](pending_ingest pending) { return pending.wait(); });
  }
};

}  // namespace factory
