#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "http/api/api_call.hpp"
#include "http/api/shown_things.hpp"
#include "http/edge/access.hpp"
#include "http/edge/query.hpp"
#include "http/text/json_body.hpp"
#include "pipelines/spec/limits.hpp"
#include "pipelines/spec/pipeline_spec.hpp"
#include "storage/base/limits.hpp"

namespace factory {

namespace {

std::string_view condition_text(stream_condition state) {
  switch (state) {
    case stream_condition::running: return "running";
    case stream_condition::catching_up: return "catching_up";
    case stream_condition::failed: return "failed";
  }
  return "";
}

constexpr std::size_t errors_with_readings = 100;

/// What each source had when a step had no finite value.
void write_readings_at(json_writer& out, ports& behind, const pipeline_spec& spec, const std::vector<sensor_id>& sources,
                       std::int64_t time_us) {
  out.key("readings").begin_object();
  for (std::size_t i = 0; i < sources.size() && i < spec.sources.size(); ++i) {
    const auto newest = behind.readings(sources[i], {INT64_MIN, time_us + 1}, 1, true);
    out.key(spec.sources[i].name);
    if (!newest || newest->empty()) {
      out.value(nullptr);
      continue;
    }
    out.begin_object()
        .time_member("timestamp", newest->event_time_us.front())
        .member("value", newest->value.front())
        .end_object();
  }
  out.end_object();
}

void write_counts(json_writer& out, const stream_view& seen) {
  out.key("watermark");
  seen.watermark_us ? out.time(*seen.watermark_us) : out.value(nullptr);
  const auto& counts = seen.counts;
  out.member("in", counts.in).member("duplicate", counts.duplicate).member("corrected", counts.corrected);
  out.member("late", counts.late).member("future", counts.future).member("out", counts.out).member("revised", counts.revised);
  out.member("errors", counts.faulty);
}

void write_places(json_writer& out, const pipeline_spec& spec, machine_id machine, const std::vector<sensor_id>& sources,
                  const std::vector<sensor_id>& sinks) {
  out.key("machine_id");
  machine == 0 ? out.value(nullptr) : out.value(machine);
  out.key("sources").begin_object();
  for (std::size_t i = 0; i < sources.size() && i < spec.sources.size(); ++i) out.member(spec.sources[i].name, sources[i]);
  out.end_object().key("sinks").begin_array();
  for (const auto each : sinks) each == 0 ? out.value(nullptr) : out.value(each);
  out.end_array();
}

/// `instances` is the JSON of an array, `left_out` of members behind it.
http_response pipeline_answer(const pipeline_entry& entry, std::string_view instances, unsigned status = 200,
                              std::string_view left_out = {}) {
  json_writer head;
  head.begin_object().member("id", entry.id).member("version", entry.version).time_member("created_at", entry.created_at_us);
  head.end_object();
  std::string text(head.view());
  text.back() = ',';
  text.append(entry.spec, 1, entry.spec.size() - 2);  // a JSON object without its braces
  text.append(",\"instances\":").append(instances).append(left_out).append("}");
  return {status, "application/json", std::move(text)};
}

std::string left_out_members(const left_out_machines& all) {
  json_writer out;
  out.begin_array();
  for (const auto& each : all.first) {
    out.begin_object().key("machine_id");
    each.machine == 0 ? out.value(nullptr) : out.value(each.machine);
    out.member("reason", each.reason).end_object();
  }
  return ",\"left_out\":" + std::string(out.end_array().view()) + ",\"left_out_count\":" + std::to_string(all.count);
}

http_response with_places(const pipeline_entry& entry, unsigned status = 200) {
  const auto spec = parse_pipeline(entry.spec).value_or(pipeline_spec{});
  json_writer out;
  out.begin_array();
  for (const auto& each : entry.instances) {
    out.begin_object();
    write_places(out, spec, each.machine, each.sources, each.sinks);
    out.end_object();
  }
  return pipeline_answer(entry, out.end_array().view(), status);
}

/// Whether a token that is limited to a factory may see and change a pipeline: all that its sources find lies there, whatever comes later, and no
/// channel hears of it.
bool lies_within(const query_port& behind, factory_id factory, const pipeline_spec& spec) {
  if (factory == 0) return true;
  const auto sensors = sensors_of(behind, factory);
  const auto is_there = [&](const source_spec& each) {
    return each.sensor != 0 ? sensors->contains(each.sensor) : lies_in(behind, factory, each.which);
  };
  const auto is_channel = [](const pipeline_sink& each) { return std::holds_alternative<channel_sink>(each); };
  const auto lies_elsewhere = [&](const pipeline_sink& each) {
    const auto* const sink = std::get_if<sensor_sink>(&each);
    if (sink == nullptr || sink->machine == 0) return false;
    const auto machine = behind.entities().find_machine(sink->machine);
    return !machine || machine->factory != factory;
  };
  return std::ranges::all_of(spec.sources, is_there) && std::ranges::none_of(spec.sinks, is_channel) &&
         std::ranges::none_of(spec.sinks, lies_elsewhere);
}

http_response no_pipeline_of_theirs() {
  return no_access(
      "This token is limited to a factory: each source must be a sensor of it, or a selector with its factory_id or a machine_id "
      "of it, and no "
      "channel may be among the sinks");
}

/// Unreadable ones are left to those who may do everything.
bool may_use(const query_port& behind, const http_request& request, const pipeline_entry& entry) {
  if (request.factory == 0) return true;
  const auto spec = parse_pipeline(entry.spec);
  return spec && lies_within(behind, request.factory, *spec);
}

/// Whether all sensors that it fills or has filled, of those that are there, are of the factory.
bool fills_only_within(const query_port& behind, factory_id factory, const pipeline_entry& entry) {
  const auto theirs = sensors_of(behind, factory), known = behind.entities().known_sensors();
  const auto lies_elsewhere = [&](sensor_id sensor) { return known->contains(sensor) && !theirs->contains(sensor); };
  const auto fills_elsewhere = [&](const pipeline_instance_entry& each) {
    return std::ranges::any_of(each.sinks, lies_elsewhere);
  };
  return std::ranges::none_of(entry.instances, fills_elsewhere) &&
         std::ranges::none_of(entry.former, lies_elsewhere, &former_sink::sensor);
}

expected<http_response> list_pipelines(ports& behind, const http_request& request, const path_argument&) {
  query_reader query(request);
  const label_set labels = query.labels();
  if (query.fault()) return fail_with(*query.fault());
  const auto wanted = labels.empty() ? nullptr : set_of(sensors_with(behind, labels));
  const auto is_wanted = [&](const pipeline_instance_entry& each) {
    return std::ranges::any_of(each.sources, [&](sensor_id source) { return wanted->contains(source); });
  };
  std::string text = "[";
  for (const auto& each : behind.pipelines()) {
    if (!may_use(behind, request, each) || (wanted && std::ranges::none_of(each.instances, is_wanted))) continue;
    if (text.size() > 1) text += ',';
    text += with_places(each).body;
  }
  return http_response{200, "application/json", text + "]"};
}

/// The body's entries, and whether it is an array of them.
expected<std::pair<std::vector<std::string>, bool>> pipeline_bodies(const std::string_view body) {
  json_body json;
  const auto root = json.parse(body);
  if (!root) return tl::unexpected(root.error());
  simdjson::dom::array objects;
  if (root->get(objects)) return std::pair(std::vector{std::string(body)}, false);
  if (objects.size() > limits::entities_per_body)
    return fail(errc::too_large, "At most " + std::to_string(limits::entities_per_body) + " entries a body");
  std::vector<std::string> all;
  for (const auto each : objects) all.push_back(simdjson::minify(each));
  return std::pair(std::move(all), true);
}

expected<http_response> create_pipelines(ports& behind, const http_request& request, const path_argument&) {
  const auto bodies = pipeline_bodies(request.body);
  if (!bodies) return fail_with(bodies.error());
  const auto& [all, is_array] = *bodies;
  if (request.factory != 0)
    for (const auto& each : all)
      if (const auto spec = parse_pipeline(each); spec && !lies_within(behind, request.factory, *spec))
        return no_pipeline_of_theirs();
  const auto made = behind.create_pipelines(all);
  if (!made) return fail_with(made.error());
  if (!is_array) return with_places(made->front(), 201);
  std::string text = "[";
  for (const auto& each : *made) text += (text.size() > 1 ? "," : "") + with_places(each).body;
  return http_response{201, "application/json", text + "]"};
}

/// A pipeline of another factory is answered with 403: its id says nothing.
expected<pipeline_entry> find_pipeline_for(ports& behind, const http_request& request, pipeline_id id, bool& is_forbidden) {
  auto entry = behind.find_pipeline(id);
  is_forbidden = entry && !may_use(behind, request, *entry);
  return entry;
}

expected<http_response> get_pipeline(ports& behind, const http_request& request, const path_argument& path) {
  bool is_forbidden = false;
  const auto entry = find_pipeline_for(behind, request, path.id, is_forbidden);
  if (!entry) return fail_with(entry.error());
  if (is_forbidden) return no_pipeline_of_theirs();
  const auto spec = parse_pipeline(entry->spec).value_or(pipeline_spec{});
  json_writer out;
  out.begin_array();
  std::size_t errors = 0;
  for (const auto& each : behind.report_of_pipeline(path.id)) {
    out.begin_object();
    write_places(out, spec, each.machine, each.sources, each.sinks);
    out.member("state", condition_text(each.state)).key("failure");
    each.failure.empty() ? out.value(nullptr) : out.value(each.failure);
    out.member("restarts", each.restarts).member("lag_readings", each.queued_readings);
    if (each.seen) {
      write_counts(out, *each.seen);
      out.key("last_error");
      const auto& fault = each.seen->fault;
      if (fault) {
        out.begin_object().member("step", fault->step).time_member("timestamp", fault->time_us);
        if (errors++ < errors_with_readings) write_readings_at(out, behind, spec, each.sources, fault->time_us);
        out.end_object();
      } else {
        out.value(nullptr);
      }
    }
    out.end_object();
  }
  return pipeline_answer(*entry, out.end_array().view(), 200, left_out_members(behind.left_out_of_pipeline(path.id)));
}

expected<http_response> patch_pipeline(ports& behind, const http_request& request, const path_argument& path) {
  bool is_forbidden = false;
  if (const auto entry = find_pipeline_for(behind, request, path.id, is_forbidden); entry && request.factory != 0) {
    const auto json = merge_pipeline(entry->spec, request.body);
    const auto spec = json ? parse_pipeline(*json) : tl::unexpected(json.error());
    if (is_forbidden || (spec && !lies_within(behind, request.factory, *spec))) return no_pipeline_of_theirs();
  }
  const auto changed = behind.update_pipeline(path.id, request.body);
  return changed ? expected<http_response>(with_places(*changed)) : fail_with(changed.error());
}

expected<http_response> remove_pipeline(ports& behind, const http_request& request, const path_argument& path) {
  query_reader query(request);
  const auto with_sensors = query.word("sensors", {"keep", "delete"}) == 1U;
  if (query.fault()) return fail_with(*query.fault());
  bool is_forbidden = false;
  const auto entry = find_pipeline_for(behind, request, path.id, is_forbidden);
  if (is_forbidden) return no_pipeline_of_theirs();
  if (with_sensors && entry && request.factory != 0 && !fills_only_within(behind, request.factory, *entry))
    return no_access("This token is limited to a factory, and the pipeline has filled sensors of another one: keep the sensors");
  if (auto removed = behind.remove_pipeline(path.id, with_sensors); !removed) return fail_with(removed.error());
  return http_response{204, "", ""};
}

}  // namespace

void add_pipeline_calls(api_table& table) {
  constexpr auto all = "/api/pipelines", each = "/api/pipelines/{id}";
  constexpr auto bytes = limits::pipeline_text_bytes;
  table.push_back({http_method::get, all, "All pipelines", list_pipelines, {"label"}, {}, "pipelines"});
  table.push_back({http_method::post,
                   all,
                   "Create one pipeline or an array of them, with the sensors that they fill and an instance for each machine",
                   create_pipelines,
                   {},
                   "new_pipelines",
                   "pipelines",
                   201,
                   limits::small_body_bytes,
                   json_only});
  table.push_back({http_method::get, each, "One pipeline and how its instances stand", get_pipeline, {}, {}, "pipeline"});
  table.push_back({http_method::patch,
                   each,
                   "Change a pipeline; where another thing is computed, its instances begin anew",
                   patch_pipeline,
                   {},
                   "pipeline_changes",
                   "pipeline",
                   200,
                   bytes,
                   json_only});
  table.push_back({http_method::delete_,
                   each,
                   "Delete a pipeline; the sensors that it filled stay with their readings, unless sensors=delete",
                   remove_pipeline,
                   {"sensors"},
                   {},
                   {},
                   204});
  for (auto added = table.end() - 5; added != table.end(); ++added) added->limited = factory_limit::handled;
}

}  // namespace factory
