#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "pipelines/command/acknowledge.hpp"
#include "pipelines/command/feedback.hpp"
#include "pipelines/command/hand_over.hpp"
#include "pipelines/command/order_limit.hpp"
#include "pipelines/model/reading.hpp"

namespace factory {

/// What an operator, or the judge of the past, can ask of a sensor. A new command is a struct in a file of its own, beside acknowledge.hpp, with a `code` that no
/// other has or had, encode() and decode(); it is named here, and handled by the actors that it concerns.
using command_payload = std::variant<acknowledge_alert, judge_anomaly, order_limit, hold_judging, hand_over>;

/// A command of an operator. It is a journal entry, at its place among the readings of its sensor; when it was given is the
/// entry's received_at_us.
struct operator_command {
  sensor_id sensor = 0;
  std::string who;
  command_payload what;
};

/// Appended: | sensor:varint | who:text | code:u8 | payload:text |.
void put_command(std::string& out, const operator_command& command);
/// Reads from the front of `in` and advances it; false, leaving both anywhere, when damaged or of an unknown code.
bool get_command(std::string_view& in, operator_command& command);

}  // namespace factory
