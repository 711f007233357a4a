#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "pipelines/model/coding.hpp"
#include "storage/events/event_log_impl.hpp"

/// For this room only: walking the key spaces that end in a sequence.
namespace factory {

struct pass_over_nothing {
  bool operator()(std::uint64_t, rocksdb::Iterator&) const { return false; }
};

/// Walks one key space, between two sequences that are both left out, either way.
/// `visit` gets the entry and its sequence and returns false to stop. `pass_over` gets each entry's sequence before: it may move the
/// iterator on, and returns true when it did.
template <class Visit, class PassOver = pass_over_nothing>
expected<void> walk(const event_log::impl& it, const event_view& view, const std::string& after, const std::string& before,
                    bool descending, const Visit& visit, PassOver pass_over = {}) {
  const rocksdb::Slice end(before);  // an upper bound is exclusive
  rocksdb::ReadOptions options = view.options();
  options.iterate_upper_bound = &end;
  const std::unique_ptr<rocksdb::Iterator> at(it.rocks.db->NewIterator(options, it.column_family()));
  if (descending) {
    at->SeekToLast();
  } else {
    at->Seek(after);
    if (at->Valid() && at->key() == rocksdb::Slice(after)) at->Next();
  }
  while (at->Valid() && at->key().compare(after) > 0) {
    log_entry entry;
    std::string_view place = to_view(at->key());
    place.remove_prefix(place.size() - sizeof entry.sequence);  // every key that is walked ends in it
    if (!decode_log_entry(to_view(at->value()), entry) || !get_key64(place, entry.sequence)) return damaged_event();
    if (pass_over(entry.sequence, *at)) continue;
    if (!visit(entry)) return {};
    descending ? at->Prev() : at->Next();
  }
  if (!at->status().ok()) return tl::unexpected(to_error(at->status(), "reading events"));
  return {};
}

/// Tells which zones hold nothing of what a query wants.
class zone_filter {
 public:
  zone_filter(const event_log::impl& it, const event_view& view, const event_query& q);
  bool passes_over(std::uint64_t sequence);

 private:
  const event_log::impl& log_;
  const event_view& view_;
  std::optional<event_kind> kind_;
  time_range range_;
  bool active_ = false, over_ = false;
  std::optional<std::uint64_t> asked_;  ///< zone
};

}  // namespace factory
