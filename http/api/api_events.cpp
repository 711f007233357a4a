#include "http/api/api_call.hpp"
#include "http/edge/access.hpp"
#include "http/edge/query.hpp"
#include "http/text/cursor.hpp"
#include "http/text/json_body.hpp"
#include "storage/base/limits.hpp"

namespace factory {

namespace {

constexpr std::size_t default_page = 100;
const std::vector<std::string_view> kinds{"anomaly", "alert_raised", "alert_cleared", "alert_acknowledged"};

void write_rule(json_writer& out, const event_key& key) {
  out.member("source", to_text(key.source));
  out.member("rule_id", key.source == event_source::alert_rule ? std::optional(key.rule) : std::nullopt);
}

/// `id` is the finding's: an alert's raised, cleared and acknowledged events share it. `timestamp` is the event time of the reading
/// that caused this event; an acknowledgement has that of the reading that raised the alert.
void write_event(json_writer& out, const event& e) {
  out.begin_object().member("id", finding_id(e.key)).member("sequence", e.sequence).member("kind", to_text(e.key.kind));
  out.member("sensor_id", e.key.sensor);
  write_rule(out, e.key);
  out.member("severity", to_text(e.level)).time_member("timestamp", e.at_us).member("value", e.value);
  if (e.key.kind == event_kind::anomaly) {
    out.member("z_score", e.z_score).member("mean", e.mean).member("std_dev", e.std_dev).member("threshold", e.limit);
  } else {
    out.member("limit", e.limit);
  }
  if (e.key.kind == event_kind::alert_acknowledged) out.member("by", e.actor);
  out.time_member("recorded_at", e.recorded_at_us).end_object();
}

void write_alert(json_writer& out, const alert_record& a) {
  const event& raised = a.raised;
  out.begin_object().member("id", finding_id(raised.key)).member("sensor_id", raised.key.sensor);
  write_rule(out, raised.key);
  out.member("severity", to_text(raised.level)).member("value", raised.value).member("limit", raised.limit);
  out.member("active", a.active()).member("acknowledged", a.acknowledged.has_value());
  out.time_member("raised_at", raised.at_us).key("cleared_at");
  a.cleared ? out.time(a.cleared->at_us) : out.value(nullptr);
  out.key("acknowledged_at");
  a.acknowledged ? out.time(a.acknowledged->recorded_at_us) : out.value(nullptr);
  out.member("acknowledged_by", a.acknowledged ? std::optional(std::string_view(a.acknowledged->actor)) : std::nullopt);
  out.end_object();
}

/// Null when everything is shown, also what deleted sensors left.
using factory_view = std::shared_ptr<const sensor_set>;
factory_view view_of(const engine& behind, const http_request& request) {
  return request.factory != 0 ? sensors_of(behind, request.factory) : nullptr;
}
bool shows(const factory_view& seen, sensor_id sensor) { return !seen || seen->contains(sensor); }

sensor_id sensor_of(const event& e) { return e.key.sensor; }
sensor_id sensor_of(const alert_record& a) { return a.raised.key.sensor; }

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
  if (const auto kind = query.word("kind", kinds)) asked.kind = static_cast<event_kind>(*kind + 1);
  asked.range = read_range(query);
  asked.descending = query.word("order", {"desc", "asc"}) != 1U;
  const std::size_t limit = query.integer("limit", 1, limits::page_readings).value_or(default_page);
  if (const auto text = query.text("cursor")) {
    const auto cursor = parse_cursor<std::uint64_t>(*text, asked.descending);
    if (!cursor) query.fail_at("cursor", "a next_cursor of the same order");
    if (cursor) (asked.descending ? asked.before_sequence : asked.after_sequence) = *cursor;
  }
  if (query.fault()) return fail_with(*query.fault());

  asked.limit = limit + 1;  // one row more shows whether there is a next page
  auto found = behind.events().query(asked);
  if (!found) return fail_with(found.error());
  return page_json<event>("events", std::move(*found), limit, asked.descending, view_of(behind, request), write_event,
                          [](const event& e) { return e.sequence; });
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
  return page_json<alert_record>("alerts", std::move(*found), limit, true, view_of(behind, request), write_alert,
                                 [](const alert_record& a) { return a.raised.sequence; });
}

http_response alert_json(const alert_record& alert) {
  json_writer out;
  write_alert(out, alert);
  return json_response(out);
}

expected<alert_record> find_alert(engine& behind, const http_request& request, std::string_view id) {
  event_key key;
  if (!parse_finding_id(id, key) || !shows(view_of(behind, request), key.sensor)) return fail(errc::not_found, "Alert not found");
  key.kind = event_kind::alert_raised;
  auto found = behind.events().alert(key);
  if (!found) return tl::unexpected(found.error());
  if (!*found) return fail(errc::not_found, "Alert not found");
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
  const auto acknowledged = behind.acknowledge(alert->raised.key, std::move(*by));
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
