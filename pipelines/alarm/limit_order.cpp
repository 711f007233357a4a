#include "pipelines/alarm/limit_order.hpp"

#include "pipelines/model/coding.hpp"

namespace factory {
namespace {

bool get_limit_source(std::string_view& in, event_source& source) {
  std::uint8_t stored = 0;
  if (!get_byte(in, stored) || !is_event_source(stored)) return false;
  source = static_cast<event_source>(stored);
  return group_of(source) == source_group::limit;
}

}  // namespace

void limit_order::encode(std::string& out) const {
  put_byte(out, static_cast<std::uint8_t>(what));
  put_varint(out, alert.sensor);
  put_zigzag(out, alert.event_time_us);
  put_byte(out, static_cast<std::uint8_t>(alert.source));
  put_varint(out, alert.rule);
  put_double(out, value);
  put_double(out, limit);
  put_byte(out, static_cast<std::uint8_t>(level));
  put_zigzag(out, until_us);
  put_byte(out, once ? 1 : 0);
  put_text(out, who);
  put_text(out, comment);
  put_zigzag(out, at_us);
  put_varint(out, number);
}

bool limit_order::decode(std::string_view& in) {
  std::uint8_t action_byte = 0, level_byte = 0;
  if (!get_byte(in, action_byte) || action_byte > static_cast<std::uint8_t>(action::put_back) ||
      !get_varint_as(in, alert.sensor) || !get_zigzag(in, alert.event_time_us) || !get_limit_source(in, alert.source) ||
      !get_varint_as(in, alert.rule) || !get_double(in, value) || !get_double(in, limit) || !get_byte(in, level_byte) ||
      !is_severity(level_byte) || !get_zigzag(in, until_us) || !get_flag(in, once) || !get_text(in, who) ||
      !get_text(in, comment) || !get_zigzag(in, at_us) || !get_varint_as(in, number))
    return false;
  what = static_cast<action>(action_byte);
  level = static_cast<severity>(level_byte);
  alert.kind = event_kind::alert_raised;
  alert.revision = 0;
  return true;
}

void shelf::encode(std::string& out) const {
  put_byte(out, static_cast<std::uint8_t>(source));
  put_varint(out, rule);
  put_byte(out, out_of_service ? 1 : 0);
  put_byte(out, once ? 1 : 0);
  put_zigzag(out, since_us);
  put_zigzag(out, until_us);
  put_text(out, who);
  put_text(out, comment);
}

bool shelf::decode(std::string_view& in) {
  return get_limit_source(in, source) && get_varint_as(in, rule) && get_flag(in, out_of_service) && get_flag(in, once) &&
         get_zigzag(in, since_us) && get_zigzag(in, until_us) && get_text(in, who) && get_text(in, comment);
}

}  // namespace factory
