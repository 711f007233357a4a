#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "http/api/api_call.hpp"
#include "http/edge/access.hpp"
#include "http/edge/limits.hpp"
#include "http/edge/query.hpp"
#include "http/text/anomaly_groups.hpp"
#include "pipelines/detect/episode.hpp"
#include "pipelines/judge/sensor_judge.hpp"

namespace factory {

namespace {

/// From good to bad: the worst open finding of a sensor is its state.
constexpr std::string_view states[] = {"ok",         "learning",     "no_readings", "anomaly",
                                       "noise_lost", "out_of_range", "stuck",       "silent"};

struct sensor_health {
  std::string_view state = "ok";
  std::int64_t since_us = INT64_MIN;  ///< INT64_MIN: no finding
};

std::string_view state_of(const episode& open) {
  return entry_of(open.by).kind == finding_kind::health ? entry_of(open.by).name : std::string_view("anomaly");
}

std::size_t rank_of(std::string_view state) {
  return static_cast<std::size_t>(std::ranges::find(states, state) - std::begin(states));
}

sensor_health health_of(const detection_view& known) {
  sensor_health worst;
  if (known.newest_us == INT64_MIN) return {"no_readings", INT64_MIN};
  if (!known.warm[static_cast<std::size_t>(detector::spike) - 1]) worst.state = "learning";
  for (const episode& open : known.open)
    if (rank_of(state_of(open)) > rank_of(worst.state)) worst = {state_of(open), open.begin_us};
  for (const auto& broken : known.broken)
    if (rank_of("anomaly") > rank_of(worst.state)) worst = {"anomaly", broken.what.now.begin_us};
  return worst;
}

void write_time(json_writer& out, std::string_view name, std::int64_t time_us) {
  out.key(name);
  time_us == INT64_MIN || time_us == INT64_MAX ? static_cast<void>(out.value(nullptr)) : static_cast<void>(out.time(time_us));
}

void write_open(json_writer& out, sensor_id sensor, const episode& open, std::string_view unit) {
  const event_key key{sensor, open.begin_us, source_of(open.opened_by), 0, event_kind::anomaly_opened};
  out.begin_object().member("id", finding_id(key)).member("detector", entry_of(open.by).name);
  out.member("kind", to_text(entry_of(open.by).kind)).member("severity", to_text(open.level)).member("score", open.score);
  out.time_member("begin", open.begin_us).member("count", open.count).member("explanation", explain(open, unit)).end_object();
}

void write_broken(json_writer& out, sensor_id sensor, const spc_watch::change& broken, const spc_rules& by,
                  std::string_view unit) {
  const auto& is = broken.what.now;
  const auto key = key_of_violation(sensor, broken, event_kind::anomaly_opened);
  out.begin_object().member("id", finding_id(key)).member("detector", to_text(key.source));
  out.member("kind", to_text(finding_kind::anomaly)).member("severity", to_text(is.level)).member("score", is.score);
  out.time_member("begin", is.begin_us).member("count", is.count);
  out.member("explanation", explain_violation(broken.rule, is, by, unit)).end_object();
}

/// What is expected, and what is still being learned.
void write_detectors(json_writer& out, const detection_view& known) {
  out.key("detectors").begin_array();
  for (const detector_entry& each : detectors()) {
    if (each.id == detector::machine) continue;
    out.begin_object().member("detector", each.name).member("version", each.version);
    out.member("kind", to_text(each.kind)).member("ready", known.warm[static_cast<std::size_t>(each.id) - 1]);
    out.member("finds", each.what).end_object();
  }
  out.end_array();
}

expected<http_response> get_baseline(query_port& behind, const http_request&, const path_argument& path) {
  if (auto there = require_sensor(behind, path.id); !there) return fail_with(there.error());
  const auto known = behind.detection(path.id);
  if (!known) return fail_with(known.error());
  const auto& expected_now = known->expected;
  const bool learned = expected_now.readings > 0;
  const auto figure = [&](double value) { return learned ? std::optional(value) : std::nullopt; };
  json_writer out;
  out.begin_object().member("sensor_id", path.id);
  write_time(out, "since", expected_now.since_us);
  write_time(out, "newest", known->newest_us);
  out.member("learned_readings", expected_now.readings).member("level", figure(expected_now.level));
  out.member("spread", figure(expected_now.spread))
      .member("low", figure(expected_now.low))
      .member("high", figure(expected_now.high));
  out.member("by_time_of_day", expected_now.by_time_of_day).member("days", expected_now.days);
  out.member("usual_step", figure(expected_now.usual_step)).key("usual_interval_ms");
  learned ? write_ms(out, static_cast<std::int64_t>(expected_now.usual_interval_us)) : static_cast<void>(out.value(nullptr));
  out.member("longest_run", expected_now.longest_run);
  write_time(out, "silent_from", known->quiet_until_us);
  out.key("excluded").begin_array();
  if (const auto overlay = behind.corrections().overlay_of(path.id))
    for (const auto& each : overlay->rests()) {
      out.begin_object().time_member("from", each.begin_us);
      out.time_member("to", each.end_us).end_object();
    }
  out.end_array();
  write_detectors(out, *known);
  out.end_object();
  return json_response(out);
}

expected<http_response> get_sensor_health(query_port& behind, const http_request&, const path_argument& path) {
  const auto sensor = behind.entities().find_sensor(path.id);
  if (!sensor) return fail_with(sensor.error());
  const auto known = behind.detection(path.id);
  if (!known) return fail_with(known.error());
  const auto health = health_of(*known);
  json_writer out;
  out.begin_object().member("sensor_id", path.id).member("state", health.state);
  write_time(out, "since", health.since_us);
  write_time(out, "newest", known->newest_us);
  write_time(out, "silent_from", known->quiet_until_us);
  out.key("open").begin_array();
  for (const episode& open : known->open) write_open(out, path.id, open, sensor->unit);
  for (const auto& broken : known->broken) write_broken(out, path.id, broken, known->spc, sensor->unit);
  out.end_array().end_object();
  return json_response(out);
}

void place_open(sensor_id sensor, machine_id machine, const detection_view& known, std::vector<placed_finding>& to) {
  for (const episode& open : known.open) {
    const event_key key{sensor, open.begin_us, source_of(open.opened_by), 0, event_kind::anomaly_opened};
    to.push_back({machine, sensor, open.begin_us, finding_id(key)});
  }
  for (const auto& broken : known.broken)
    to.push_back(
        {machine, sensor, broken.what.now.begin_us, finding_id(key_of_violation(sensor, broken, event_kind::anomaly_opened))});
}

/// The sensors of a machine or a factory: how many are in which state, and which are not well.
http_response health_of_many(query_port& behind, std::string_view member, std::uint32_t id,
                             const std::vector<sensor_entry>& sensors, const std::function<void(json_writer&)>& more = {}) {
  std::vector<sensor_id> ids;
  for (const sensor_entry& each : sensors) ids.push_back(each.id);
  const auto all = behind.detection(ids);
  std::map<std::string_view, std::size_t> counts;
  std::string_view worst = "ok";
  json_writer bad;
  std::size_t listed = 0, not_well = 0;
  std::vector<placed_finding> placed;
  bad.begin_array();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto health = all[i].second ? health_of(*all[i].second) : sensor_health{"not_available", INT64_MIN};
    ++counts[health.state];
    if (all[i].second && rank_of(health.state) > rank_of(worst)) worst = health.state;
    if (all[i].second) place_open(all[i].first, sensors[i].machine, *all[i].second, placed);
    if (health.since_us == INT64_MIN && all[i].second) continue;
    ++not_well;
    if (listed == limits::unwell_sensors_listed) continue;
    ++listed;
    bad.begin_object().member("sensor_id", all[i].first).member("name", sensors[i].name).member("state", health.state);
    write_time(bad, "since", health.since_us);
    bad.end_object();
  }
  bad.end_array();
  json_writer out;
  out.begin_object().member(member, id).member("state", worst).member("sensors", ids.size()).key("counts").begin_object();
  for (const auto& [state, count] : counts) out.member(state, count);
  out.end_object().member("not_well", not_well).key("list").raw(bad.view()).key("groups");
  write_groups(out, group_findings(std::move(placed)), [&](machine_id machine) {
    const auto known = behind.entities().find_machine(machine);
    return known ? known->name : "machine " + std::to_string(machine);
  });
  if (more) more(out);
  out.end_object();
  return json_response(out);
}

void write_open_state(json_writer& out, machine_id machine, const machine_view& view) {
  out.key("open").begin_array();
  for (const episode& open : view.open) {
    const event_key key{0, open.begin_us, event_source::machine, machine, event_kind::anomaly_opened};
    out.begin_object().member("id", finding_id(key)).member("severity", to_text(open.level)).member("score", open.score);
    out.time_member("begin", open.begin_us).member("count", open.count);
    out.member("explanation", explain_machine(view.culprits, open.end_reason)).end_object();
  }
  out.end_array();
}

/// What the machine detector says of the machine, and what it is still learning.
void write_watch(json_writer& out, machine_id machine, const std::optional<stream_report>& watch) {
  const auto view = watch && watch->seen ? watch->seen->machine : nullptr;
  out.key("machine_detector").begin_object();
  out.member("state", !watch                                     ? "off"
                      : watch->state == stream_condition::failed ? "failed"
                      : view == nullptr                          ? "not_available"
                      : !view->is_ready                          ? "learning"
                      : view->open.empty()                       ? "ok"
                                                                 : "anomaly");
  if (view == nullptr) return static_cast<void>(out.end_object());
  out.member("score", view->score).member("sensitivity", view->sensitivity).member("learned_rows", view->learned_rows);
  write_time(out, "learning_since", view->learning_since_us);
  out.key("sensors").begin_array();
  for (const auto& each : view->sensors) {
    const auto figure = [&](double value) { return each.is_judged ? std::optional(value) : std::nullopt; };
    out.begin_object().member("sensor_id", each.id).member("judged", each.is_judged);
    out.member("expected", figure(each.expected)).member("spread", figure(each.spread)).end_object();
  }
  out.end_array();
  write_open_state(out, machine, *view);
  out.end_object();
}

expected<http_response> get_machine_health(query_port& behind, const http_request& request, const path_argument& path) {
  const auto machine = behind.entities().find_machine(path.id);
  if (!machine) return fail_with(machine.error());
  if (request.factory != 0 && machine->factory != request.factory)
    return fail_with({errc::not_found, "Machine not found", {}, {}});
  const auto watch = behind.watch_of(path.id);
  return health_of_many(behind, "machine_id", path.id, behind.entities().sensors(path.id),
                        [&](json_writer& out) { write_watch(out, path.id, watch); });
}

expected<http_response> get_factory_health(query_port& behind, const http_request& request, const path_argument& path) {
  if (request.factory != 0 && request.factory != path.id) return fail_with({errc::not_found, "Factory not found", {}, {}});
  if (const auto there = behind.entities().find_factory(path.id); !there) return fail_with(there.error());
  std::vector<sensor_entry> sensors;
  for (const machine_entry& machine : behind.entities().machines(path.id))
    for (sensor_entry& each : behind.entities().sensors(machine.id)) sensors.push_back(std::move(each));
  return health_of_many(behind, "factory_id", path.id, sensors);
}

}  // namespace

void add_health_calls(api_table& table) {
  table.push_back({http_method::get,
                   "/api/sensors/{id}/baseline",
                   "What is expected of the sensor now, since when, and what is still being learned",
                   get_baseline,
                   {},
                   {},
                   "baseline"});
  table.push_back({http_method::get,
                   "/api/sensors/{id}/health",
                   "Whether the sensor works, and what is wrong",
                   get_sensor_health,
                   {},
                   {},
                   "sensor_health"});
  table.push_back({http_method::get,
                   "/api/machines/{id}/health",
                   "How many sensors of the machine are in which state, and which are not well",
                   get_machine_health,
                   {},
                   {},
                   "health_of_many"});
  table.back().limited = factory_limit::handled;
  table.push_back({http_method::get,
                   "/api/factories/{id}/health",
                   "How many sensors of the factory are in which state, and which are not well",
                   get_factory_health,
                   {},
                   {},
                   "health_of_many"});
  table.back().limited = factory_limit::handled;
}

}  // namespace factory
