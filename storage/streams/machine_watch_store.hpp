#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/model/reading.hpp"
#include "pipelines/model/result.hpp"
#include "pipelines/spec/pipeline_id.hpp"
#include "storage/base/database.hpp"
#include "storage/journal/journal.hpp"

namespace factory {

/// In keys of stored states the place of the pipeline: the watches over machines.
inline constexpr pipeline_id machine_watches = 0;

/// The watch over a machine, as it was decided when it came into being.
struct machine_watch_entry {
  machine_id machine = 0;
  std::uint32_t version = 1;         ///< rises with each change of its sensors: it then learns the machine anew
  std::uint64_t since_sequence = 0;  ///< it sees the entries of the journal after this one
  std::vector<sensor_id> sensors;    ///< rising
  double sensitivity = 1;            ///< with which it begins; what is changed later comes with the journal
  std::uint64_t since_event = 0;     ///< what the event log has up to here was found by others
  bool operator==(const machine_watch_entry&) const = default;
};

/// Which machines are watched, in the catalog's column family under 'd' and the machine's id. Changing: the caller commits the write through the
/// journal, then calls put() or erase(). Thread-safe.
class machine_watch_store {
 public:
  explicit machine_watch_store(database& db) : db_(db) {}
  expected<void> load();
  std::vector<machine_watch_entry> all() const;
  std::optional<machine_watch_entry> find(machine_id machine) const;

  static catalog_write write_of(const machine_watch_entry& entry);
  static catalog_write write_of_removal(machine_id machine);
  void put(machine_watch_entry entry);
  void erase(machine_id machine);

 private:
  database& db_;
  mutable std::mutex mutex_;
  std::map<machine_id, machine_watch_entry> entries_;
};

}  // namespace factory
