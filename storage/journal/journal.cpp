#include "storage/journal/journal.hpp"

#include <algorithm>

#include "storage/base/limits.hpp"
#include "storage/journal/journal_impl.hpp"
#include "storage/journal/journal_positions.hpp"

namespace factory {

journal::journal(database& db) : journal(db, std::chrono::milliseconds(limits::commit_deadline_ms)) {}

journal::journal(database& db, std::chrono::milliseconds deadline) : impl_(std::make_unique<impl>(db.raw(), deadline)) {}

journal::~journal() { stop(); }

journal::impl::impl(database::impl& opened, std::chrono::milliseconds give_up_after) : rocks(opened), deadline(give_up_after) {
  survey();
}

void journal::start(group_observer on_commit) {
  impl_->on_commit = std::move(on_commit);
  const std::lock_guard lock(impl_->queue_mutex);
  impl_->running = true;
  impl_->committer = std::thread([it = impl_.get()] { it->run(); });
}

void journal::stop() {
  {
    const std::lock_guard lock(impl_->queue_mutex);
    impl_->stopping = true;
    impl_->running = false;
  }
  impl_->queue_filled.notify_one();
  if (impl_->committer.joinable()) impl_->committer.join();
}

expected<std::uint64_t> journal::append(journal_entry entry, durability how, std::vector<catalog_write> writes) {
  return begin(std::move(entry), how, std::move(writes)).and_then([](ticket in_line) { return in_line.wait(); });
}

expected<journal::ticket> journal::begin(journal_entry entry, durability how, std::vector<catalog_write> writes, waker wake) {
  if (entry.source && entry.source->source.size() > limits::name_bytes)
    return fail(errc::invalid, "the name of a source is longer than " + std::to_string(limits::name_bytes) + " bytes");
  auto request = std::make_shared<impl::request>();
  request->entry = std::move(entry);
  request->encoded = encode(request->entry);
  if (request->entry.readings) {
    for (const std::int64_t time_us : request->entry.readings->event_time_us) {
      request->oldest_us = std::min(request->oldest_us, time_us);
      request->newest_us = std::max(request->newest_us, time_us);
    }
  }
  request->how = how;
  request->writes = std::move(writes);
  request->wake = std::move(wake);
  {
    const std::lock_guard lock(impl_->queue_mutex);
    if (impl_->unreadable) return tl::unexpected(*impl_->unreadable);
    if (!impl_->running) return fail(errc::stopping, "The journal takes no entries: the engine is starting or stopping.");
    impl_->queue.push_back(request);
    if (impl_->queue.size() == 1) impl_->queue_filled.notify_one();
  }
  ticket in_line;
  in_line.request_ = std::move(request);
  in_line.deadline_ = std::chrono::steady_clock::now() + impl_->deadline;
  return in_line;
}

expected<std::vector<source_position>> journal::positions() const { return read_positions(impl_->rocks); }

expected<std::uint64_t> journal::ticket::wait() {
  if (!request_) return 0;
  std::unique_lock lock(request_->mutex);
  if (!request_->answered.wait_until(lock, deadline_, [&] { return request_->answer.has_value(); }))
    return fail(errc::timed_out,
                "The disk did not take the readings in time; they may still be stored. Sending them again is safe.");
  return std::move(*request_->answer);
}

bool journal::ticket::ready() const {
  return !request_ || request_->has_answer.load(std::memory_order_acquire) || std::chrono::steady_clock::now() >= deadline_;
}

std::uint64_t journal::last_sequence() const { return impl_->last.load(std::memory_order_acquire); }
std::uint64_t journal::floor() const { return impl_->floor.load(std::memory_order_acquire); }

std::uint64_t journal::bytes_above_floor() const {
  const std::lock_guard lock(impl_->length_mutex);
  return impl_->length_bytes;
}

journal::counters journal::count() const {
  counters c;
  c.groups = impl_->groups.load();
  c.entries = impl_->entries.load();
  c.readings = impl_->readings.load();
  c.bytes = impl_->bytes.load();
  c.failures = impl_->failures.load();
  c.commit_seconds = static_cast<double>(impl_->commit_nanoseconds.load()) * 1e-9;
  const std::lock_guard lock(impl_->queue_mutex);
  c.waiting = impl_->queue.size();
  return c;
}

}  // namespace factory
