#include <string>

#include "http/api/api_call.hpp"
#include "pipelines/stream/limits.hpp"
#include "pipelines/stream/pipeline_spec.hpp"

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

void write_seen(json_writer& out, const stream_view& seen) {
  out.key("watermark");
  seen.watermark_us ? out.time(*seen.watermark_us) : out.value(nullptr);
  const auto& counts = seen.counts;
  out.member("in", counts.in).member("duplicate", counts.duplicate).member("corrected", counts.corrected);
  out.member("late", counts.late).member("future", counts.future).member("out", counts.out).member("revised", counts.revised);
  out.member("errors", counts.faulty).key("last_error");
  if (!seen.fault) {
    out.value(nullptr);
    return;
  }
  out.begin_object().member("step", seen.fault->step).time_member("timestamp", seen.fault->time_us).end_object();
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

/// `instances` is the JSON of an array.
http_response pipeline_answer(const pipeline_entry& entry, std::string_view instances, unsigned status = 200) {
  json_writer head;
  head.begin_object().member("id", entry.id).member("version", entry.version).time_member("created_at", entry.created_at_us);
  head.end_object();
  std::string text(head.view());
  text.back() = ',';
  text.append(entry.spec, 1, entry.spec.size() - 2);  // a JSON object without its braces
  text.append(",\"instances\":").append(instances).append("}");
  return {status, "application/json", std::move(text)};
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

expected<http_response> list_pipelines(catalog_port& behind, const http_request&, const path_argument&) {
  std::string text = "[";
  for (const auto& each : behind.pipelines()) {
    if (text.size() > 1) text += ',';
    text += with_places(each).body;
  }
  return http_response{200, "application/json", text + "]"};
}

expected<http_response> create_pipeline(catalog_port& behind, const http_request& request, const path_argument&) {
  const auto made = behind.create_pipeline(std::string(request.body));
  return made ? expected<http_response>(with_places(*made, 201)) : fail_with(made.error());
}

expected<http_response> get_pipeline(catalog_port& behind, const http_request&, const path_argument& path) {
  const auto entry = behind.find_pipeline(path.id);
  if (!entry) return fail_with(entry.error());
  const auto spec = parse_pipeline(entry->spec).value_or(pipeline_spec{});
  json_writer out;
  out.begin_array();
  for (const auto& each : behind.report_of_pipeline(path.id)) {
    out.begin_object();
    write_places(out, spec, each.machine, each.sources, each.sinks);
    out.member("state", condition_text(each.state)).key("failure");
    each.failure.empty() ? out.value(nullptr) : out.value(each.failure);
    out.member("restarts", each.restarts).member("lag_readings", each.queued_readings);
    if (each.seen) write_seen(out, *each.seen);
    out.end_object();
  }
  return pipeline_answer(*entry, out.end_array().view());
}

expected<http_response> patch_pipeline(catalog_port& behind, const http_request& request, const path_argument& path) {
  const auto changed = behind.update_pipeline(path.id, request.body);
  return changed ? expected<http_response>(with_places(*changed)) : fail_with(changed.error());
}

expected<http_response> remove_pipeline(catalog_port& behind, const http_request&, const path_argument& path) {
  if (auto removed = behind.remove_pipeline(path.id); !removed) return fail_with(removed.error());
  return http_response{204, "", ""};
}

}  // namespace

void add_pipeline_calls(api_table& table) {
  constexpr auto all = "/api/pipelines", each = "/api/pipelines/{id}";
  constexpr auto bytes = limits::pipeline_text_bytes;
  table.push_back({http_method::get, all, "All pipelines", list_pipelines, {}, {}, "pipelines"});
  table.push_back({http_method::post,
                   all,
                   "Create a pipeline, the sensors that it fills, and an instance for each machine",
                   create_pipeline,
                   {},
                   "new_pipeline",
                   "pipeline",
                   201,
                   bytes,
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
  table.push_back(
      {http_method::delete_, each, "Delete a pipeline; the sensors that it filled stay", remove_pipeline, {}, {}, {}, 204});
}

}  // namespace factory
