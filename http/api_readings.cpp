#include <charconv>

#include "http/api_call.hpp"
#include "http/cursor.hpp"
#include "http/query.hpp"

namespace factory {

namespace {

/// One page of a sensor's readings, and where the next one begins.
struct page {
  sensor_id sensor = 0;
  reading_run rows;
  std::string next_cursor;  ///< empty on the last page
};

struct page_request {
  time_range range;
  std::size_t limit = limits::page_default;
  bool descending = false;
};

expected<page_request> read_page_request(const http_request& request) {
  query_reader query(request);
  page_request asked;
  asked.range = read_range(query);
  asked.limit = query.integer("limit", 1, limits::page_readings).value_or(limits::page_default);
  asked.descending = query.word("order", {"asc", "desc"}) == 1U;
  if (const auto text = query.text("cursor")) {
    const auto cursor = parse_cursor<std::int64_t>(*text, asked.descending);
    if (!cursor) query.fail_at("cursor", "a next_cursor of the same order");
    // The cursor is the last reading that was given.
    if (cursor && asked.descending) asked.range.end_us = std::min(asked.range.end_us, *cursor);
    if (cursor && !asked.descending) asked.range.begin_us = std::max(asked.range.begin_us, *cursor + 1);
  }
  if (query.fault()) return fail_with(*query.fault());
  return asked;
}

expected<page> read_page(engine& behind, sensor_id id, const page_request& asked) {
  page found{id, {}, {}};
  if (asked.range.begin_us >= asked.range.end_us) return found;
  // One more than asked tells whether there is a next page.
  auto rows = behind.readings(id, asked.range, asked.limit + 1, asked.descending);
  if (!rows) return fail_with(rows.error());
  found.rows = std::move(*rows);
  if (found.rows.size() > asked.limit) {
    found.rows.event_time_us.resize(asked.limit);
    found.rows.value.resize(asked.limit);
    found.rows.flags.resize(asked.limit);
    found.next_cursor = format_cursor(found.rows.event_time_us.back(), asked.descending);
  }
  return found;
}

void write_flags(json_writer& out, std::uint8_t flags) {
  out.begin_array();
  if ((flags & flag_late) != 0) out.value("late");
  if ((flags & flag_future) != 0) out.value("future");
  out.end_array();
}

void write_row(json_writer& out, const page& p, std::size_t row) {
  const std::int64_t time_us = p.rows.event_time_us[row];
  out.begin_object().member("id", time_us).member("sensor_id", p.sensor).member("value", p.rows.value[row]);
  out.time_member("timestamp", time_us).key("flags");
  write_flags(out, p.rows.flags[row]);
  out.end_object();
}

constexpr std::size_t row_bytes = 128;  ///< about what a row takes as JSON

http_response as_json(const page& p) {
  json_writer out(row_bytes * (p.rows.size() + 1));
  out.begin_object().member("sensor_id", p.sensor).key("readings").begin_array();
  for (std::size_t row = 0; row < p.rows.size(); ++row) write_row(out, p, row);
  out.end_array().key("next_cursor");
  p.next_cursor.empty() ? out.value(nullptr) : out.value(p.next_cursor);
  out.end_object();
  return json_response(out);
}

http_response as_lines(const page& p) {
  http_response answer{200, "application/x-ndjson"};
  answer.body.reserve(row_bytes * p.rows.size());
  for (std::size_t row = 0; row < p.rows.size(); ++row) {
    json_writer out(row_bytes);
    write_row(out, p, row);
    answer.body.append(out.text()).push_back('\n');
  }
  return answer;
}

/// RFC 4180 with a header line; values in their shortest form that reads back bit for bit; flags joined by `|`.
http_response as_csv(const page& p) {
  http_response answer{200, "text/csv; charset=utf-8"};
  answer.body = "sensor_id,timestamp,value,flags\r\n";
  answer.body.reserve(64 * (p.rows.size() + 1));
  const std::string sensor = std::to_string(p.sensor) + ',';
  for (std::size_t row = 0; row < p.rows.size(); ++row) {
    char value[32];
    const auto end = std::to_chars(value, value + sizeof value, p.rows.value[row]).ptr;
    answer.body.append(sensor).append(format_time(p.rows.event_time_us[row])).append(1, ',').append(value, end).append(1, ',');
    const std::uint8_t flags = p.rows.flags[row];
    if ((flags & flag_late) != 0) answer.body.append("late");
    if ((flags & flag_late) != 0 && (flags & flag_future) != 0) answer.body.append(1, '|');
    if ((flags & flag_future) != 0) answer.body.append("future");
    answer.body.append("\r\n");
  }
  return answer;
}

/// Wherever the type stands in Accept; JSON when neither is named.
bool accepts(const http_request& request, std::string_view type) { return request.accept.find(type) != std::string_view::npos; }

expected<http_response> get_readings(engine& behind, const http_request& request, const path_argument& path) {
  if (auto there = require_sensor(behind, path.id); !there) return fail_with(there.error());
  const auto asked = read_page_request(request);
  if (!asked) return fail_with(asked.error());
  const auto found = read_page(behind, path.id, *asked);
  if (!found) return fail_with(found.error());

  http_response answer = accepts(request, "text/csv")               ? as_csv(*found)
                         : accepts(request, "application/x-ndjson") ? as_lines(*found)
                                                                    : as_json(*found);
  if (!found->next_cursor.empty()) answer.headers.emplace_back("X-Next-Cursor", found->next_cursor);
  return answer;
}

expected<http_response> get_latest(engine& behind, const http_request&, const path_argument& path) {
  const auto newest = behind.latest(path.id);
  if (!newest) return fail_with(newest.error());
  json_writer out;
  out.begin_object().member("id", newest->event_time_us).member("sensor_id", newest->sensor).member("value", newest->value);
  out.time_member("timestamp", newest->event_time_us).end_object();
  return json_response(out);
}

}  // namespace

void add_reading_calls(api_table& table) {
  table.push_back({http_method::get,
                   "/api/sensors/{id}/readings",
                   "A page of readings by event time; Accept: text/csv or application/x-ndjson for other forms, the next cursor "
                   "then in the header X-Next-Cursor",
                   get_readings,
                   {"from", "to", "limit", "order", "cursor"},
                   {},
                   "reading_page"});
  table.back().other_types = {"text/csv", "application/x-ndjson"};
  table.push_back(
      {http_method::get, "/api/sensors/{id}/latest", "The newest reading by event time", get_latest, {}, {}, "reading"});
}

}  // namespace factory
