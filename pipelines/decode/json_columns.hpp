#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "pipelines/decode/json_row.hpp"

namespace factory::json_text {

/// Columns of a body, kept from body to body so that their memory is reused.
struct column_buffers {
  std::vector<sensor_id> sensors;
  std::vector<std::int64_t> times_us;
  std::vector<double> values;
  std::vector<std::uint8_t> qualities;
};

/// Reads the object of a bulk body and finds its shape:
///   {"sensor_id":[…],"timestamp":[…],"value":[…]}                       columns of one length; timestamp may be left out, "quality":[…] may stand there
///   {"sensor_id":1,"start":…,"interval_ms":…,"values":[…]}              one sensor at a steady rate
///   {"sensor_id":1,"value":…,"timestamp":…}                             a single reading
class column_reader {
 public:
  column_reader(const decode_options& options, std::size_t most, column_buffers& buffers);

  /// Checks the whole object; CAPACITY when a column is longer than `most`.
  error_code read(ondemand::object& object);
  /// Rows in order, to the sink; the error when the members do not fit together.
  expected<void> deliver(row_sink& sink);

 private:
  error_code read_field(member m, std::string_view key, ondemand::value& value);
  error_code read_column(member m, ondemand::value& value);
  error_code read_series_member(member m, ondemand::value& value);
  verdict read_entry(member m, ondemand::value& value);
  void deliver_row(std::uint64_t index, std::optional<std::int64_t> time_us, sensor_id sensor, row_sink& sink);
  expected<void> qualities_fit();
  expected<void> deliver_columns(row_sink& sink);
  expected<void> deliver_series(row_sink& sink);
  bool is_column(member m) const { return (columns_ & m) != 0; }

  const decode_options& options_;
  std::size_t most_;
  column_buffers& buffers_;
  member_reader read_;
  row scalars_;
  unsigned columns_ = 0;      // members that were arrays
  unsigned series_seen_ = 0;  // start and interval_ms
  std::int64_t start_us_ = 0;
  double interval_ms_ = 0;
  std::optional<error> repeated_, near_miss_, series_problem_;
  std::vector<bool> bad_;  // by row, up to the last refused one
  // By row: the reason for refusing it. The first ones of each column are kept, which include those that an answer lists.
  struct refusal {
    member column;
    std::string reason;
  };
  std::map<std::uint64_t, refusal> refusals_;
};

}  // namespace factory::json_text
