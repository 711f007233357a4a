#include <algorithm>
#include <iterator>
#include <memory>
#include <set>
#include <string>

#include "http/api/api_call.hpp"
#include "http/api/shown_things.hpp"
#include "http/calls/explanation.hpp"
#include "http/edge/access.hpp"
#include "http/edge/query.hpp"
#include "http/text/anomaly_groups.hpp"
#include "http/text/cursor.hpp"
#include "http/text/event_json.hpp"
#include "http/text/json_body.hpp"
#include "pipelines/model/limits.hpp"
#include "storage/base/limits.hpp"

namespace factory {

namespace {

constexpr std::size_t anomalies_per_page = 100;
const std::vector<std::string_view> verdicts{"false_alarm", "confirmed", "planned"};

std::vector<event_source> detector_sources() {
  std::vector<event_source> all;
  std::ranges::copy_if(event_sources(), std::back_inserter(all), is_detector);
  return all;
}

std::string name_of_machine(const query_port& behind, machine_id id) {
  const auto machine = behind.entities().find_machine(id);
  return machine ? machine->name : "machine " + std::to_string(id);
}

bool may_see(const query_port& behind, const http_request& request, const event_key& key) {
  return request.factory == 0 || things_of_factory(behind, request.factory).contains(key);
}

/// What of the page belongs together. Sensors that were deleted belong to no machine.
void write_groups_of(json_writer& out, const query_port& behind, const std::vector<finding>& page) {
  std::vector<placed_finding> placed;
  for (const finding& each : page) {
    const event_key& key = each.stated->key;
    const auto sensor = behind.entities().find_sensor(key.sensor);
    const auto machine = key.sensor == 0 ? key.rule : sensor ? sensor->machine : machine_id{0};
    if (machine != 0) placed.push_back({machine, key.sensor, key.event_time_us, finding_id(key)});
  }
  write_groups(out, group_findings(std::move(placed)), [&](machine_id id) { return name_of_machine(behind, id); });
}

expected<http_response> get_anomalies(query_port& behind, const http_request& request, const path_argument&) {
  query_reader query(request);
  anomaly_query asked;
  asked.sensor = query.id("sensor_id");
  const auto machine = query.id("machine_id");
  const auto factory = query.id("factory_id");
  const label_set labels = query.labels();
  const auto sources = detector_sources();
  std::vector<std::string_view> names;
  for (const event_source source : sources) names.push_back(to_text(source));
  if (const auto detector = query.word("detector", names)) asked.detector = sources[*detector];
  asked.open = query.boolean("open");
  asked.range = read_range(query);
  asked.limit = query.integer("limit", 1, limits::page_readings).value_or(anomalies_per_page);
  if (const auto text = query.text("cursor")) {
    const auto cursor = parse_cursor<std::uint64_t>(*text, true);
    if (!cursor) query.fail_at("cursor", "a next_cursor of this call");
    asked.before_sequence = cursor.value_or(0);
  }
  if (query.fault()) return fail_with(*query.fault());

  std::vector<shown_things> views;
  if (request.factory != 0) views.push_back(things_of_factory(behind, request.factory));
  if (factory) views.push_back(things_of_factory(behind, *factory));
  if (machine) views.push_back({set_of(behind.entities().sensors(*machine)), {*machine}});
  if (!labels.empty()) views.push_back(things_with(behind, labels));
  if (!views.empty()) {
    asked.among = [&](const event_key& key) {
      return std::ranges::all_of(views, [&](const shown_things& each) { return each.contains(key); });
    };
  }
  auto found = behind.events().anomalies(asked);
  if (!found) return fail_with(found.error());
  json_writer out(512 * (found->rows.size() + 1));
  out.begin_object().key("anomalies").begin_array();
  for (const finding& each : found->rows) write_anomaly(out, each);
  out.end_array().key("groups");
  write_groups_of(out, behind, found->rows);
  out.key("next_cursor");
  found->next ? out.value(format_cursor(*found->next, true)) : out.value(nullptr);
  out.end_object();
  return json_response(out);
}

expected<finding> find_anomaly(query_port& behind, const http_request& request, std::string_view id) {
  event_key key;
  const auto unknown = [] { return fail(errc::not_found, "Anomaly not found"); };
  if (!parse_finding_id(id, key) || !is_detector(key.source) || !may_see(behind, request, key)) return unknown();
  auto found = behind.events().find(key);
  if (!found) return tl::unexpected(found.error());
  if (!*found || !(*found)->holds()) return unknown();
  return std::move(**found);
}

http_response episode_json(const finding& anomaly) {
  json_writer out;
  write_anomaly(out, anomaly);
  return json_response(out);
}

expected<http_response> get_anomaly(query_port& behind, const http_request& request, const path_argument& path) {
  const auto anomaly = find_anomaly(behind, request, path.text);
  return anomaly ? expected<http_response>(episode_json(*anomaly)) : fail_with(anomaly.error());
}

struct feedback_body {
  std::string verdict, by, comment;
};

/// {"verdict":"false_alarm|confirmed|planned","by":"name","comment":"text"}
expected<feedback_body> read_feedback(std::string_view text) {
  json_body body;
  const auto root = body.parse(text);
  if (!root) return tl::unexpected(root.error());
  feedback_body given;
  const auto read = for_each_member(*root, [&](std::string_view name, simdjson::dom::element value) -> expected<bool> {
    std::string* const to = name == "verdict"   ? &given.verdict
                            : name == "by"      ? &given.by
                            : name == "comment" ? &given.comment
                                                : nullptr;
    if (to == nullptr) return false;
    auto member = read_text(name, value);
    if (!member) return tl::unexpected(member.error());
    *to = std::move(*member);
    return true;
  });
  if (!read) return tl::unexpected(read.error());
  if (std::ranges::find(verdicts, given.verdict) == verdicts.end())
    return fail(errc::invalid, "verdict must be false_alarm or confirmed or planned", "verdict");
  if (given.by.empty() || given.by.size() > limits::name_bytes)
    return fail(errc::invalid, "by must be a name of 1 to 256 bytes", "by");
  if (given.comment.size() > limits::name_bytes) return fail(errc::invalid, "comment must have 256 bytes at most", "comment");
  return given;
}

expected<http_response> take_feedback(ports& behind, const http_request& request, const path_argument& path) {
  auto given = read_feedback(request.body);
  if (!given) return fail_with(given.error());
  const auto anomaly = find_anomaly(behind, request, path.text);
  if (!anomaly) return fail_with(anomaly.error());
  const auto judged =
      behind.give_feedback(anomaly->stated->key, std::move(given->verdict), std::move(given->comment), std::move(given->by));
  return judged ? expected<http_response>(episode_json(*judged)) : fail_with(judged.error());
}

expected<http_response> get_explanation(ports& behind, const http_request& request, const path_argument& path) {
  const auto anomaly = find_anomaly(behind, request, path.text);
  return anomaly ? explain_anomaly(behind, *anomaly) : fail_with(anomaly.error());
}

}  // namespace

void add_finding_calls(api_table& table) {
  table.push_back({http_method::get,
                   "/api/anomalies",
                   "Anomalies as episodes, those that began last first; a page may come short and go on",
                   get_anomalies,
                   {"sensor_id", "machine_id", "factory_id", "label", "detector", "open", "from", "to", "limit", "cursor"},
                   {},
                   "anomaly_page"});
  table.push_back({http_method::get, "/api/anomalies/{name}", "One anomaly by its id", get_anomaly, {}, {}, "episode"});
  table.push_back({http_method::get,
                   "/api/anomalies/{name}/explain",
                   "Its figures, computed again from what is stored, and whether they agree",
                   get_explanation,
                   {},
                   {},
                   "anomaly_explanation"});
  table.push_back({http_method::post,
                   "/api/anomalies/{name}/feedback",
                   "Say what a person thinks of the anomaly; the newest counts",
                   take_feedback,
                   {},
                   "anomaly_feedback",
                   "episode",
                   200,
                   limits::small_body_bytes,
                   json_only});
  for (auto added = table.end() - 4; added != table.end(); ++added) added->limited = factory_limit::handled;
}

}  // namespace factory
