#include <rocksdb/convenience.h>

#include <algorithm>

#include "pipelines/model/coding.hpp"
#include "storage/journal/journal_impl.hpp"

namespace factory {
namespace {

constexpr std::string_view floor_key = "journal_floor";
constexpr std::uint64_t stretch_bytes = 64UL << 10U;

std::unique_ptr<rocksdb::Iterator> iterate(const database::impl& rocks, rocksdb::ReadOptions options = {}) {
  options.fill_cache = false;
  return std::unique_ptr<rocksdb::Iterator>(rocks.db->NewIterator(options, rocks.at(column::journal)));
}

expected<std::uint64_t> first_sequence_of(const rocksdb::Iterator& at) {
  std::string_view key = to_view(at.key());
  std::uint64_t first = 0;
  if (!get_key64(key, first) || !key.empty())
    return fail(errc::corrupt, "the journal holds a key that is no sequence; restore the newest snapshot");
  return first;
}

tl::unexpected<error> missing(std::uint64_t sequence) {
  return fail(errc::corrupt, "the journal lacks entry " + std::to_string(sequence) + "; restore the newest snapshot");
}

expected<std::uint64_t> read_floor(const database::impl& rocks) {
  std::string stored;
  const auto status = rocks.db->Get(rocksdb::ReadOptions(), rocks.at(column::state), to_slice(floor_key), &stored);
  if (status.IsNotFound()) return 0;
  if (!status.ok()) return tl::unexpected(to_error(status, "reading the journal's floor"));
  std::string_view in = stored;
  std::uint64_t floor = 0;
  if (!get_fixed64(in, floor) || !in.empty())
    return fail(errc::corrupt, "the journal's floor cannot be read; restore the newest snapshot");
  return floor;
}

}  // namespace

std::string journal_key(std::uint64_t first_sequence) {
  std::string key;
  put_key64(key, first_sequence);
  return key;
}

/// Finds floor, last sequence and length at opening.
void journal::impl::survey() {
  const auto found = read_floor(rocks);
  if (!found) {
    unreadable = found.error();
    return;
  }
  floor = *found;
  const auto it = iterate(rocks);
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    const auto first = first_sequence_of(*it);
    const auto count = first ? count_entries(*first, to_view(it->value())) : expected<std::uint64_t>(0);
    if (!first || !count) {
      unreadable = first ? count.error() : first.error();
      return;
    }
    last = *first + *count - 1;
    if (last > floor) note_length(last, stored_record_weight(*first, to_view(it->value())));
  }
  if (!it->status().ok()) unreadable = to_error(it->status(), "reading the journal");
  last = std::max(last.load(), floor.load());
}

expected<std::uint64_t> journal::impl::stored_last() const {
  const auto it = iterate(rocks);
  it->SeekToLast();
  if (!it->status().ok()) return tl::unexpected(to_error(it->status(), "reading the journal"));
  if (!it->Valid()) return floor.load();
  const auto first = first_sequence_of(*it);
  if (!first) return first;
  const auto count = count_entries(*first, to_view(it->value()));
  if (!count) return count;
  return std::max(floor.load(), *first + *count - 1);
}

void journal::impl::note_length(std::uint64_t last_sequence, std::uint64_t weight) {
  const std::lock_guard lock(length_mutex);
  length_bytes += weight;
  if (length.empty() || length.back().bytes >= stretch_bytes)
    length.push_back({last_sequence, weight});
  else
    length.back() = {last_sequence, length.back().bytes + weight};
}

expected<void> journal::impl::visit(std::uint64_t from, std::uint64_t to, const observer& each) const {
  std::unique_ptr<rocksdb::Iterator> it;
  std::uint64_t next = from;
  {
    const std::shared_lock lock(trimming);
    it = iterate(rocks);
    next = std::max(from, floor.load() + 1);
  }
  if (next > to) return {};
  it->SeekForPrev(journal_key(next));
  if (!it->Valid() && it->status().ok()) return missing(next);
  for (; it->Valid() && next <= to; it->Next()) {
    const auto first = first_sequence_of(*it);
    if (!first) return tl::unexpected(first.error());
    const auto count = count_entries(*first, to_view(it->value()));
    if (!count) return tl::unexpected(count.error());
    if (*first > next || *first + *count <= next) return missing(next);
    if (auto visited = visit_entries(*first, to_view(it->value()), next, to, each); !visited) return visited;
    next = *first + *count;
  }
  if (!it->status().ok()) return tl::unexpected(to_error(it->status(), "reading the journal"));
  if (next <= to) return missing(next);
  return {};
}

expected<void> journal::replay(std::uint64_t from, const observer& visit) const { return read(from, last_sequence(), visit); }

expected<void> journal::read(std::uint64_t from, std::uint64_t to, const observer& visit) const {
  if (impl_->unreadable) return tl::unexpected(*impl_->unreadable);
  return impl_->visit(from, std::min(to, last_sequence()), visit);
}

expected<void> journal::trim(std::uint64_t wanted) {
  const std::lock_guard trimming(impl_->trimming);
  const std::uint64_t floor = std::min(wanted, last_sequence());
  if (floor <= impl_->floor.load()) return {};
  // The record that holds the first entry to keep stays whole.
  const auto it = iterate(impl_->rocks);
  it->SeekForPrev(journal_key(floor + 1));
  if (!it->status().ok()) return tl::unexpected(to_error(it->status(), "trimming the journal"));
  std::uint64_t keep = floor + 1;
  if (it->Valid()) {
    const auto first = first_sequence_of(*it);
    if (!first) return tl::unexpected(first.error());
    const auto count = count_entries(*first, to_view(it->value()));
    if (!count) return tl::unexpected(count.error());
    if (*first + *count > keep) keep = *first;
  }
  std::string value;
  put_fixed64(value, floor);
  const std::string begin = journal_key(0), end = journal_key(keep);
  rocksdb::WriteBatch batch;
  batch.Put(impl_->rocks.at(column::state), to_slice(floor_key), value);
  batch.DeleteRange(impl_->rocks.at(column::journal), begin, end);
  // With fsync: the files below vanish at once, and the floor must not be older than they are.
  if (auto written = impl_->rocks.write(batch, true, "trimming the journal"); !written) return written;
  impl_->floor.store(floor, std::memory_order_release);
  const rocksdb::Slice begin_slice(begin), end_slice(end);
  const auto dropped =
      rocksdb::DeleteFilesInRange(impl_->rocks.db.get(), impl_->rocks.at(column::journal), &begin_slice, &end_slice, false);
  const std::lock_guard lock(impl_->length_mutex);
  while (!impl_->length.empty() && impl_->length.front().last_sequence <= floor) {
    impl_->length_bytes -= impl_->length.front().bytes;
    impl_->length.pop_front();
  }
  if (!dropped.ok()) return tl::unexpected(to_error(dropped, "trimming the journal"));
  return {};
}

}  // namespace factory
