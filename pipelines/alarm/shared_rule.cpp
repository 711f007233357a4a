#include "pipelines/alarm/shared_rule.hpp"

#include <unordered_map>
#include <vector>

#include "pipelines/alarm/thresholds.hpp"

namespace factory {

shared_rule::shared_rule(alert_rule rule) : rule_(std::make_shared<const alert_rule>(std::move(rule))) {}

bool shared_rule::operator==(const shared_rule& other) const { return rule_ == other.rule_ || *rule_ == *other.rule_; }

/// Of each template there are as many objects as there are overrides, and for a while those of before a change.
shared_rule shared_rule::of_template(alert_rule rule) {
  thread_local std::unordered_map<rule_id, std::vector<std::weak_ptr<const alert_rule>>> known;
  auto& of_id = known[rule.id];
  std::erase_if(of_id, [](const auto& one) { return one.expired(); });
  for (const auto& one : of_id)
    if (auto there = one.lock(); there && *there == rule) return shared_rule(std::move(there));
  shared_rule fresh(std::move(rule));
  of_id.push_back(fresh.rule_);
  return fresh;
}

}  // namespace factory
