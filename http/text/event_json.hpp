#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "http/text/json_writer.hpp"
#include "pipelines/alarm/limit_order.hpp"
#include "pipelines/model/finding.hpp"

namespace factory {

/// One event of the log. `id` is the finding's: an alert's raised, cleared and acknowledged events share it. `timestamp` is the event
/// time of the reading that caused this event. The members of its detail stand behind `value`.
void write_event(json_writer& out, const event& e);
/// What an alert's events do not tell: how urgent its limit is, and that nobody is told of it now.
struct alert_place {
  std::optional<std::uint32_t> priority = {};
  std::optional<shelf> shelved = {}, out_of_service = {};
  std::optional<std::string> group = {}, first_out = {};  ///< ids: of its group, and of the first alarm of that
};
/// An alert as it stands. REQUIRES: it was stated.
void write_alert(json_writer& out, const finding& alert, const alert_place& at = {});
/// Since when, until when, by whom and why.
void write_shelf(json_writer& out, const shelf& on);
/// An anomaly as it stands, as an episode; one reading that stands out is an episode of one reading. REQUIRES: it was stated.
void write_anomaly(json_writer& out, const finding& anomaly);
/// The members of a detail, into an object that is open.
void write_members(json_writer& out, const event_detail& detail);

}  // namespace factory
