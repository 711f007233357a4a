#include "actors/backtest/backtest_plan.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <utility>

#include "actors/backtest/backtest_pipelines.hpp"
#include "actors/backtest/limits.hpp"
#include "actors/streams/stream_resolve.hpp"
#include "pipelines/alarm/rule_template.hpp"

namespace factory {

namespace {

constexpr std::string_view confirmed = "confirmed";

/// Ascending.
std::vector<sensor_id> chosen_sensors(const backtest_request& asked, const catalog& entities, const drafted_pipelines& drafted) {
  auto out = drafted.concerned;
  if (asked.sensors) {
    for (const sensor_entry& each : entities.select(*asked.sensors)) out.insert(each.id);
  } else if ((!asked.rules.empty() || !asked.pipelines.empty()) && !asked.detection && !asked.machine_detection) {
    for (const auto& draft : asked.rules)
      for (const auto sensor : sensors_of(draft.rule, entities)) out.insert(sensor);
  } else {
    for (const sensor_entry& each : entities.sensors()) out.insert(each.id);
  }
  const auto known = entities.known_sensors();
  std::erase_if(out, [&](sensor_id each) { return !known->contains(each) || (asked.among && !asked.among->contains(each)); });
  return {out.begin(), out.end()};
}

backtest_sensor* find(backtest_spec& spec, sensor_id sensor) {
  const auto found = std::ranges::lower_bound(spec.sensors, sensor, {}, [](const auto& each) { return each.config.sensor; });
  return found == spec.sensors.end() || found->config.sensor != sensor ? nullptr : &*found;
}

void add_drafts(const backtest_request& asked, const catalog& entities, const drafted_pipelines& drafted, backtest_spec& spec) {
  for (std::size_t i = 0; i < asked.rules.size(); ++i) {
    const auto& draft = asked.rules[i];
    spec.drafts.push_back({draft.rule.name, draft.instead_of});
    const auto add = [&](backtest_sensor& to, sensor_id as) {
      auto rule = on_sensor(draft.rule, as);
      rule.sensor = to.config.sensor;
      rule.id = draft_id(i);
      to.drafts.emplace_back(std::move(rule));
    };
    for (const auto sensor : sensors_of(draft.rule, entities))
      if (auto* const at = find(spec, sensor); at != nullptr && !drafted.replaced.contains(sensor)) add(*at, sensor);
    if (spec.drafted_sensors.empty()) continue;
    const auto wanted = sensors_of(draft.rule, *drafted.with_drafts);
    for (auto& each : spec.drafted_sensors) {
      const auto sensor = each.judged.config.sensor;
      if (std::ranges::binary_search(wanted, sensor) || (each.instead_of != 0 && draft.rule.sensor == each.instead_of))
        add(each.judged, each.instead_of != 0 ? each.instead_of : sensor);
    }
  }
}

void add_names(const catalog& entities, backtest_spec& spec) {
  std::set<rule_id> ids;
  const auto add = [&](const sensor_config& of) {
    for (const auto& rule : of.rules) ids.insert(rule->id);
  };
  for (const auto& each : spec.sensors) add(each.config);
  for (const auto& each : spec.drafted_sensors) add(each.judged.config);
  for (const rule_id id : ids) {
    auto found = entities.find_rule(id);
    spec.rules.emplace_back(id, found ? std::move(found->name) : std::string());
  }
}

/// Watches by settings that are tried, also over machines that are not watched now.
void add_drafted_watches(const backtest_request& asked, const backtest_sources& in_force, backtest_spec& spec) {
  if (!asked.machine_detection) return;
  spec.tries_machines = true;
  std::set<sensor_id> derived;
  for (const auto& each : in_force.pipelines)
    for (const auto& instance : each.instances) derived.insert(instance.sinks.begin(), instance.sinks.end());
  for (const auto& machine : in_force.entities.machines()) {
    auto how = in_force.entities.machine_detector_of(machine.id);
    asked.machine_detection(how);
    auto sensors = watched_sensors(in_force.entities, machine.id, derived);
    const auto is_seen = [&](sensor_id each) { return find(spec, each) != nullptr; };
    if (!how.on || sensors.empty() || !std::ranges::all_of(sensors, is_seen)) continue;
    spec.streams.push_back({{machine_watches, 1, machine.id}, nullptr, std::move(sensors), {}, true, how.sensitivity});
    spec.machines.emplace(machine.id, machine.name);
  }
}

/// What is in force and has all of its sensors among those that are looked at; then the drafts.
void add_streams(const backtest_sources& in_force, std::vector<backtest_stream> drafts, backtest_spec& spec) {
  const auto is_seen = [&](const std::vector<sensor_id>& sensors) {
    return std::ranges::all_of(sensors, [&](sensor_id each) { return find(spec, each) != nullptr; });
  };
  for (const auto& each : in_force.watches) {
    if (!is_seen(each.sensors)) continue;
    spec.streams.push_back({{machine_watches, each.version, each.machine},
                            nullptr,
                            each.sensors,
                            {},
                            false,
                            in_force.entities.machine_detector_of(each.machine).sensitivity});
    const auto machine = in_force.entities.find_machine(each.machine);
    spec.machines.emplace(each.machine, machine ? machine->name : "machine " + std::to_string(each.machine));
  }
  for (const auto& each : in_force.pipelines) {
    auto parsed = parse_pipeline(each.spec);
    if (!parsed || !parsed->enabled) continue;
    const auto made = std::make_shared<const pipeline_spec>(std::move(*parsed));
    for (const auto& instance : each.instances)
      if (is_seen(instance.sources))
        spec.streams.push_back({{each.id, each.version, instance.machine}, made, instance.sources, instance.sinks, false});
  }
  std::ranges::move(drafts, std::back_inserter(spec.streams));
}

/// A fault of a sensor that is not there would be a fault that nobody can miss.
expected<void> check_faults(const backtest_request& asked, const catalog& entities) {
  const auto known = entities.known_sensors();
  for (std::size_t i = 0; i < asked.faults.size(); ++i) {
    const auto sensor = asked.faults[i].sensor;
    if (sensor == 0 || (known->contains(sensor) && (!asked.among || asked.among->contains(sensor)))) continue;
    const auto field = "labels[" + std::to_string(i) + "].sensor_id";
    return fail(errc::invalid, field + ": Sensor not found", field);
  }
  return {};
}

/// The newest, as far as there is room.
expected<void> add_confirmed(const event_reader& events, backtest_spec& spec) {
  anomaly_query asked;
  asked.range = spec.range;
  asked.among = [&spec](const event_key& key) { return find(spec, key.sensor) != nullptr; };
  for (;;) {
    const auto page = events.anomalies(asked);
    if (!page) return tl::unexpected(page.error());
    for (const finding& each : page->rows) {
      const auto* const said = each.feedback ? std::get_if<feedback_detail>(&each.feedback->detail) : nullptr;
      if (said == nullptr || said->verdict != confirmed) continue;
      if (spec.faults.size() >= limits::backtest_faults) {
        ++spec.faults_left_out;
        continue;
      }
      spec.faults.push_back(
          {each.stated->key.sensor, each.stated->key.event_time_us, each.newest().at_us + 1, finding_id(each.stated->key)});
    }
    if (!page->next) return {};
    asked.before_sequence = *page->next;
  }
}

}  // namespace

std::vector<sensor_id> sensors_of(const alert_rule& rule, const catalog& entities) {
  if (!rule.as_template) return {rule.sensor};
  std::vector<sensor_id> out;
  for (const sensor_entry& each : entities.select(rule.as_template->sensors)) out.push_back(each.id);
  return out;
}

alert_rule on_sensor(const alert_rule& rule, sensor_id sensor) {
  auto out = judged(rule);
  if (rule.as_template)
    if (const auto found = rule.as_template->overrides.find(sensor); found != rule.as_template->overrides.end())
      out = judged(with_override(rule, found->second));
  out.sensor = sensor;
  out.as_template.reset();
  return out;
}

expected<backtest_spec> plan_backtest(const backtest_request& asked, const backtest_sources& in_force, const stream_rules& usual,
                                      std::int64_t now_us) {
  const auto& entities = in_force.entities;
  if (auto good = check_faults(asked, entities); !good) return tl::unexpected(std::move(good.error()));
  auto drafted = draft_pipelines(asked, in_force);
  if (!drafted) return tl::unexpected(std::move(drafted.error()));
  const auto sensors = chosen_sensors(asked, entities, *drafted);
  if (sensors.empty()) return fail(errc::invalid, "no sensor is chosen: the selector and the rules match none", "selector");
  if (sensors.size() > limits::backtest_rows / limits::backtest_rows_least)
    return fail(errc::too_large, "at most " + std::to_string(limits::backtest_rows / limits::backtest_rows_least) +
                                     " sensors a backtest: narrow the selector");
  backtest_spec spec;
  spec.range = asked.range;
  spec.now_us = now_us;
  spec.usual = usual;
  spec.faults = asked.faults;
  const auto try_detection = [&](backtest_sensor& on) -> expected<void> {
    if (!asked.detection) return {};
    on.detection = on.config.stream ? **on.config.stream : usual;
    return asked.detection(*on.detection);
  };
  for (const auto sensor : sensors) {
    auto& added = spec.sensors.emplace_back(backtest_sensor{entities.config_of(sensor)});
    if (auto tried = try_detection(added); !tried) return tl::unexpected(std::move(tried.error()));
    if (const auto overlay = in_force.overlay_of ? in_force.overlay_of(sensor) : nullptr) added.rests = overlay->rest_ranges();
  }
  spec.drafted_sensors = std::move(drafted->sensors);
  for (auto& each : spec.drafted_sensors)
    if (auto tried = try_detection(each.judged); !tried) return tl::unexpected(std::move(tried.error()));
  for (const auto& each : asked.pipelines)
    spec.draft_pipelines.push_back({each.spec.name, each.instead_of, std::make_shared<const pipeline_spec>(each.spec)});
  add_drafts(asked, entities, *drafted, spec);
  add_names(entities, spec);
  add_streams(in_force, std::move(drafted->streams), spec);
  add_drafted_watches(asked, in_force, spec);
  std::erase_if(spec.faults, [&](const fault_window& each) { return each.sensor != 0 && find(spec, each.sensor) == nullptr; });
  if (auto added = add_confirmed(in_force.events, spec); !added) return tl::unexpected(std::move(added.error()));
  return spec;
}

}  // namespace factory
