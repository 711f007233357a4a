#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/intake/registry.hpp"
#include "pipelines/decode/batch_builder.hpp"
#include "pipelines/model/result.hpp"
#include "replay/options.hpp"

namespace factory::replay {

/// Where readings go: a daemon or a data directory. Its calls come from one thread at a time.
class sink : public registry {
 public:
  /// The time of a sensor's newest reading; nullopt when it has none.
  virtual expected<std::optional<std::int64_t>> newest_us(sensor_id sensor) = 0;
  /// What is stored of [begin_us, end_us), in time order; flags are not told.
  virtual expected<reading_run> stored(sensor_id sensor, std::int64_t begin_us, std::int64_t end_us) = 0;
  /// All rows or none. They are durable when it returns; the builder is empty afterwards.
  virtual expected<void> send(batch_builder& rows) = 0;
  /// How many readings of the sensor are stored and not judged, since it was made: late, from the future, of bad quality.
  virtual expected<std::uint64_t> not_judged(sensor_id sensor) = 0;
  /// Waits until what was sent is processed.
  virtual expected<void> finish() = 0;
};

expected<std::unique_ptr<sink>> open_http_sink(const std::string& url, const std::string& token = {});
/// The data directory must not be open elsewhere: the error says so. Stops the engine when it goes.
expected<std::unique_ptr<sink>> open_engine_sink(const std::string& data_dir);

/// The body of rows as columns with times in microseconds.
void write_columns(const batch_builder& rows, std::string& out);

}  // namespace factory::replay
