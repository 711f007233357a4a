#include <memory>
#include <optional>

#include "http/api/api_call.hpp"
#include "http/edge/accept.hpp"
#include "http/edge/query.hpp"
#include "http/text/cursor.hpp"
#include "http/text/reading_export.hpp"
#include "http/text/reading_text.hpp"
#include "pipelines/model/reading_flags.hpp"

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
  bool is_page = false;  ///< a limit or a cursor was given
  reading_form form = reading_form::effective;
};

expected<page_request> read_page_request(const http_request& request) {
  query_reader query(request);
  page_request asked;
  asked.range = read_range(query);
  const auto limit = query.integer("limit", 1, limits::page_readings);
  asked.limit = limit.value_or(limits::page_default);
  asked.is_page = limit.has_value();
  asked.form = read_form(query);
  asked.descending = query.word("order", {"asc", "desc"}) == 1U;
  if (const auto text = query.text("cursor")) {
    asked.is_page = true;
    const auto cursor = parse_cursor<std::int64_t>(*text, asked.descending);
    if (!cursor) query.fail_at("cursor", "a next_cursor of the same order");
    // The cursor is the last reading of the page.
    if (cursor && asked.descending) asked.range.end_us = std::min(asked.range.end_us, *cursor);
    if (cursor && !asked.descending) asked.range.begin_us = std::max(asked.range.begin_us, *cursor + 1);
  }
  if (query.fault()) return fail_with(*query.fault());
  return asked;
}

expected<page> read_page(query_port& behind, sensor_id id, const page_request& asked) {
  page found{id, {}, {}};
  if (asked.range.begin_us >= asked.range.end_us) return found;
  // One row more than asked shows whether there is a next page.
  auto rows = behind.readings(id, asked.range, asked.limit + 1, asked.descending, asked.form);
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

http_response as_json(const page& p) {
  json_writer out(row_bytes * (p.rows.size() + 1));
  out.begin_object().member("sensor_id", p.sensor).key("readings").begin_array();
  for (std::size_t row = 0; row < p.rows.size(); ++row) write_reading(out, p.sensor, p.rows, row);
  out.end_array().key("next_cursor");
  p.next_cursor.empty() ? out.value(nullptr) : out.value(p.next_cursor);
  out.end_object();
  return json_response(out);
}

http_response as_text(const page& p, reading_text::form how) {
  reading_text text(p.sensor, how);
  http_response answer{200, text.content_type()};
  answer.body.reserve(row_bytes * (p.rows.size() + 1));
  text.append_head(answer.body);
  for (std::size_t row = 0; row < p.rows.size(); ++row) text.append_row(answer.body, p.rows, row);
  return answer;
}

/// The text type that Accept prefers; nullopt means JSON.
std::optional<reading_text::form> text_form(const http_request& request) {
  constexpr std::string_view types[] = {"application/json", "text/csv", "application/x-ndjson"};
  constexpr std::optional<reading_text::form> forms[] = {{}, reading_text::form::csv, reading_text::form::lines};
  return forms[preferred(request.accept, types)];
}

/// The whole range, in pieces unless it is short.
expected<http_response> export_readings(query_port& behind, sensor_id id, const page_request& asked, reading_text::form how) {
  auto all = std::make_shared<reading_export>(behind, id, asked.range, asked.descending, how, asked.form);
  if (auto begun = all->begin(); !begun) return fail_with(begun.error());
  http_response answer{200, all->content_type()};
  if (!all->is_short()) {
    answer.source = std::move(all);
    return answer;
  }
  for (expected<bool> more = true; *more;) {
    more = all->next(answer.body);
    if (!more) return fail_with(more.error());
  }
  return answer;
}

expected<http_response> get_readings(query_port& behind, const http_request& request, const path_argument& path) {
  if (auto there = require_sensor(behind, path.id); !there) return fail_with(there.error());
  const auto asked = read_page_request(request);
  if (!asked) return fail_with(asked.error());
  const auto form = text_form(request);
  if (form && !asked->is_page) return export_readings(behind, path.id, *asked, *form);
  const auto found = read_page(behind, path.id, *asked);
  if (!found) return fail_with(found.error());
  http_response answer = form ? as_text(*found, *form) : as_json(*found);
  if (!found->next_cursor.empty()) answer.headers.emplace_back("X-Next-Cursor", found->next_cursor);
  return answer;
}

expected<http_response> get_latest(query_port& behind, const http_request& request, const path_argument& path) {
  query_reader query(request);
  const auto form = read_form(query);
  if (query.fault()) return fail_with(*query.fault());
  const auto newest = behind.latest(path.id, form);
  if (!newest) return fail_with(newest.error());
  json_writer out;
  out.begin_object().member("id", newest->event_time_us).member("sensor_id", newest->sensor).member("value", newest->value);
  out.time_member("timestamp", newest->event_time_us);
  if ((newest->flags & quality_flags) != 0) out.member("quality", quality_text(newest->flags));
  out.end_object();
  return json_response(out);
}

}  // namespace

void add_reading_calls(api_table& table) {
  table.push_back(
      {http_method::get,
       "/api/sensors/{id}/readings",
       "A page of readings by event time. Accept: text/csv or application/x-ndjson: the whole range, sent in pieces; or, with "
       "limit or cursor, a page whose next cursor is in the header X-Next-Cursor",
       get_readings,
       {"from", "to", "limit", "order", "cursor", "raw"},
       {},
       "reading_page"});
  table.back().other_types = {"text/csv", "application/x-ndjson"};
  table.push_back({http_method::get,
                   "/api/sensors/{id}/latest",
                   "The newest reading by event time",
                   get_latest,
                   {"raw", "include"},
                   {},
                   "reading"});
}

}  // namespace factory
