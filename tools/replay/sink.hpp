#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipelines/decode/batch_builder.hpp"
#include "pipelines/model/result.hpp"
#include "replay/options.hpp"

namespace factory::replay {

/// The names that are there.
struct plant {
  struct named_factory {
    factory_id id;
    std::string name;
  };
  struct named_machine {
    machine_id id;
    factory_id of;
    std::string name;
  };
  struct named_sensor {
    sensor_id id;
    machine_id of;
    std::string name;
  };
  std::vector<named_factory> factories;
  std::vector<named_machine> machines;
  std::vector<named_sensor> sensors;
};

/// Where readings go: a daemon or a data directory. Its calls come from one thread at a time.
class sink {
 public:
  virtual ~sink() = default;
  virtual expected<plant> read_plant() = 0;
  virtual expected<factory_id> make_factory(const std::string& name) = 0;
  virtual expected<machine_id> make_machine(factory_id of, const std::string& name) = 0;
  virtual expected<std::vector<sensor_id>> make_sensors(machine_id of, const std::vector<std::string>& names) = 0;
  /// The time of a sensor's newest reading; nullopt when it has none.
  virtual expected<std::optional<std::int64_t>> newest_us(sensor_id sensor) = 0;
  /// What is stored of [begin_us, end_us), in time order; flags are not told.
  virtual expected<reading_run> stored(sensor_id sensor, std::int64_t begin_us, std::int64_t end_us) = 0;
  /// All rows or none. They are durable when it returns; the builder is empty afterwards.
  virtual expected<void> send(batch_builder& rows) = 0;
  /// Waits until what was sent is processed.
  virtual expected<void> finish() = 0;
};

expected<std::unique_ptr<sink>> open_http_sink(const std::string& url, const std::string& token = {});
/// The data directory must not be open elsewhere: the error says so. Stops the engine when it goes.
expected<std::unique_ptr<sink>> open_engine_sink(const std::string& data_dir);

/// The body of rows as columns with times in microseconds.
void write_columns(const batch_builder& rows, std::string& out);

}  // namespace factory::replay
