#include "storage/catalog/template_book.hpp"

namespace factory {

namespace {

/// The old object where it says the same.
shared_rule kept_or_new(const shared_rule* before, alert_rule now) {
  return before != nullptr && **before == now ? *before : shared_rule(std::move(now));
}

}  // namespace

void template_book::put(const alert_rule& rule) {
  const auto before = rules_.find(rule.id);
  const bool known = before != rules_.end();
  in_force now{kept_or_new(known ? &before->second.plain : nullptr, judged(rule)), {}};
  for (const auto& [sensor, difference] : rule.as_template->overrides) {
    const shared_rule* same = nullptr;
    if (known)
      if (const auto there = before->second.overridden.find(sensor); there != before->second.overridden.end())
        same = &there->second;
    now.overridden.emplace(sensor, kept_or_new(same, with_override(*now.plain, difference)));
  }
  sensors_.put(rule.id, rule.as_template->sensors);
  if (known)
    before->second = std::move(now);
  else
    rules_.emplace(rule.id, std::move(now));
}

void template_book::erase(rule_id id) {
  rules_.erase(id);
  sensors_.erase(id);
}

void template_book::add_rules_of(const sensor_traits& sensor, std::vector<shared_rule>& out) const {
  for (const rule_id id : for_sensor(sensor)) {
    const in_force& rule = rules_.at(id);
    const auto overridden = rule.overridden.find(sensor.sensor);
    out.push_back(overridden == rule.overridden.end() ? rule.plain : overridden->second);
  }
}

std::vector<rule_id> template_book::with_override_for(sensor_id sensor) const {
  std::vector<rule_id> found;
  for (const auto& [id, rule] : rules_)
    if (rule.overridden.contains(sensor)) found.push_back(id);
  return found;
}

}  // namespace factory
