#include "actors/backtest/backtest_plan.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "actors/backtest/limits.hpp"
#include "pipelines/alarm/rule_template.hpp"

namespace factory {

namespace {

constexpr std::string_view confirmed = "confirmed";

std::vector<sensor_id> sensors_of(const alert_rule& rule, const catalog& entities) {
  if (!rule.as_template) return {rule.sensor};
  std::vector<sensor_id> out;
  for (const sensor_entry& each : entities.select(rule.as_template->sensors)) out.push_back(each.id);
  return out;
}

/// Ascending.
std::vector<sensor_id> chosen_sensors(const backtest_request& asked, const catalog& entities) {
  std::set<sensor_id> out;
  if (asked.sensors) {
    for (const sensor_entry& each : entities.select(*asked.sensors)) out.insert(each.id);
  } else if (!asked.rules.empty() && !asked.detection) {
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

void add_drafts(const backtest_request& asked, const catalog& entities, backtest_spec& spec) {
  for (std::size_t i = 0; i < asked.rules.size(); ++i) {
    const auto& draft = asked.rules[i];
    spec.drafts.push_back({draft.rule.name, draft.instead_of});
    for (const auto sensor : sensors_of(draft.rule, entities)) {
      auto* const at = find(spec, sensor);
      if (at == nullptr) continue;
      auto rule = on_sensor(draft.rule, sensor);
      rule.id = draft_id(i);
      at->drafts.emplace_back(std::move(rule));
    }
  }
}

void add_names(const catalog& entities, backtest_spec& spec) {
  std::set<rule_id> ids;
  for (const auto& each : spec.sensors)
    for (const auto& rule : each.config.rules) ids.insert(rule->id);
  for (const rule_id id : ids) {
    auto found = entities.find_rule(id);
    spec.rules.emplace_back(id, found ? std::move(found->name) : std::string());
  }
}

expected<void> add_confirmed(const event_reader& events, backtest_spec& spec) {
  anomaly_query asked;
  asked.range = spec.range;
  asked.among = [&spec](const event_key& key) { return find(spec, key.sensor) != nullptr; };
  for (;;) {
    const auto page = events.anomalies(asked);
    if (!page) return tl::unexpected(page.error());
    for (const finding& each : page->rows) {
      const auto* const said = each.feedback ? std::get_if<feedback_detail>(&each.feedback->detail) : nullptr;
      if (said == nullptr || said->verdict != confirmed || spec.faults.size() >= limits::backtest_faults) continue;
      spec.faults.push_back(
          {each.stated->key.sensor, each.stated->key.event_time_us, each.newest().at_us + 1, finding_id(each.stated->key)});
    }
    if (!page->next) return {};
    asked.before_sequence = *page->next;
  }
}

}  // namespace

alert_rule on_sensor(const alert_rule& rule, sensor_id sensor) {
  auto out = judged(rule);
  if (rule.as_template)
    if (const auto found = rule.as_template->overrides.find(sensor); found != rule.as_template->overrides.end())
      out = judged(with_override(rule, found->second));
  out.sensor = sensor;
  out.as_template.reset();
  return out;
}

expected<backtest_spec> plan_backtest(const backtest_request& asked, const catalog& entities, const event_reader& events,
                                      const stream_rules& usual, std::int64_t now_us) {
  const auto sensors = chosen_sensors(asked, entities);
  if (sensors.empty()) return fail(errc::invalid, "no sensor is chosen: the selector and the rules match none", "selector");
  if (sensors.size() > limits::backtest_rows / limits::backtest_rows_least)
    return fail(errc::too_large, "at most " + std::to_string(limits::backtest_rows / limits::backtest_rows_least) +
                                     " sensors a backtest: narrow the selector");
  backtest_spec spec;
  spec.range = asked.range;
  spec.now_us = now_us;
  spec.usual = usual;
  spec.faults = asked.faults;
  for (const auto sensor : sensors) {
    auto& added = spec.sensors.emplace_back(backtest_sensor{entities.config_of(sensor)});
    if (!asked.detection) continue;
    added.detection = added.config.stream ? **added.config.stream : usual;
    if (auto changed = asked.detection(*added.detection); !changed) return tl::unexpected(std::move(changed.error()));
  }
  add_drafts(asked, entities, spec);
  add_names(entities, spec);
  std::erase_if(spec.faults, [&](const fault_window& each) { return each.sensor != 0 && find(spec, each.sensor) == nullptr; });
  if (auto added = add_confirmed(events, spec); !added) return tl::unexpected(std::move(added.error()));
  return spec;
}

}  // namespace factory
