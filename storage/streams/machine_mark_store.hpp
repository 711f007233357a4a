#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "pipelines/machine/machine_watch.hpp"
#include "pipelines/model/result.hpp"
#include "storage/base/database.hpp"
#include "storage/streams/pipeline_store.hpp"

namespace factory {

/// A place from which the past of a machine can be judged again.
struct saved_mark {
  stream_key key;
  machine_mark mark;
};

/// Marks of watches over machines, in the column family `state`: limits::watch_marks of each, close to each other where they are new. The store_writer
/// writes those that come to be. Thread-safe, but for replace() one caller a watch at a time.
class machine_mark_store {
 public:
  explicit machine_mark_store(database& db) : db_(db) {}
  /// The newest one that has seen nothing behind `place`.
  expected<std::optional<machine_mark>> newest_until(const stream_key& key, std::int64_t place) const;
  /// These, all behind `place`, instead of all that are there behind it.
  expected<void> replace(const stream_key& key, std::int64_t place, const std::vector<machine_mark>& by);
  /// Removes those of watches that `is_known` does not name.
  expected<void> keep_only(const std::function<bool(const stream_key&)>& is_known);

 private:
  database& db_;
};

/// Of these places, rising, those that go when there are more than `most`: each time the one that leaves the smallest gap for its age. The first and the
/// last one stay.
std::vector<std::int64_t> superfluous_marks(std::vector<std::int64_t> places, std::size_t most);

}  // namespace factory
