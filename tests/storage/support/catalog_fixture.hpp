#pragma once

#include "storage/catalog/catalog.hpp"
#include "storage/support/temporary_directory.hpp"

#include <memory>
#include <string>
#include <vector>

namespace factory::test {

/// Writes what a change asks for as the journal does, in one batch.
expected<void> commit(database& db, const std::vector<catalog_write>& writes);

/// A data directory with its catalog, which can be closed and opened again.
class catalog_fixture {
 public:
  catalog_fixture();
  void reopen();
  database& db() { return *db_; }
  catalog& entities() { return *things_; }

  /// Commits and applies; throws std::runtime_error with the message when the change was refused.
  template <class Entry>
  std::vector<Entry> create(std::vector<Entry> entries, std::int64_t now_us = 1'700'000'000'000'000) {
    auto staged = must(things_->stage_create(std::move(entries), now_us));
    put(std::move(staged.change));
    return staged.entries;
  }
  template <class Entry>
  void update(const Entry& entry) {
    put(must(things_->stage_update(entry)));
  }
  void put(catalog_change change);
  /// One factory, one machine and `count` sensors named s1, s2 ... on it.
  void seed(std::size_t count);

  template <class T>
  static T must(expected<T> value) {
    if (!value) throw std::runtime_error(value.error().message);
    return std::move(*value);
  }

 private:
  temporary_directory directory_;
  std::unique_ptr<database> db_;
  std::unique_ptr<catalog> things_;
};

}  // namespace factory::test
