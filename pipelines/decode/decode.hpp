#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/decode/batch_builder.hpp"
#include "pipelines/model/result.hpp"
#include "pipelines/model/sensor_set.hpp"
#include "pipelines/model/time.hpp"

namespace factory {

/// How the members of rows are called where another system wrote them; empty: as ours. With `only` all rows are of that sensor.
struct member_names {
  std::string sensor = {}, time = {}, value = {};
  sensor_id only = 0;
};

struct decode_options {
  precision unit = precision::ms;       ///< of integer times
  bool unit_given = false;              ///< else an integer that is only likely in another unit is refused
  std::int64_t now_us = 0;              ///< event time of rows without one; time comes in with the data
  bool partial = false;                 ///< keep good rows beside bad ones
  const sensor_set* known = nullptr;    ///< REQUIRED; rows of other sensors are bad ("sensor_id", "unknown sensor 7")
  const sensor_set* derived = nullptr;  ///< of `known`, those that pipelines fill: their rows are bad, too
  std::size_t max_readings = 0;         ///< 0 = limits::readings_per_body
  /// Sensors of another system: what a row gives as sensor_id, text or an integer, is looked up here instead of in `known`.
  const std::function<expected<sensor_id>(std::string_view name)>* names = nullptr;
  const member_names* members = nullptr;  ///< of lines() only
};

/// The result of a body. `errors` holds the first limits::row_errors_per_answer of `error_count`.
/// Without `partial`, any error means nothing of the body may be stored.
struct decode_result {
  std::uint64_t row_count = 0;
  std::uint64_t error_count = 0;
  std::vector<row_error> errors;
};

/// JSON bodies to rows with simdjson On-Demand. Kept per thread: owns the parser and its buffers. Not thread-safe.
/// Accepted shapes: {"sensor_id":1,"value":2.5,"timestamp":"..."|integer} and, for bulk, an array of those.
/// `quality` ("good", "uncertain" or "bad") may stand there. `timestamp` may be left out (now_us), once for each sensor of a body. A duplicate member is an error of its row, and so is an
/// unknown one that is a near miss of a known one (see json_names.hpp); other unknown members are ignored.
/// The whole body is checked: damage anywhere, also in ignored members or behind the value, is `malformed`.
/// Value: a JSON number, finite as a double; not an integer that no double holds exactly. sensor_id: an integer of 1 up.
class json_decoder {
 public:
  json_decoder();
  ~json_decoder();
  json_decoder(json_decoder&&) noexcept;
  json_decoder& operator=(json_decoder&&) noexcept;

  /// One object. `body` needs no padding (it is copied into a reused padded buffer unless capacity allows).
  expected<decode_result> one(std::string_view body, const decode_options& options, batch_builder& out);
  /// An array of objects, or a single object, or columns
  /// {"sensor_id":[...],"timestamp":[...],"value":[...],"quality":[...]} or one sensor's {"sensor_id":1,"start":...,"interval_ms":...,"values":[...]}.
  expected<decode_result> bulk(std::string_view body, const decode_options& options, batch_builder& out);
  /// One object a line; empty lines are skipped; the index counts lines that are not empty. A damaged line is a refused row and
  /// affects no other line.
  expected<decode_result> lines(std::string_view body, const decode_options& options, batch_builder& out);

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

/// A body of the anomaly service: {"readings":[{"id":..,"value":..,"timestamp":".."}],"threshold":2.0}.
/// `id` (an integer), `value` (finite) and `timestamp` (any text) are required, `threshold` is 0 or more. The whole body is checked.
struct analyze_request {
  struct item {
    std::int64_t id = 0;
    std::string timestamp;  ///< echoed as sent
  };
  std::vector<item> items;
  std::vector<double> values;  ///< same order as items
  double threshold = 2.0;
};
expected<analyze_request> decode_analyze(std::string_view body);

}  // namespace factory
