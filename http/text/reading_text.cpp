#include "http/text/reading_text.hpp"

#include <charconv>

namespace factory {

void write_reading(json_writer& out, sensor_id sensor, const reading_run& rows, std::size_t row) {
  const std::int64_t time_us = rows.event_time_us[row];
  out.begin_object().member("id", time_us).member("sensor_id", sensor).member("value", rows.value[row]);
  out.time_member("timestamp", time_us).key("flags").begin_array();
  if ((rows.flags[row] & flag_late) != 0) out.value("late");
  if ((rows.flags[row] & flag_future) != 0) out.value("future");
  out.end_array().end_object();
}

void reading_text::append_head(std::string& out) const {
  if (form_ == form::csv) out.append("sensor_id,timestamp,value,flags\r\n");
}

void reading_text::append_row(std::string& out, const reading_run& rows, std::size_t row) {
  if (form_ == form::csv) return append_csv(out, rows, row);
  line_.begin_again();
  write_reading(line_, sensor_, rows, row);
  out.append(line_.view()).push_back('\n');
}

void reading_text::append_csv(std::string& out, const reading_run& rows, std::size_t row) const {
  char value[32];
  const auto end = std::to_chars(value, value + sizeof value, rows.value[row]).ptr;
  out.append(csv_sensor_).append(format_time(rows.event_time_us[row])).append(1, ',').append(value, end).append(1, ',');
  const std::uint8_t flags = rows.flags[row];
  if ((flags & flag_late) != 0) out.append("late");
  if ((flags & flag_late) != 0 && (flags & flag_future) != 0) out.append(1, '|');
  if ((flags & flag_future) != 0) out.append("future");
  out.append("\r\n");
}

}  // namespace factory
