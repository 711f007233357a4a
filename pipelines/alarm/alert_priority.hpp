#pragma once

#include <cstdint>

#include "pipelines/alarm/thresholds.hpp"

namespace factory {

/// 1 (most urgent) to 4: the rule's own, else as the severity says. `rule` is null for a limit of a sensor, or when it is gone.
inline std::uint32_t priority_of(const alert_rule* rule, severity level) {
  if (rule != nullptr && rule->options.priority != 0) return rule->options.priority;
  switch (level) {
    case severity::critical:
    case severity::rule_critical: return 1;
    case severity::high: return 2;
    case severity::medium:
    case severity::rule_warning: return 3;
    case severity::rule_info: return 4;
  }
  return 4;
}

}  // namespace factory
