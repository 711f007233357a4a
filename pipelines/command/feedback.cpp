#include "pipelines/command/feedback.hpp"

#include "pipelines/model/coding.hpp"

namespace factory {

void judge_anomaly::encode(std::string& out) const {
  put_varint(out, anomaly.sensor);
  put_zigzag(out, anomaly.event_time_us);
  put_byte(out, static_cast<std::uint8_t>(anomaly.source));
  put_varint(out, anomaly.rule);
  put_byte(out, static_cast<std::uint8_t>(anomaly.kind));
  put_varint(out, anomaly.revision);
  put_double(out, value);
  put_byte(out, static_cast<std::uint8_t>(level));
  put_text(out, verdict);
  put_text(out, comment);
}

bool judge_anomaly::decode(std::string_view& in) {
  std::uint8_t source = 0, kind = 0, read_level = 0;
  if (!get_varint_as(in, anomaly.sensor) || !get_zigzag(in, anomaly.event_time_us) || !get_byte(in, source) ||
      !get_varint_as(in, anomaly.rule) || !get_byte(in, kind) || !get_varint_as(in, anomaly.revision) || !get_double(in, value) ||
      !get_byte(in, read_level) || !get_text(in, verdict) || !get_text(in, comment))
    return false;
  anomaly.source = static_cast<event_source>(source);
  anomaly.kind = static_cast<event_kind>(kind);
  level = static_cast<severity>(read_level);
  return is_event_source(source) && is_event_kind(kind) && is_severity(read_level);
}

event feedback_of(const judge_anomaly& given, const std::string& who, std::int64_t received_at_us) {
  event said;
  said.key = with_kind(given.anomaly, event_kind::anomaly_feedback, given.anomaly.revision);
  said.recorded_at_us = received_at_us;
  said.at_us = received_at_us;
  said.value = given.value;
  said.level = given.level;
  said.detail = feedback_detail{given.verdict, given.comment};
  said.who = who;
  return said;
}

}  // namespace factory
