#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipelines/model/reading.hpp"
#include "pipelines/model/result.hpp"
#include "pipelines/model/sensor_set.hpp"
#include "pipelines/spec/pipeline_id.hpp"
#include "storage/base/database.hpp"
#include "storage/journal/journal.hpp"

namespace factory {

/// One instance of a pipeline, as it was decided when it came into being.
struct pipeline_instance_entry {
  machine_id machine = 0;            ///< 0: the only instance of a pipeline that is not per machine
  std::uint64_t since_sequence = 0;  ///< the instance sees the entries of the journal after this one
  std::vector<sensor_id> sources;    ///< in the order of the spec
  std::vector<sensor_id> sinks;      ///< likewise; 0 where a sink is no sensor
  bool operator==(const pipeline_instance_entry&) const = default;
};

/// A sensor that an instance filled and that none fills now. It is the instance's again when that comes back.
struct former_sink {
  machine_id machine = 0;  ///< of the instance
  std::string name;        ///< of the sink in the spec
  sensor_id sensor = 0;
  bool operator==(const former_sink&) const = default;
};

/// A pipeline as it is stored.
struct pipeline_entry {
  pipeline_id id = 0;
  std::uint32_t version = 1;  ///< rises with each change of what is computed: its instances then begin anew
  std::int64_t created_at_us = 0;
  std::string spec;  ///< JSON, as parse_pipeline takes it
  std::vector<pipeline_instance_entry> instances;
  std::vector<former_sink> former = {};
};

/// The pipelines, in the catalog's column family under 'p' and the id. Changing: the caller commits the writes through the journal, then calls
/// put() or erase(). Thread-safe.
class pipeline_store {
 public:
  explicit pipeline_store(database& db) : db_(db) {}
  expected<void> load();
  std::vector<pipeline_entry> all() const;
  expected<pipeline_entry> find(pipeline_id id) const;  ///< not_found "Pipeline not found"
  pipeline_id next_id() const;
  /// The sensors that pipelines fill; null when there are none.
  std::shared_ptr<const sensor_set> filled() const;

  /// The record of the entry; with it the counter, so that no id is given twice.
  std::vector<catalog_write> writes_of(const pipeline_entry& entry) const;
  static std::vector<catalog_write> writes_of_removal(pipeline_id id);
  void put(pipeline_entry entry);
  void erase(pipeline_id id);

 private:
  void note_filled();

  database& db_;
  mutable std::mutex mutex_;
  std::map<pipeline_id, pipeline_entry> entries_;
  std::shared_ptr<const sensor_set> filled_;
  pipeline_id next_ = 1;
};

std::string encode(const pipeline_entry& entry);
bool decode(std::string_view in, pipeline_entry& entry);

/// Which instance a stored state is of.
struct stream_key {
  pipeline_id pipeline = 0;
  std::uint32_t version = 0;
  machine_id machine = 0;
  auto operator<=>(const stream_key&) const = default;
};

/// Stored states of instances, in the column family `state`. They are written by the store_writer, behind what the instance found.
class stream_state_store {
 public:
  explicit stream_state_store(database& db) : db_(db) {}
  struct stored {
    std::uint64_t applied_sequence = 0;  ///< newest entry that `state` has seen
    std::string state;                   ///< opaque to this room
  };
  expected<std::optional<stored>> get(const stream_key& key) const;
  expected<void> visit(const std::function<void(const stream_key&)>& each) const;
  expected<void> remove(const std::vector<stream_key>& keys);

 private:
  database& db_;
};

}  // namespace factory
