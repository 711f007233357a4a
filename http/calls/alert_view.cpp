#include "http/calls/alert_view.hpp"

#include "http/api/api_call.hpp"
#include "http/edge/access.hpp"
#include "pipelines/alarm/alert_priority.hpp"

namespace factory {

namespace {

template <class Entry>
std::optional<Entry> if_there(expected<Entry> found) {
  return found ? std::optional(std::move(*found)) : std::nullopt;
}

/// As it is on the alert's sensor.
std::optional<alert_rule> rule_of(const query_port& behind, const event_key& alert) {
  if (alert.source != event_source::alert_rule) return std::nullopt;
  auto rule = if_there(behind.entities().find_rule(alert.rule));
  if (!rule || !rule->as_template) return rule;
  const auto other = rule->as_template->overrides.find(alert.sensor);
  return other == rule->as_template->overrides.end() ? rule : std::optional(with_override(*rule, other->second));
}

}  // namespace

alert_names names_of(const query_port& behind, const event_key& alert) {
  alert_names names;
  names.rule = rule_of(behind, alert);
  names.sensor = if_there(behind.entities().find_sensor(alert.sensor));
  if (names.sensor) names.machine = if_there(behind.entities().find_machine(names.sensor->machine));
  return names;
}

std::uint32_t priority_of(const query_port& behind, const finding& alert) {
  const auto rule = rule_of(behind, alert.stated->key);
  return priority_of(rule ? &*rule : nullptr, level_of(alert));
}

alert_place place_of(const query_port& behind, const finding& alert, const shown_groups& groups) {
  const event_key& key = alert.stated->key;
  alert_place place{priority_of(behind, alert), behind.find_shelf(key, false), behind.find_shelf(key, true)};
  if (const auto* const group = groups.find(key)) {
    place.group = group_id(*group);
    place.first_out = finding_id(group->first_out());
  }
  return place;
}

std::int64_t read_group_window_us(query_reader& query) {
  const auto asked_ms = query.integer("group_window_ms", 0, static_cast<std::uint64_t>(limits::alarm_group_ms_most));
  return (asked_ms ? static_cast<std::int64_t>(*asked_ms) : limits::alarm_group_ms) * 1'000;
}

bool may_see_alerts_of(const query_port& behind, const http_request& request, sensor_id sensor) {
  return request.factory == 0 || sensors_of(behind, request.factory)->contains(sensor);
}

expected<finding> find_alert(const query_port& behind, const http_request& request, std::string_view id) {
  event_key key;
  if (!parse_finding_id(id, key) || group_of(key.source) != source_group::limit ||
      !may_see_alerts_of(behind, request, key.sensor))
    return fail(errc::not_found, "Alert not found");
  key.kind = event_kind::alert_raised;
  auto found = behind.events().find(key);
  if (!found) return tl::unexpected(found.error());
  if (!*found || !(*found)->holds()) return fail(errc::not_found, "Alert not found");
  return std::move(**found);
}

http_response alert_json(const query_port& behind, const finding& alert, std::int64_t group_window_us) {
  json_writer out;
  const auto groups = shown_groups::of(behind, {alert}, group_window_us);
  write_alert(out, alert, place_of(behind, alert, groups ? *groups : shown_groups()));
  return json_response(out);
}

}  // namespace factory
