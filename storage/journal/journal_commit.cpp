#include <algorithm>

#include "pipelines/model/coding.hpp"
#include "storage/base/limits.hpp"
#include "storage/journal/journal_impl.hpp"
#include "storage/journal/journal_positions.hpp"

namespace factory {

void journal::impl::run() {
  for (group requests = next_group(); !requests.empty(); requests = next_group()) commit(requests);
}

/// Waits for requests and takes what fits one record; empty when the journal stops and nothing waits.
journal::impl::group journal::impl::next_group() {
  group taken;
  std::size_t taken_bytes = 0;
  std::unique_lock lock(queue_mutex);
  queue_filled.wait(lock, [&] { return stopping || !queue.empty(); });
  while (!queue.empty()) {
    const std::size_t size = queue.front()->encoded.bytes.size();
    if (!taken.empty() && taken_bytes + size > limits::commit_group_bytes) break;
    taken_bytes += size;
    taken.push_back(std::move(queue.front()));
    queue.pop_front();
  }
  lock.unlock();
  put_in_time_order(taken);
  return taken;
}

/// Readings of one sensor that come by several connections overtake each other, and each that does makes the sensor judge again. So a body goes
/// ahead of those before it in the group that are newer as a whole. They have no reading in common: what is stored is the same.
/// Nothing passes what is not readings, and a source's entries stay in its order.
void journal::impl::put_in_time_order(group& requests) {
  for (std::size_t i = 1; i < requests.size(); ++i) {
    const auto is_newer = [one = requests[i].get()](const auto& before) {
      return before->entry.readings && before->oldest_us > one->newest_us;
    };
    if (!requests[i]->entry.readings || requests[i]->entry.source) continue;
    auto place = i;
    while (place > 0 && is_newer(requests[place - 1])) --place;
    const auto at = [&](std::size_t index) { return requests.begin() + static_cast<std::ptrdiff_t>(index); };
    std::rotate(at(place), at(i), at(i + 1));
  }
}

void journal::impl::commit(group& requests) {
  const auto began = std::chrono::steady_clock::now();
  auto written = truth_unknown ? establish_truth() : expected<void>();
  if (written) written = write(requests);
  const auto took = std::chrono::steady_clock::now() - began;
  commit_nanoseconds.fetch_add(static_cast<std::uint64_t>(std::chrono::nanoseconds(took).count()));
  if (written) return pass_on(requests);
  failures.fetch_add(requests.size());
  for (const auto& one : requests) answer(*one, tl::unexpected(written.error()));
  wake(requests);
  const bool tried = undecided == requests;
  if (!tried)
    let_go(requests);
  else
    (void)establish_truth();  // at once: credits and a staged change of the catalog hang on it
  requests.clear();
}

/// Of entries that are not committed: lets go of what they hold, even if a caller still has its ticket.
void journal::impl::let_go(const group& requests) {
  for (const auto& one : requests) one->entry = {};
}

expected<void> journal::impl::write(const group& requests) {
  const std::uint64_t first = last.load() + 1;
  std::vector<rocksdb::Slice> parts(1);
  bool fsync = false;
  std::size_t size = 0;
  std::uint64_t rows = 0;
  batch.Clear();
  head.clear();
  head_bytes.clear();
  for (const auto& one : requests) {
    head.add(one->encoded);
    parts.emplace_back(one->encoded.bytes);
    size += one->encoded.bytes.size();
    if (one->entry.readings) rows += one->entry.readings->size();
    fsync = fsync || one->how == durability::fsync;
    if (one->entry.source) put_position(batch, rocks, *one->entry.source);
    for (const auto& [key, value] : one->writes)
      value ? batch.Put(rocks.at(column::catalog), key, *value) : batch.Delete(rocks.at(column::catalog), key);
  }
  head.finish(first, head_bytes);
  parts.front() = head_bytes;
  const std::string key = journal_key(first);
  const rocksdb::Slice key_slice(key);
  batch.Put(rocks.at(column::journal), rocksdb::SliceParts(&key_slice, 1),
            rocksdb::SliceParts(parts.data(), static_cast<int>(parts.size())));
  size += head_bytes.size();
  auto written = rocks.write(batch, fsync, "writing the journal");
  if (!written) {
    truth_unknown = true;
    undecided = requests;
    return written;
  }
  note_length(first + requests.size() - 1, record_weight(size, rows));
  groups.fetch_add(1);
  bytes.fetch_add(size);
  return {};
}

/// After a failed write nobody knows whether its record is in the log. Its callers were told that it is not acknowledged; should
/// the record be there after all, its entries are committed and must be passed on like any others. Else their sequences are free.
expected<void> journal::impl::establish_truth() {
  const auto stored = stored_last();
  if (!stored) return tl::unexpected(stored.error());
  if (*stored > last.load())
    pass_on(undecided);
  else
    let_go(undecided);
  undecided.clear();
  truth_unknown = false;
  return {};
}

/// Observed first, answered afterwards: whoever is told finds it passed on.
void journal::impl::pass_on(group& requests) {
  std::uint64_t sequence = last.load();
  std::uint64_t rows = 0;
  std::vector<const journal_entry*> committed;
  committed.reserve(requests.size());
  for (const auto& one : requests) {
    one->entry.sequence = ++sequence;
    if (one->entry.readings) rows += one->entry.readings->size();
    committed.push_back(&one->entry);
  }
  // Before the observer, so that who reacts to an entry can read it back.
  last.store(sequence, std::memory_order_release);
  on_commit(committed);
  entries.fetch_add(requests.size());
  readings.fetch_add(rows);
  for (const auto& one : requests)
    if (one->entry.when_committed) one->entry.when_committed();
  for (const auto& one : requests) {
    const std::uint64_t given = one->entry.sequence;
    one->entry = {};  // lets go of the batch and what it holds even when the caller has given up
    answer(*one, given);
  }
  wake(requests);
  requests.clear();
}

void journal::impl::answer(request& to, expected<std::uint64_t> what) {
  const std::lock_guard lock(to.mutex);
  if (to.answer) return;  // an entry that failed and turned out to be there
  to.answer = std::move(what);
  to.has_answer.store(true, std::memory_order_release);
}

/// When all have their answers: a thread that has several in line, and waits for one after the other, sleeps once.
void journal::impl::wake(const group& requests) {
  std::vector<const waker*> woken;  // of a few threads
  for (const auto& one : requests) {
    one->answered.notify_one();  // of one with a waker too: its caller may wait all the same
    const auto is_its = [&](const waker* each) { return *each == one->wake; };
    if (one->wake && std::none_of(woken.begin(), woken.end(), is_its)) woken.push_back(&one->wake);
  }
  for (const waker* each : woken) (**each)();
}

}  // namespace factory
