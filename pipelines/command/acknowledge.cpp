#include "pipelines/command/acknowledge.hpp"

#include "pipelines/model/coding.hpp"

namespace factory {

void acknowledge_alert::encode(std::string& out) const {
  put_varint(out, alert.sensor);
  put_zigzag(out, alert.event_time_us);
  put_byte(out, static_cast<std::uint8_t>(alert.source));
  put_varint(out, alert.rule);
  put_double(out, value);
  put_double(out, limit);
  put_byte(out, static_cast<std::uint8_t>(level));
  put_text(out, comment);
}

bool acknowledge_alert::decode(std::string_view& in) {
  std::uint8_t source = 0, read_level = 0;
  if (!get_varint_as(in, alert.sensor) || !get_zigzag(in, alert.event_time_us) || !get_byte(in, source) ||
      !get_varint_as(in, alert.rule) || !get_double(in, value) || !get_double(in, limit) || !get_byte(in, read_level) ||
      !get_text(in, comment))
    return false;
  alert.source = static_cast<event_source>(source);
  alert.kind = event_kind::alert_raised;
  level = static_cast<severity>(read_level);
  return is_event_source(source) && is_severity(read_level);
}

event acknowledgement_of(const acknowledge_alert& asked, const std::string& who, std::int64_t received_at_us) {
  event seen;
  seen.key = asked.alert;
  seen.key.kind = event_kind::alert_acknowledged;
  seen.recorded_at_us = received_at_us;
  seen.at_us = received_at_us;
  seen.value = asked.value;
  if (asked.comment.empty())
    seen.detail = limit_detail{asked.limit};
  else
    seen.detail = alarm_detail{asked.limit, {}, 0, {}, asked.comment};
  seen.level = asked.level;
  seen.who = who;
  return seen;
}

}  // namespace factory
