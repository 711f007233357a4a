#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/correct/annotation.hpp"
#include "pipelines/model/result.hpp"
#include "storage/base/database.hpp"
#include "storage/journal/journal.hpp"

namespace factory {

/// The annotations, in the catalog's column family under 'a' and the id, the next id under "na". Changing: the caller commits the writes
/// through the journal, then calls put() or erase(). Thread-safe.
class annotation_store {
 public:
  explicit annotation_store(database& db) : db_(db) {}
  expected<void> load();

  expected<annotation> find(annotation_id id) const;  ///< not_found "Annotation not found"
  /// Newest id first: those with id < `before` (0: all) that `like` takes, at most `limit`.
  std::vector<annotation> newest(annotation_id before, std::size_t limit,
                                 const std::function<bool(const annotation&)>& like) const;
  std::size_t size() const;
  annotation_id next_id() const;

  std::vector<catalog_write> writes_of(const annotation& entry) const;
  static std::vector<catalog_write> writes_of_removal(annotation_id id);
  void put(annotation entry);
  void erase(annotation_id id);

 private:
  database& db_;
  mutable std::mutex mutex_;
  std::map<annotation_id, annotation> entries_;
  annotation_id next_ = 1;
};

std::string encode(const annotation& entry);
bool decode(std::string_view in, annotation& entry);

}  // namespace factory
