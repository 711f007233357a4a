#include "storage/state/store_writer.hpp"

#include "storage/base/rocks.hpp"
#include "storage/block/block_key.hpp"
#include "storage/rollups/rollup_notes.hpp"
#include "storage/state/state_record.hpp"
#include "storage/streams/stream_records.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <iterator>
#include <mutex>
#include <thread>

namespace factory {

namespace {

constexpr std::size_t bytes_at_once = 8UL << 20U;
constexpr std::chrono::seconds between_tries{1};

}  // namespace

struct store_writer::impl {
  struct item {
    std::optional<saved_sensor> snapshot;
    std::vector<event> found;
    std::function<void()> done;
    std::uint64_t bytes = 0;
    std::optional<saved_stream> stream = {};
    std::optional<saved_mark> mark = {};
  };

  impl(database::impl& rocks_, event_log& events_) : rocks(rocks_), events(events_) {}

  database::impl& rocks;
  event_log& events;
  std::thread thread;

  mutable std::mutex mutex;
  std::condition_variable changed;
  std::deque<item> queue;        // guarded by mutex
  bool stopping = false;         // likewise
  std::optional<error> trouble;  // likewise
  std::atomic<std::uint64_t> waiting{0};

  void hand_over(item what);
  void run();
  std::vector<item> next();
  expected<void> store(const std::vector<item>& items);
  bool wait_to_try_again(error why);
};

store_writer::store_writer(database& db, event_log& events) : impl_(std::make_unique<impl>(db.raw(), events)) {}

store_writer::~store_writer() { stop(); }

void store_writer::start() {
  impl_->thread = std::thread([it = impl_.get()] { it->run(); });
}

void store_writer::stop() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->changed.notify_all();
  if (impl_->thread.joinable()) impl_->thread.join();
}

void store_writer::write(saved_sensor snapshot, std::function<void()> written) {
  std::uint64_t bytes = snapshot.state.size() + sizeof(impl::item);
  for (const auto& b : snapshot.blocks) bytes += b->bytes.size();
  impl_->hand_over({std::move(snapshot), {}, std::move(written), bytes});
}

void store_writer::write(saved_stream snapshot, std::function<void()> written) {
  const std::uint64_t bytes = snapshot.state.size() + sizeof(impl::item);
  impl_->hand_over({std::nullopt, {}, std::move(written), bytes, std::move(snapshot)});
}

void store_writer::write(saved_mark mark) {
  const std::uint64_t bytes = mark.mark.judge.size() + sizeof(impl::item);
  impl_->hand_over({std::nullopt, {}, {}, bytes, std::nullopt, std::move(mark)});
}

void store_writer::write(std::vector<event> found, std::function<void()> written) {
  const std::uint64_t bytes = found.size() * sizeof(event) + sizeof(impl::item);
  impl_->hand_over({std::nullopt, std::move(found), std::move(written), bytes});
}

void store_writer::barrier(std::function<void()> reached) {
  impl_->hand_over({std::nullopt, {}, std::move(reached), sizeof(impl::item)});
}

std::uint64_t store_writer::waiting_bytes() const { return impl_->waiting.load(std::memory_order_relaxed); }

std::optional<error> store_writer::health() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->trouble;
}

void store_writer::impl::hand_over(item what) {
  waiting.fetch_add(what.bytes, std::memory_order_relaxed);
  bool was_empty = false;
  {
    const std::lock_guard lock(mutex);
    was_empty = queue.empty();
    queue.push_back(std::move(what));
  }
  if (was_empty) changed.notify_one();
}

void store_writer::impl::run() {
  for (std::vector<item> items = next(); !items.empty(); items = next()) {
    for (auto stored = store(items); !stored; stored = store(items))
      if (!wait_to_try_again(stored.error())) return;
    std::uint64_t bytes = 0;
    for (item& one : items) {
      bytes += one.bytes;
      if (one.done) one.done();
    }
    waiting.fetch_sub(bytes, std::memory_order_relaxed);
    const std::lock_guard lock(mutex);
    trouble.reset();
  }
}

/// Takes a portion of the waiting work; empty when the writer stops and nothing waits.
std::vector<store_writer::impl::item> store_writer::impl::next() {
  std::vector<item> taken;
  std::uint64_t bytes = 0;
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return stopping || !queue.empty(); });
  while (!queue.empty() && bytes < bytes_at_once) {
    bytes += queue.front().bytes;
    taken.push_back(std::move(queue.front()));
    queue.pop_front();
  }
  return taken;
}

/// Events first: a state on disk must never have seen readings whose events are missing. An event that is written before an
/// earlier state is harmless, because it would be found again with the same key.
expected<void> store_writer::impl::store(const std::vector<item>& items) {
  std::vector<event> found;
  rocksdb::WriteBatch batch;
  for (const item& one : items) {
    found.insert(found.end(), one.found.begin(), one.found.end());
    if (one.stream)
      batch.Put(rocks.at(column::state), stream_state_key(one.stream->key),
                encode_stream_state(one.stream->applied_sequence, one.stream->state));
    if (one.mark)
      if (auto staged = stage_mark(batch, rocks, *one.mark); !staged) return staged;
    if (!one.snapshot) continue;
    const saved_sensor& snapshot = *one.snapshot;
    for (const auto& b : snapshot.blocks) {
      batch.Put(rocks.at(column::blocks), encode(key_of(*b)), b->bytes);
      note_for_rollup(batch, rocks, *b);
    }
    batch.Put(rocks.at(column::state), state_key(snapshot.sensor), encode_state(snapshot.applied_sequence, snapshot.state));
  }
  if (!found.empty()) {
    if (auto appended = events.append(std::move(found)); !appended) return tl::unexpected(appended.error());
  }
  if (batch.Count() == 0) return {};
  return rocks.write(batch, false, "writing blocks and states");
}

/// False when the writer stops: waiting work is then given up, because the journal has it.
bool store_writer::impl::wait_to_try_again(error why) {
  std::unique_lock lock(mutex);
  trouble = std::move(why);
  return !changed.wait_for(lock, between_tries, [&] { return stopping; });
}

}  // namespace factory
