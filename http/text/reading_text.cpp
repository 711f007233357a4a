#include "http/text/reading_text.hpp"

#include <charconv>
#include <utility>

#include "pipelines/model/reading_flags.hpp"

namespace factory {

void write_reading(json_writer& out, sensor_id sensor, const reading_run& rows, std::size_t row) {
  const std::int64_t time_us = rows.event_time_us[row];
  out.begin_object().member("id", time_us).member("sensor_id", sensor).member("value", rows.value[row]);
  out.time_member("timestamp", time_us).key("flags").begin_array();
  const auto flags = rows.flags[row];
  for (const auto& [bit, name] : flag_names)
    if ((flags & bit) != 0) out.value(name);
  out.end_array();
  if ((flags & quality_flags) != 0) out.member("quality", quality_text(flags));
  out.end_object();
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
  bool first = true;
  for (const auto& [bit, name] : flag_names) {
    if ((flags & bit) == 0) continue;
    if (!std::exchange(first, false)) out.append(1, '|');
    out.append(name);
  }
  out.append("\r\n");
}

}  // namespace factory
