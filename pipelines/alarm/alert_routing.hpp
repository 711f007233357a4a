#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/model/severity.hpp"

namespace factory {

using channel_id = std::uint32_t;

/// What happens to an alert that nobody has acknowledged and that is still active.
struct escalation_step {
  std::int64_t after_us = 0;                 ///< after the alert was raised
  severity level = severity::rule_critical;  ///< as which it is then told: INFO, WARNING, CRITICAL
  std::vector<channel_id> channels = {};     ///< who is told, beside those who were told before
  bool operator==(const escalation_step&) const = default;
};

/// Who is told of the alerts of a rule. It decides nothing about the alerts themselves: the sensors' configs do not have it.
struct alert_routing {
  std::vector<channel_id> channels = {};
  std::vector<escalation_step> escalation = {};  ///< by rising delay
  bool empty() const { return channels.empty() && escalation.empty(); }
  bool names(channel_id id) const;
  bool operator==(const alert_routing&) const = default;
};

/// Appends the bytes (coding.hpp); get_routing reads them from the front of `in` and advances it, and returns false, leaving both
/// anywhere, when damaged.
void put_routing(std::string& out, const alert_routing& routing);
bool get_routing(std::string_view& in, alert_routing& routing);

}  // namespace factory
