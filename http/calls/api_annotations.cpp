#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "http/api/api_call.hpp"
#include "http/api/shown_things.hpp"
#include "http/edge/access.hpp"
#include "http/edge/query.hpp"
#include "http/text/annotation_json.hpp"
#include "http/text/cursor.hpp"

namespace factory {

namespace {

constexpr std::size_t annotations_per_page = 100, most_annotations = 1'000;

/// What it is about is there, and the caller may see it.
bool may_see(const query_port& behind, const http_request& request, const annotation& it) {
  if (it.sensor != 0) return sensors_of(behind, request.factory)->contains(it.sensor);
  const auto machine = behind.entities().find_machine(it.machine);
  return machine && lies_in(behind, request.factory, *machine);
}

expected<annotation> find_annotation(const query_port& behind, const http_request& request, annotation_id id) {
  auto found = behind.annotations().find(id);
  if (found && !may_see(behind, request, *found)) return fail(errc::not_found, "Annotation not found");
  return found;
}

http_response annotation_json(const annotation& it, unsigned status = 200) {
  json_writer out;
  write_annotation(out, it);
  return json_response(out, status);
}

expected<http_response> make_annotation(ports& behind, const http_request& request, const path_argument&) {
  auto wanted = read_annotation(request.body);
  if (!wanted) return fail_with(wanted.error());
  if (!may_see(behind, request, *wanted))
    return fail(errc::not_found, wanted->sensor != 0 ? "Sensor not found" : "Machine not found");
  const auto made = behind.annotate(std::move(*wanted));
  return made ? expected<http_response>(annotation_json(*made, 201)) : fail_with(made.error());
}

/// What is noted of a machine is noted of each of its sensors, too.
bool concerns(const query_port& behind, const shown_things& asked, const annotation& it) {
  if (it.sensor != 0) return asked.sensors->contains(it.sensor);
  return asked.machines.contains(it.machine) ||
         std::ranges::any_of(behind.entities().sensors(it.machine),
                             [&](const sensor_entry& each) { return asked.sensors->contains(each.id); });
}

/// Of a sensor also those of its machine.
expected<http_response> get_annotations(query_port& behind, const http_request& request, const path_argument&) {
  query_reader query(request);
  const auto sensor = query.id("sensor_id"), machine = query.id("machine_id");
  const label_set labels = query.labels();
  const auto range = read_range(query);
  const auto limit = query.integer("limit", 1, most_annotations).value_or(annotations_per_page);
  annotation_id before = 0;
  if (const auto text = query.text("cursor")) {
    const auto cursor = parse_cursor<annotation_id>(*text, true);
    if (!cursor) query.fail_at("cursor", "a next_cursor of this call");
    before = cursor.value_or(0);
  }
  if (query.fault()) return fail_with(*query.fault());
  const auto labelled = labels.empty() ? std::nullopt : std::optional(things_with(behind, labels));
  machine_id of_sensor = 0;
  if (sensor)
    if (const auto entry = behind.entities().find_sensor(*sensor)) of_sensor = entry->machine;
  auto found = behind.annotations().newest(before, limit + 1, [&](const annotation& each) {
    if (each.begin_us >= range.end_us || each.end_us <= range.begin_us) return false;
    if (machine && each.machine != *machine) return false;
    if (sensor && each.sensor != *sensor && (each.machine == 0 || each.machine != of_sensor)) return false;
    return may_see(behind, request, each) && (!labelled || concerns(behind, *labelled, each));
  });
  const bool more = found.size() > limit;
  if (more) found.resize(limit);
  json_writer out(256 * (found.size() + 1));
  out.begin_object().key("annotations").begin_array();
  for (const auto& each : found) write_annotation(out, each);
  out.end_array().key("next_cursor");
  more ? out.value(format_cursor(found.back().id, true)) : out.value(nullptr);
  out.end_object();
  return json_response(out);
}

expected<http_response> get_annotation(query_port& behind, const http_request& request, const path_argument& path) {
  const auto found = find_annotation(behind, request, path.id);
  return found ? expected<http_response>(annotation_json(*found)) : fail_with(found.error());
}

expected<http_response> change_annotation(ports& behind, const http_request& request, const path_argument& path) {
  if (auto good = check_annotation_changes(request.body); !good) return fail_with(good.error());
  auto found = find_annotation(behind, request, path.id);
  if (!found) return fail_with(found.error());
  auto wanted = changed_annotation(std::move(*found), request.body);
  if (!wanted) return fail_with(wanted.error());
  const auto changed = behind.change_annotation(std::move(*wanted));
  return changed ? expected<http_response>(annotation_json(*changed)) : fail_with(changed.error());
}

expected<http_response> remove_annotation(ports& behind, const http_request& request, const path_argument& path) {
  if (auto found = find_annotation(behind, request, path.id); !found) return fail_with(found.error());
  if (auto gone = behind.remove_annotation(path.id); !gone) return fail_with(gone.error());
  return http_response{204, "", ""};
}

}  // namespace

void add_annotation_calls(api_table& table) {
  constexpr auto all = "/api/annotations", each = "/api/annotations/{id}";
  const auto before = table.size();
  table.push_back({http_method::get,
                   all,
                   "Annotations, newest first; of a sensor also those of its machine",
                   get_annotations,
                   {"sensor_id", "machine_id", "label", "from", "to", "limit", "cursor"},
                   {},
                   "annotation_page"});
  table.back().limit_most = most_annotations;
  table.push_back({http_method::post,
                   all,
                   "Note a span of time of a machine or a sensor",
                   make_annotation,
                   {},
                   "new_annotation",
                   "annotation",
                   201,
                   limits::small_body_bytes,
                   json_only});
  table.push_back({http_method::get, each, "One annotation", get_annotation, {}, {}, "annotation"});
  table.push_back({http_method::patch,
                   each,
                   "Change an annotation",
                   change_annotation,
                   {},
                   "annotation_changes",
                   "annotation",
                   200,
                   limits::small_body_bytes,
                   json_only});
  table.push_back({http_method::delete_, each, "Delete an annotation", remove_annotation, {}, {}, {}, 204});
  for (auto added = before; added < table.size(); ++added) table[added].limited = factory_limit::handled;
}

}  // namespace factory
