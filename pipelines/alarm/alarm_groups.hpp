#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/model/event.hpp"

namespace factory {

/// Alarms of one machine that begin together: most likely one trouble, of which the first tells most (ISA-18.2: first-out).
struct alarm_group {
  machine_id machine = 0;
  std::int64_t begin_us = 0;           ///< raise of the first
  std::vector<event_key> alarms = {};  ///< by their raise; the first one is first-out
  const event_key& first_out() const { return alarms.front(); }
};

namespace limits {
inline constexpr std::int64_t alarm_group_ms = 60'000;          ///< from the first alarm of a group, unless asked otherwise
inline constexpr std::int64_t alarm_group_ms_most = 3'600'000;  ///< 400
}  // namespace limits

/// A group holds what is raised within `window_us` from its first alarm; what comes later begins the next group. So that which alarms make a
/// group depends on no others than those of the two hours before it: where alarms go on for an hour, each at most `window_us` behind the
/// one before, groups begin anew with the next hour of the clock.
///
/// A function of the set of alarms: the order of `all` does not matter. `all` are keys of alarms of one machine, and has all of them from
/// groups_need_from_us() of those that matter on.
std::vector<alarm_group> group_alarms(machine_id machine, std::vector<event_key> all, std::int64_t window_us);
std::int64_t groups_need_from_us(std::int64_t raised_us, std::int64_t window_us);

/// "3-1768816800000000": machine and begin.
std::string group_id(const alarm_group& group);
/// Inverse of group_id, without alarms; false when the text is no id.
bool parse_group_id(std::string_view text, alarm_group& out);

}  // namespace factory
