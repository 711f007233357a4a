#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "actors/correct/limits.hpp"
#include "http/api/api_call.hpp"
#include "http/api/shown_things.hpp"
#include "http/edge/access.hpp"
#include "http/edge/query.hpp"
#include "http/text/correction_json.hpp"
#include "http/text/cursor.hpp"

namespace factory {

namespace {

constexpr std::size_t corrections_per_page = 100, most_per_page = 1'000;

/// A token of one factory sees what concerns any of its sensors, and of that its own sensors alone.
correction as_seen_by(const query_port& behind, const http_request& request, correction whole) {
  if (request.factory == 0) return whole;
  const auto mine = sensors_of(behind, request.factory);
  std::erase_if(whole.sensors, [&](sensor_id sensor) { return !mine->contains(sensor); });
  return whole;
}

expected<correction> find_correction(const query_port& behind, const http_request& request, correction_id id) {
  auto found = behind.corrections().find(id);
  if (!found) return found;
  auto seen = as_seen_by(behind, request, std::move(*found));
  if (seen.sensors.empty()) return fail(errc::not_found, "Correction not found");
  return seen;
}

std::uint64_t newest_step(const correction& it) { return it.reverted ? it.reverted->step : it.step; }

/// An answer to a change waits a little for what follows from it.
http_response correction_json(operate_port& behind, const correction& it, std::int64_t wait_ms, unsigned status = 200) {
  const auto followed = behind.consequences_of(newest_step(it), wait_ms);
  json_writer out;
  write_correction(out, it, followed ? &*followed : nullptr);
  return json_response(out, status);
}

http_response preview_json(const consequences& all) {
  json_writer out;
  out.begin_object().member("preview", true).key("consequences");
  write_consequences(out, all);
  out.end_object();
  return json_response(out);
}

expected<bool> is_preview(const http_request& request) {
  query_reader query(request);
  const auto asked = query.boolean("preview").value_or(false);
  if (query.fault()) return fail_with(*query.fault());
  return asked;
}

expected<std::vector<sensor_id>> sensors_asked_for(const query_port& behind, const http_request& request,
                                                   const correction_request& asked) {
  const auto mine = sensors_of(behind, request.factory);
  if (const auto* const one = std::get_if<sensor_id>(&asked.sensors)) {
    if (!mine->contains(*one)) return fail(errc::not_found, "Sensor not found");
    return std::vector{*one};
  }
  std::vector<sensor_id> found;
  for (const auto& each : behind.entities().select(std::get<selector>(asked.sensors)))
    if (mine->contains(each.id)) found.push_back(each.id);
  std::ranges::sort(found);
  return found;
}

expected<http_response> make_correction(ports& behind, const http_request& request, const path_argument&) {
  const auto only_look = is_preview(request);
  if (!only_look) return fail_with(only_look.error());
  auto asked = read_correction(request.body);
  if (!asked) return fail_with(asked.error());
  auto sensors = sensors_asked_for(behind, request, *asked);
  if (!sensors) return fail_with(sensors.error());
  asked->wanted.sensors = std::move(*sensors);
  if (*only_look) {
    const auto all = behind.preview(std::move(asked->wanted));
    return all ? expected<http_response>(preview_json(*all)) : fail_with(all.error());
  }
  const auto made = behind.correct(std::move(asked->wanted));
  if (!made) return fail_with(made.error());
  return correction_json(behind, as_seen_by(behind, request, *made), limits::consequences_wait_ms, 201);
}

expected<http_response> get_corrections(ports& behind, const http_request& request, const path_argument&) {
  query_reader query(request);
  const auto sensor = query.id("sensor_id");
  const label_set labels = query.labels();
  const auto in_force = query.boolean("in_force");
  const auto limit = query.integer("limit", 1, most_per_page).value_or(corrections_per_page);
  correction_id before = 0;
  if (const auto text = query.text("cursor")) {
    const auto cursor = parse_cursor<correction_id>(*text, true);
    if (!cursor) query.fail_at("cursor", "a next_cursor of this call");
    before = cursor.value_or(0);
  }
  if (query.fault()) return fail_with(*query.fault());
  const auto mine = sensors_of(behind, request.factory);
  const auto labelled = labels.empty() ? nullptr : set_of(sensors_with(behind, labels));
  auto found = behind.corrections().newest(before, limit + 1, [&](const correction& each) {
    if (in_force && *in_force != each.in_force()) return false;
    if (sensor && !std::ranges::binary_search(each.sensors, *sensor)) return false;
    if (request.factory == 0 && !labelled) return true;
    return std::ranges::any_of(each.sensors, [&](sensor_id id) {
      return (request.factory == 0 || mine->contains(id)) && (!labelled || labelled->contains(id));
    });
  });
  const bool more = found.size() > limit;
  if (more) found.resize(limit);
  json_writer out(512 * (found.size() + 1));
  out.begin_object().key("corrections").begin_array();
  for (const auto& each : found) {
    const auto followed = behind.consequences_of(newest_step(each), 0);
    write_correction(out, as_seen_by(behind, request, each), followed ? &*followed : nullptr);
  }
  out.end_array().key("next_cursor");
  more ? out.value(format_cursor(found.back().id, true)) : out.value(nullptr);
  out.end_object();
  return json_response(out);
}

expected<http_response> get_correction(ports& behind, const http_request& request, const path_argument& path) {
  const auto found = find_correction(behind, request, path.id);
  return found ? expected<http_response>(correction_json(behind, *found, 0)) : fail_with(found.error());
}

expected<http_response> revert(ports& behind, const http_request& request, const path_argument& path) {
  const auto only_look = is_preview(request);
  if (!only_look) return fail_with(only_look.error());
  auto words = read_reversal(request.body);
  if (!words) return fail_with(words.error());
  const auto seen = find_correction(behind, request, path.id);
  if (!seen) return fail_with(seen.error());
  if (seen->sensors.size() != behind.corrections().find(path.id).value_or(*seen).sensors.size())
    return no_access("This correction also concerns sensors of other factories");
  if (*only_look) {
    const auto all = behind.preview_revert(path.id);
    return all ? expected<http_response>(preview_json(*all)) : fail_with(all.error());
  }
  const auto done = behind.revert_correction(path.id, std::move(words->by), std::move(words->reason));
  if (!done) return fail_with(done.error());
  return correction_json(behind, *done, limits::consequences_wait_ms);
}

}  // namespace

void add_correction_calls(api_table& table) {
  const auto post = [&](std::string pattern, std::string_view summary, api_handler handler, std::string_view body,
                        std::string_view answer, unsigned success) {
    table.push_back({http_method::post,
                     std::move(pattern),
                     summary,
                     std::move(handler),
                     {"preview"},
                     body,
                     answer,
                     success,
                     limits::small_body_bytes,
                     json_only});
    if (success != 200) table.back().partial_schema = "correction_preview";
    table.back().partial_when = "With preview=true: what would follow, which is not done";
  };
  const auto before = table.size();
  post("/api/corrections", "Exclude, scale, shift, replace or flag readings of the past; they stay as they are stored",
       make_correction, "new_correction", "correction", 201);
  post("/api/corrections/{id}/revert", "Take a correction out of force; the first revert stays", revert, "reversal",
       "correction_or_preview", 200);
  table.push_back({http_method::get,
                   "/api/corrections",
                   "Corrections, newest first",
                   get_corrections,
                   {"sensor_id", "label", "in_force", "limit", "cursor"},
                   {},
                   "correction_page"});
  table.back().limit_most = most_per_page;
  table.push_back({http_method::get, "/api/corrections/{id}", "One correction", get_correction, {}, {}, "correction"});
  for (auto added = before; added < table.size(); ++added) table[added].limited = factory_limit::handled;
}

}  // namespace factory
