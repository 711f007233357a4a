#include "pipelines/alarm/alert_routing.hpp"

#include <algorithm>

#include "pipelines/model/coding.hpp"

namespace factory {
namespace {

constexpr std::uint8_t routing_version = 1;

void put_channels(std::string& out, const std::vector<channel_id>& channels) {
  put_varint(out, channels.size());
  for (const auto id : channels) put_varint(out, id);
}

bool get_channels(std::string_view& in, std::vector<channel_id>& channels) {
  channels.clear();
  std::uint64_t count = 0;
  if (!get_varint(in, count)) return false;
  for (; count > 0; --count)
    if (!get_varint_as(in, channels.emplace_back())) return false;
  return true;
}

bool get_step(std::string_view& in, escalation_step& step) {
  std::uint8_t level = 0;
  if (!get_zigzag(in, step.after_us) || !get_byte(in, level) || !is_severity(level)) return false;
  step.level = static_cast<severity>(level);
  return get_channels(in, step.channels);
}

}  // namespace

bool alert_routing::names(channel_id id) const {
  const auto is_named = [id](const auto& list) { return std::ranges::find(list, id) != list.end(); };
  return is_named(channels) || std::ranges::any_of(escalation, [&](const auto& step) { return is_named(step.channels); });
}

void put_routing(std::string& out, const alert_routing& routing) {
  put_byte(out, routing_version);
  put_channels(out, routing.channels);
  put_varint(out, routing.escalation.size());
  for (const auto& step : routing.escalation) {
    put_zigzag(out, step.after_us);
    put_byte(out, static_cast<std::uint8_t>(step.level));
    put_channels(out, step.channels);
  }
}

bool get_routing(std::string_view& in, alert_routing& routing) {
  std::uint8_t version = 0;
  std::uint64_t steps = 0;
  routing = {};
  if (!get_byte(in, version) || version != routing_version || !get_channels(in, routing.channels) || !get_varint(in, steps))
    return false;
  for (; steps > 0; --steps)
    if (!get_step(in, routing.escalation.emplace_back())) return false;
  return true;
}

}  // namespace factory
