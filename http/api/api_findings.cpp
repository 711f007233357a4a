#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <memory>

#include "http/api/api_call.hpp"
#include "http/edge/access.hpp"
#include "http/edge/query.hpp"
#include "http/text/cursor.hpp"
#include "http/text/event_json.hpp"
#include "http/text/json_body.hpp"
#include "pipelines/detect/z_score.hpp"
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

/// Sensors that a question is about; null: all, also those that were deleted.
using shown_sensors = std::shared_ptr<const sensor_set>;

shown_sensors set_of(const std::vector<sensor_entry>& sensors) {
  auto found = std::make_shared<sensor_set>();
  for (const sensor_entry& sensor : sensors) found->insert(sensor.id);
  return found;
}

bool may_see(const query_port& behind, const http_request& request, sensor_id sensor) {
  return request.factory == 0 || sensors_of(behind, request.factory)->contains(sensor);
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

  std::vector<shown_sensors> views;
  if (request.factory != 0) views.push_back(sensors_of(behind, request.factory));
  if (factory) views.push_back(sensors_of(behind, *factory));
  if (machine) views.push_back(set_of(behind.entities().sensors(*machine)));
  if (!labels.empty()) views.push_back(set_of(sensors_with(behind, labels)));
  if (!views.empty()) {
    asked.among = [&](const event_key& key) {
      return std::ranges::all_of(views, [&](const shown_sensors& each) { return each->contains(key.sensor); });
    };
  }
  auto found = behind.events().anomalies(asked);
  if (!found) return fail_with(found.error());
  json_writer out(512 * (found->rows.size() + 1));
  out.begin_object().key("anomalies").begin_array();
  for (const finding& each : found->rows) write_anomaly(out, each);
  out.end_array().key("next_cursor");
  found->next ? out.value(format_cursor(*found->next, true)) : out.value(nullptr);
  out.end_object();
  return json_response(out);
}

expected<finding> find_anomaly(query_port& behind, const http_request& request, std::string_view id) {
  event_key key;
  const auto unknown = [] { return fail(errc::not_found, "Anomaly not found"); };
  if (!parse_finding_id(id, key) || !is_detector(key.source) || !may_see(behind, request, key.sensor)) return unknown();
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

bool agree(double a, double b) { return std::abs(a - b) <= 1e-9 * std::max({1.0, std::abs(a), std::abs(b)}); }

/// The readings that the z-score was judged against, as storage has them now. Nothing when the finding is of another detector.
expected<http_response> get_explanation(query_port& behind, const http_request& request, const path_argument& path) {
  const auto anomaly = find_anomaly(behind, request, path.text);
  if (!anomaly) return fail_with(anomaly.error());
  const event& stated = *anomaly->stated;
  json_writer out;
  out.begin_object().key("anomaly");
  write_anomaly(out, *anomaly);
  const auto* const told = std::get_if<z_score_detail>(&stated.detail);
  out.member("recomputed", told != nullptr).key("agrees");
  if (told == nullptr) {
    out.value(nullptr).member("reason", "the figures of this detector are not recomputed").end_object();
    return json_response(out);
  }
  const auto before = behind.readings(stated.key.sensor, {INT64_MIN, stated.at_us}, limits::window_readings, true);
  if (!before) return fail_with(before.error());
  const auto itself = behind.readings(stated.key.sensor, {stated.at_us, stated.at_us + 1}, 1, true);
  if (!itself) return fail_with(itself.error());
  const auto stats = describe(before->value);
  const bool there = !itself->empty();
  constexpr double unknown = std::numeric_limits<double>::quiet_NaN();  // null in the answer, and agrees with nothing
  const double value = there ? itself->value.front() : unknown;
  const double z = there ? z_score(value, stats).value_or(unknown) : unknown;
  out.value(value == stated.value && agree(z, told->z_score) && agree(stats.mean, told->mean) &&
            agree(stats.std_dev, told->std_dev));
  if (!there) out.member("reason", "the reading is not stored any more");
  out.key("figures").begin_object().member("value", value);
  out.member("z_score", z).member("mean", stats.mean).member("std_dev", stats.std_dev).member("threshold", told->threshold);
  out.member("window_count", before->size()).end_object().end_object();
  return json_response(out);
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
