#include "http/api/api_call.hpp"
#include "http/edge/access.hpp"
#include "http/edge/query.hpp"
#include "http/text/cursor.hpp"
#include "http/text/event_json.hpp"
#include "http/text/json_body.hpp"
#include "storage/base/limits.hpp"

namespace factory {

namespace {

constexpr std::size_t default_page = 100;

/// The words that `kind` may be, in the order of event_kinds().
std::vector<std::string_view> kind_names() {
  std::vector<std::string_view> names;
  for (const event_kind kind : event_kinds()) names.push_back(to_text(kind));
  return names;
}

/// Null when everything is shown, also what deleted sensors left.
using factory_view = std::shared_ptr<const sensor_set>;
factory_view view_of(const engine& behind, const http_request& request) {
  return request.factory != 0 ? sensors_of(behind, request.factory) : nullptr;
}
bool shows(const factory_view& seen, sensor_id sensor) { return !seen || seen->contains(sensor); }

sensor_id sensor_of(const finding& a) { return a.stated->key.sensor; }

/// With a token limited to a factory a page may be short, or empty with a next page, because rows of other factories are left out.
template <class Row, class Write>
http_response page_json(std::string_view name, std::vector<Row> rows, std::size_t limit, bool descending, factory_view seen,
                        Write write, std::uint64_t (*place)(const Row&)) {
  const bool more = rows.size() > limit;
  if (more) rows.resize(limit);
  json_writer out(256 * (rows.size() + 1));
  out.begin_object().key(name).begin_array();
  for (const Row& row : rows) {
    if (shows(seen, sensor_of(row))) write(out, row);
  }
  out.end_array().key("next_cursor");
  more ? out.value(format_cursor(place(rows.back()), descending)) : out.value(nullptr);
  out.end_object();
  return json_response(out);
}

expected<http_response> get_events(engine& behind, const http_request& request, const path_argument&) {
  query_reader query(request);
  event_query asked;
  asked.sensor = query.id("sensor_id");
  if (const auto kind = query.word("kind", kind_names())) asked.kind = event_kinds()[*kind];
  asked.range = read_range(query);
  asked.descending = query.word("order", {"desc", "asc"}) != 1U;
  const std::size_t limit = query.integer("limit", 1, limits::page_readings).value_or(default_page);
  if (const auto text = query.text("cursor")) {
    const auto cursor = parse_cursor<std::uint64_t>(*text, asked.descending);
    if (!cursor) query.fail_at("cursor", "a next_cursor of the same order");
    if (cursor) (asked.descending ? asked.before_sequence : asked.after_sequence) = *cursor;
  }
  if (query.fault()) return fail_with(*query.fault());

  asked.limit = limit;
  auto found = behind.events().page(asked);
  if (!found) return fail_with(found.error());
  const auto seen = view_of(behind, request);
  json_writer out(256 * (found->rows.size() + 1));
  out.begin_object().key("events").begin_array();
  for (const event& each : found->rows) {
    if (shows(seen, each.key.sensor)) write_event(out, each);
  }
  out.end_array().key("next_cursor");
  found->next ? out.value(format_cursor(*found->next, asked.descending)) : out.value(nullptr);
  out.end_object();
  return json_response(out);
}

expected<http_response> get_alerts(engine& behind, const http_request& request, const path_argument&) {
  query_reader query(request);
  alert_query asked;
  asked.sensor = query.id("sensor_id");
  asked.active = query.boolean("active");
  asked.acknowledged = query.boolean("acknowledged");
  const std::size_t limit = query.integer("limit", 1, limits::page_readings).value_or(default_page);
  if (const auto text = query.text("cursor")) {
    const auto cursor = parse_cursor<std::uint64_t>(*text, true);
    if (!cursor) query.fail_at("cursor", "a next_cursor of this call");
    asked.before_sequence = cursor.value_or(0);
  }
  if (query.fault()) return fail_with(*query.fault());

  asked.limit = limit + 1;
  auto found = behind.events().alerts(asked);
  if (!found) return fail_with(found.error());
  return page_json<finding>("alerts", std::move(*found), limit, true, view_of(behind, request), write_alert,
                            [](const finding& a) { return a.stated->sequence; });
}

http_response alert_json(const finding& alert) {
  json_writer out;
  write_alert(out, alert);
  return json_response(out);
}

expected<finding> find_alert(engine& behind, const http_request& request, std::string_view id) {
  event_key key;
  if (!parse_finding_id(id, key) || group_of(key.source) != source_group::limit || !shows(view_of(behind, request), key.sensor))
    return fail(errc::not_found, "Alert not found");
  key.kind = event_kind::alert_raised;
  auto found = behind.events().find(key);
  if (!found) return tl::unexpected(found.error());
  if (!*found || !(*found)->holds()) return fail(errc::not_found, "Alert not found");
  return std::move(**found);
}

expected<http_response> get_alert(engine& behind, const http_request& request, const path_argument& path) {
  const auto alert = find_alert(behind, request, path.text);
  return alert ? expected<http_response>(alert_json(*alert)) : fail_with(alert.error());
}

/// {"by":"name"}
expected<std::string> read_acknowledger(std::string_view text) {
  json_body body;
  const auto root = body.parse(text);
  if (!root) return tl::unexpected(root.error());
  std::string by;
  const auto read = for_each_member(*root, [&](std::string_view name, simdjson::dom::element value) -> expected<bool> {
    if (name != "by") return false;
    auto given = read_text(name, value);
    if (!given) return tl::unexpected(given.error());
    by = std::move(*given);
    return true;
  });
  if (!read) return tl::unexpected(read.error());
  if (by.empty() || by.size() > limits::name_bytes) return fail(errc::invalid, "by must be a name of 1 to 256 bytes", "by");
  return by;
}

expected<http_response> acknowledge(engine& behind, const http_request& request, const path_argument& path) {
  auto by = read_acknowledger(request.body);
  if (!by) return fail_with(by.error());
  const auto alert = find_alert(behind, request, path.text);
  if (!alert) return fail_with(alert.error());
  const auto acknowledged = behind.acknowledge(alert->stated->key, std::move(*by));
  return acknowledged ? expected<http_response>(alert_json(*acknowledged)) : fail_with(acknowledged.error());
}

}  // namespace

void add_event_calls(api_table& table) {
  table.push_back({http_method::get,
                   "/api/events",
                   "What was found while readings streamed in: anomalies and alerts, newest first",
                   get_events,
                   {"sensor_id", "kind", "from", "to", "limit", "cursor", "order"},
                   {},
                   "event_page"});
  table.push_back({http_method::get,
                   "/api/alerts",
                   "Alerts and what became of them, newest first",
                   get_alerts,
                   {"sensor_id", "active", "acknowledged", "limit", "cursor"},
                   {},
                   "alert_page"});
  table.push_back({http_method::get, "/api/alerts/{name}", "One alert by its id", get_alert, {}, {}, "alert"});
  table.push_back({http_method::post,
                   "/api/alerts/{name}/acknowledge",
                   "Say that a person has seen the alert; the first one stays",
                   acknowledge,
                   {},
                   "acknowledgement",
                   "alert",
                   200,
                   limits::small_body_bytes,
                   json_only});
  for (auto added = table.end() - 4; added != table.end(); ++added) added->limited = factory_limit::handled;
}

}  // namespace factory
