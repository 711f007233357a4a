#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>

#include "pipelines/decode/decode.hpp"
#include "pipelines/decode/json_text.hpp"

namespace factory::json_text {

/// The result of a scalar: taken; valid JSON but wrong for its member; or damaged text.
enum class verdict : std::uint8_t { taken, refused, damaged };

/// Reads the members of readings. After `refused`, reason() says why; after `damaged`, damage() what the parser found.
class member_reader {
 public:
  explicit member_reader(const decode_options& options) : options_(options) {}

  verdict sensor(ondemand::value& value, sensor_id& out);
  verdict number(ondemand::value& value, double& out);
  verdict time(ondemand::value& value, std::int64_t& out);
  verdict quality(ondemand::value& value, std::uint8_t& out);

  const member_names* names() const { return options_.members; }
  const std::string& reason() const { return reason_; }
  error_code damage() const { return damage_; }

 private:
  verdict refuse(ondemand::value& value, std::string_view reason);
  verdict refuse_read(std::string_view reason);
  verdict named_sensor(ondemand::value& value, sensor_id& out);
  std::string unlikely(std::int64_t integer) const;
  verdict time_text(ondemand::value& value, std::string_view token, std::int64_t& out);

  const decode_options& options_;
  std::string reason_;
  error_code damage_ = simdjson::SUCCESS;
  std::string_view last_text_;  // rows of a body often share their time; points into the body
  std::int64_t last_time_us_ = 0;
};

/// Where rows and their errors go. Without `partial`, rows are dropped once one was refused.
class row_sink {
 public:
  row_sink(const decode_options& options, batch_builder& out, decode_result& result)
      : partial_(options.partial), now_us_(options.now_us), out_(out), result_(result) {}

  /// A row without a time gets now_us; a second one of its sensor would overwrite the first, and is refused.
  void take_without_time(sensor_id sensor, double value, std::uint8_t quality);
  void take(sensor_id sensor, std::int64_t time_us, double value, std::uint8_t quality) {
    ++result_.row_count;
    if (partial_ || result_.error_count == 0) out_.append(sensor, time_us, value, quality);
  }
  void refuse(std::string_view field, std::string reason);
  std::uint64_t row_count() const { return result_.row_count; }

 private:
  bool partial_;
  std::int64_t now_us_;
  std::unordered_set<sensor_id> without_time_;
  batch_builder& out_;
  decode_result& result_;
};

/// The members of a reading, as bits.
enum member : unsigned {
  member_none = 0,
  member_sensor = 1,
  member_time = 2,
  member_value = 4,
  member_values = 8,
  member_start = 16,
  member_interval = 32,  // of one sensor's column only
  member_quality = 64,
};
std::string_view to_text(member m);
/// The member that a key names; `member_none` for others, with `key` as text. Sets `code` when the key is damaged.
member member_of(ondemand::field& field, std::string_view& key, error_code& code);
/// What to say of a key that is a near miss of `meant`.
std::string near_miss(std::string_view meant);

/// One {"sensor_id":…,"value":…,"timestamp":…,"quality":…} that was read member by member.
struct row {
  unsigned seen = 0;
  std::string refused_field;  ///< of the first refused member
  std::string reason;
  sensor_id sensor = 0;
  std::int64_t time_us = 0;
  double value = 0;
  std::uint8_t quality = flag_none;  ///< quality_flags

  bool refused() const { return !reason.empty(); }
  void refuse(std::string_view field, std::string why);
};
/// Reads one scalar member into the row; damage comes back as the code.
error_code read_member(member_reader& read, row& into, member m, ondemand::value& value);
/// Reads the members of a row's object. Checks everything in it, even after a refusal.
error_code read_row(ondemand::object& object, member_reader& read, row& into);
/// Ends the row: finds missing members and passes the row to the sink.
void deliver(row& complete, row_sink& sink);

}  // namespace factory::json_text
