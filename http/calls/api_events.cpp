#include "http/api/api_call.hpp"
#include "http/api/shown_things.hpp"
#include "http/edge/query.hpp"
#include "http/text/backtest_text.hpp"
#include "http/text/cursor.hpp"
#include "http/text/event_json.hpp"
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

expected<http_response> get_events(query_port& behind, const http_request& request, const path_argument&) {
  query_reader query(request);
  event_query asked;
  asked.sensor = query.id("sensor_id");
  if (const auto kind = query.word("kind", kind_names())) asked.kind = event_kinds()[*kind];
  asked.range = read_range(query);
  asked.descending = query.word("order", {"desc", "asc"}) != 1U;
  const label_set labels = query.labels();
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
  // Without a factory everything is shown, also what deleted sensors left.
  const auto seen = request.factory != 0 ? std::optional(things_of_factory(behind, request.factory)) : std::nullopt;
  const auto labelled = labels.empty() ? std::nullopt : std::optional(things_with(behind, labels));
  json_writer out(256 * (found->rows.size() + 1));
  out.begin_object().key("events").begin_array();
  for (const event& each : found->rows) {
    if ((!seen || seen->contains(each.key)) && (!labelled || labelled->contains(each.key))) write_event(out, each);
  }
  out.end_array().key("next_cursor");
  found->next ? out.value(format_cursor(*found->next, asked.descending)) : out.value(nullptr);
  out.end_object();
  return json_response(out);
}

expected<http_response> get_digest(query_port& behind, const http_request&, const path_argument&) {
  json_writer out;
  out.begin_object().member("digest", std::string_view(digest_text(behind.events().digest()))).end_object();
  return json_response(out);
}

}  // namespace

void add_event_calls(api_table& table) {
  table.push_back({http_method::get,
                   "/api/events",
                   "What was found while readings streamed in: anomalies and alerts, newest first",
                   get_events,
                   {"sensor_id", "label", "kind", "from", "to", "limit", "cursor", "order"},
                   {},
                   "event_page"});
  table.back().limited = factory_limit::handled;
  table.push_back({http_method::get,
                   "/api/events/digest",
                   "A hash of all findings as they stand: equal for equal sets of readings, rules and commands",
                   get_digest,
                   {},
                   {},
                   "digest"});
}

}  // namespace factory
