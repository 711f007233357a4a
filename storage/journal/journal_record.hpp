#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "pipelines/model/result.hpp"
#include "storage/journal/journal.hpp"

/// A commit group as one value of the journal: a head that the committer makes (how many entries, the size and checksum of
/// each, and a checksum of its own that also covers the first sequence), then the entries as their callers encoded them.
namespace factory {

struct encoded_entry {
  std::string bytes;
  std::uint64_t checksum = 0;
};
encoded_entry encode(const journal_entry& entry);

/// Appends the head of a record whose entries follow in this order.
class record_head {
 public:
  void clear() { entries_.clear(); }
  void add(const encoded_entry& entry);
  void finish(std::uint64_t first_sequence, std::string& out) const;

 private:
  std::string entries_;
};

/// An entry of which only the bytes were kept; corrupt when they are none.
expected<journal_entry> decode_entry(std::uint64_t sequence, std::string_view bytes);

/// Number of entries; corrupt when the head does not match its checksum or this sequence.
expected<std::uint64_t> count_entries(std::uint64_t first_sequence, std::string_view record);
/// A row counts at least as much as a plain one takes, so that what bounds the journal's length bounds the time of its replay.
inline constexpr std::uint64_t plain_row_bytes = 1 + 8;
std::uint64_t record_weight(std::uint64_t record_bytes, std::uint64_t rows);
std::uint64_t stored_record_weight(std::uint64_t first_sequence, std::string_view record);
/// The entries with from <= sequence <= to, in order; corrupt at the first one that is damaged.
expected<void> visit_entries(std::uint64_t first_sequence, std::string_view record, std::uint64_t from, std::uint64_t to,
                             const journal::observer& visit);

}  // namespace factory
