#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "storage/base/rocks.hpp"
#include "storage/journal/journal.hpp"

/// For this room only: what the journal keeps of trimmed entries, for sensors that have not seen them.
///
/// It lies in the column family `state`, in chunks under the sequence of their first entry. The floor of the journal says which ones
/// count: a chunk above it belongs to a trim that was cut short, whose entries the journal still holds.
namespace factory {

/// What concerns these sensors: their rows, configs and commands, and every tick. nullopt: nothing.
std::optional<journal_entry> part_for(const std::set<sensor_id>& sensors, const journal_entry& entry);

/// Writes entries, given in order, as chunks. They count once the floor has passed them.
class aside_writer {
 public:
  explicit aside_writer(database::impl& rocks) : rocks_(rocks) {}
  /// Deletes the chunks that do not count.
  void begin(std::uint64_t floor);
  expected<void> add(const journal_entry& entry);
  expected<void> finish();

  std::uint64_t bytes = 0;                      ///< of the chunks
  std::map<sensor_id, std::uint64_t> readings;  ///< in them

 private:
  expected<void> close_chunk();
  expected<void> write();

  database::impl& rocks_;
  rocksdb::WriteBatch batch_;
  std::uint64_t first_ = 0;  ///< sequence of the chunk under way
  std::string chunk_;        ///< empty: none
};

/// The entries that count, in order. `chunk_bytes`, when given, gets their size.
expected<void> visit_aside(const database::impl& rocks, std::uint64_t floor, const journal::observer& visit,
                           std::uint64_t* chunk_bytes = nullptr);

void delete_aside(const database::impl& rocks, rocksdb::WriteBatch& batch, std::uint64_t after);

}  // namespace factory
