#include <rocksdb/convenience.h>

#include <algorithm>

#include "pipelines/model/coding.hpp"
#include "storage/journal/journal_aside.hpp"
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
  if (!unreadable) survey_aside();
}

void journal::impl::survey_aside() {
  const auto count = [this](const journal_entry& entry) {
    if (!entry.readings) return;
    for (const slice& rows : entry.readings->slices) aside_readings[rows.sensor] += rows.size();
  };
  if (auto visited = visit_aside(rocks, floor, count, &aside_bytes); !visited) unreadable = visited.error();
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

expected<void> journal::trim(std::uint64_t wanted, const std::set<sensor_id>& kept_for) {
  const std::uint64_t floor = std::min(wanted, last_sequence());
  if (floor <= impl_->floor.load()) return {};
  if (kept_for.empty()) return impl_->trim_to(floor);
  aside_writer aside(impl_->rocks);
  aside.begin(impl_->floor.load());
  expected<void> written;
  auto read = impl_->visit(impl_->floor.load() + 1, floor, [&](const journal_entry& entry) {
    if (!written) return;
    if (const auto part = part_for(kept_for, entry)) written = aside.add(*part);
  });
  if (!read) return read;
  if (!written) return written;
  if (auto whole = aside.finish(); !whole) return whole;
  auto trimmed = impl_->trim_to(floor);
  if (impl_->floor.load() < floor) return trimmed;
  const std::lock_guard lock(impl_->aside_mutex);
  impl_->aside_bytes += aside.bytes;
  for (const auto& [sensor, count] : aside.readings) impl_->aside_readings[sensor] += count;
  return trimmed;
}

expected<void> journal::read_aside(const observer& visit) const {
  if (impl_->unreadable) return tl::unexpected(*impl_->unreadable);
  return visit_aside(impl_->rocks, floor(), visit);
}

expected<void> journal::drop_aside() {
  rocksdb::WriteBatch batch;
  delete_aside(impl_->rocks, batch, 0);
  if (auto written = impl_->rocks.write(batch, false, "dropping what was set aside"); !written) return written;
  const std::lock_guard lock(impl_->aside_mutex);
  impl_->aside_bytes = 0;
  impl_->aside_readings.clear();
  return {};
}

std::uint64_t journal::aside_bytes() const {
  const std::lock_guard lock(impl_->aside_mutex);
  return impl_->aside_bytes;
}

std::uint64_t journal::aside_readings(sensor_id sensor) const {
  const std::lock_guard lock(impl_->aside_mutex);
  const auto found = impl_->aside_readings.find(sensor);
  return found == impl_->aside_readings.end() ? 0 : found->second;
}

expected<void> journal::impl::trim_to(std::uint64_t wanted_floor) {
  const std::lock_guard one(trimming);
  // The record that holds the first entry to keep stays whole.
  const auto it = iterate(rocks);
  it->SeekForPrev(journal_key(wanted_floor + 1));
  if (!it->status().ok()) return tl::unexpected(to_error(it->status(), "trimming the journal"));
  std::uint64_t keep = wanted_floor + 1;
  if (it->Valid()) {
    const auto first = first_sequence_of(*it);
    if (!first) return tl::unexpected(first.error());
    const auto count = count_entries(*first, to_view(it->value()));
    if (!count) return tl::unexpected(count.error());
    if (*first + *count > keep) keep = *first;
  }
  std::string value;
  put_fixed64(value, wanted_floor);
  const std::string begin = journal_key(0), end = journal_key(keep);
  rocksdb::WriteBatch writes;
  writes.Put(rocks.at(column::state), to_slice(floor_key), value);
  writes.DeleteRange(rocks.at(column::journal), begin, end);
  // With fsync: the files below vanish at once, and the floor must not be older than they are.
  if (auto written = rocks.write(writes, true, "trimming the journal"); !written) {
    if (const auto stored = read_floor(rocks); stored && *stored > floor) floor.store(*stored);  // it may be there all the same
    return written;
  }
  floor.store(wanted_floor, std::memory_order_release);
  const rocksdb::Slice begin_slice(begin), end_slice(end);
  const auto dropped = rocksdb::DeleteFilesInRange(rocks.db.get(), rocks.at(column::journal), &begin_slice, &end_slice, false);
  const std::lock_guard lock(length_mutex);
  while (!length.empty() && length.front().last_sequence <= wanted_floor) {
    length_bytes -= length.front().bytes;
    length.pop_front();
  }
  if (!dropped.ok()) return tl::unexpected(to_error(dropped, "trimming the journal"));
  return {};
}

}  // namespace factory
