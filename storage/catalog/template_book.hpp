#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include "pipelines/alarm/thresholds.hpp"
#include "pipelines/select/selector_index.hpp"

/// For this room only.
namespace factory {

/// The rules with a selector as their sensors get them: one object each, and one for each override, however many sensors it is for.
class template_book {
 public:
  /// REQUIRES rule.as_template. Takes the place of the rule with this id; what sensors judge by and is as before stays the same object.
  void put(const alert_rule& rule);
  void erase(rule_id id);
  std::size_t size() const { return rules_.size(); }

  /// Ascending.
  std::vector<rule_id> for_sensor(const sensor_traits& sensor) const { return sensors_.matching(sensor); }
  /// Those rules as they are on this sensor.
  void add_rules_of(const sensor_traits& sensor, std::vector<shared_rule>& out) const;
  /// Rules with an override for the sensor, ascending.
  std::vector<rule_id> with_override_for(sensor_id sensor) const;

 private:
  struct in_force {
    shared_rule plain;
    std::map<sensor_id, shared_rule> overridden;
  };
  std::map<rule_id, in_force> rules_;
  selector_index sensors_;
};

}  // namespace factory
