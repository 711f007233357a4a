#include "storage/base/freed_ranges.hpp"

#include "storage/base/limits.hpp"

#include <rocksdb/convenience.h>

#include <algorithm>
#include <utility>

namespace factory {

namespace {

constexpr std::uint64_t near_bytes = 128UL << 20U;  // two table files: what lies closer is compacted together
constexpr std::uint64_t fair_part = 8;              // a compaction that frees less than this part of what it writes waits

/// About what lies in table files between two keys.
std::uint64_t bytes_between(database::impl& rocks, rocksdb::ColumnFamilyHandle* of, const std::string& begin,
                            const std::string& end) {
  const rocksdb::Range range(begin, end);
  std::uint64_t bytes = 0;
  rocksdb::SizeApproximationOptions options;
  options.include_files = true;
  if (begin >= end || !rocks.db->GetApproximateSizes(options, of, &range, 1, &bytes).ok()) return 0;
  return bytes;
}

}  // namespace

void freed_ranges::note(column where, std::string begin, std::string end, use later) {
  const std::lock_guard lock(guard_);
  if (count_ >= limits::freed_ranges) return;
  ++count_;
  noted_[where].push_back({std::move(begin), std::move(end), later});
  if (!since_) since_ = clock::now();
}

bool freed_ranges::due(clock::time_point now) const {
  const std::lock_guard lock(guard_);
  return since_ && now - *since_ >= limits::room_delay;
}

expected<void> freed_ranges::give_back(database::impl& rocks, std::atomic<bool>& stop) {
  std::map<column, ranges> taken;
  {
    const std::lock_guard lock(guard_);
    taken = std::exchange(noted_, {});
    count_ = 0;
    since_.reset();
  }
  if (taken.empty()) return {};
  // The log goes with what is in memory, and a deletion frees nothing before it is in a file.
  const std::vector<rocksdb::ColumnFamilyHandle*> all(rocks.columns.begin(), rocks.columns.end());
  if (const auto flushed = rocks.db->Flush(rocksdb::FlushOptions(), all); !flushed.ok())
    return tl::unexpected(to_error(flushed, "giving room back"));
  for (auto& [where, noted] : taken)
    if (auto done = give_back(rocks, rocks.at(where), std::move(noted), stop); !done) return done;
  return {};
}

expected<void> freed_ranges::give_back(database::impl& rocks, rocksdb::ColumnFamilyHandle* of, ranges noted,
                                       std::atomic<bool>& stop) {
  std::sort(noted.begin(), noted.end(), [](const key_range& a, const key_range& b) { return a.begin < b.begin; });
  const ranges to_compact = worth_compacting(rocks, of, noted);  // before the files go: it weighs what is freed
  std::vector<rocksdb::Slice> keys;
  keys.reserve(2 * noted.size());
  std::vector<rocksdb::RangePtr> whole;
  for (const key_range& each : noted) {
    if (each.later != use::never_again) continue;
    keys.emplace_back(each.begin);
    keys.emplace_back(each.end);
    whole.emplace_back(&keys[keys.size() - 2], &keys[keys.size() - 1]);
  }
  auto status = rocksdb::DeleteFilesInRanges(rocks.db.get(), of, whole.data(), whole.size(), false);
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = false;
  options.canceled = &stop;
  for (auto each = to_compact.begin(); status.ok() && each != to_compact.end() && !stop; ++each) {
    const rocksdb::Slice begin(each->begin), end(each->end);
    status = rocks.db->CompactRange(options, of, &begin, &end);
  }
  if (status.ok() || status.IsIncomplete() || stop) return {};
  return tl::unexpected(to_error(status, "giving room back"));
}

/// Neighbours that share files become one range with what lies between them.
freed_ranges::ranges freed_ranges::worth_compacting(database::impl& rocks, rocksdb::ColumnFamilyHandle* of, const ranges& noted) {
  ranges found;
  for (std::size_t begin = 0, end = 0; begin < noted.size(); begin = end) {
    key_range hull = noted[begin];
    std::uint64_t freed = bytes_between(rocks, of, hull.begin, hull.end);
    std::uint64_t kept = 0;
    for (end = begin + 1; end < noted.size(); ++end) {
      const std::uint64_t gap = bytes_between(rocks, of, hull.end, noted[end].begin);
      if (gap > near_bytes) break;
      kept += gap;
      freed += bytes_between(rocks, of, std::max(hull.end, noted[end].begin), noted[end].end);
      hull.end = std::max(hull.end, noted[end].end);
    }
    if (freed > 0 && freed * fair_part >= kept) found.push_back(std::move(hull));
  }
  return found;
}

}  // namespace factory
