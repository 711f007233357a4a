#pragma once

#include <cstdint>

#include "pipelines/stats/control_chart.hpp"

namespace factory {

/// Control limits that a person froze, as far as points are held against them; the rest follows from these.
struct control_basis {
  std::uint32_t version = 0;  ///< 0: there are none
  std::uint32_t subgroup = 1;
  double center = 0, mean_range = 0;
  std::uint64_t points = 0;  ///< that they were computed from

  control_limits limits() const { return control_limits_from(center, mean_range, subgroup); }
  bool operator==(const control_basis&) const = default;
};

/// By what a sensor's points are held against its frozen control limits as they come: which sets of rules, none unless switched on, and the limits.
struct spc_rules {
  bool western_electric = false, nelson = false;
  control_basis against = {};  ///< while a set is switched on

  bool is_switched_on() const { return western_electric || nelson; }
  bool is_at_work() const { return is_switched_on() && against.version != 0; }
  bool uses(rule_set set) const { return set == rule_set::nelson ? nelson : western_electric; }
  bool operator==(const spc_rules&) const = default;
};

}  // namespace factory
