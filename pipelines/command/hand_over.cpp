#include "pipelines/command/hand_over.hpp"

#include "pipelines/model/coding.hpp"

namespace factory {

namespace {

constexpr std::uint8_t hand_over_version = 1;

void put_key(std::string& out, const event_key& key) {
  put_varint(out, key.sensor);
  put_zigzag(out, key.event_time_us);
  put_byte(out, static_cast<std::uint8_t>(key.source));
  put_varint(out, key.rule);
  put_byte(out, static_cast<std::uint8_t>(key.kind));
  put_varint(out, key.revision);
}
bool get_key(std::string_view& in, event_key& key) {
  std::uint8_t source = 0, kind = 0;
  if (!get_varint_as(in, key.sensor) || !get_zigzag(in, key.event_time_us) || !get_byte(in, source) ||
      !get_varint_as(in, key.rule) || !get_byte(in, kind) || !get_varint_as(in, key.revision))
    return false;
  key.source = static_cast<event_source>(source);
  key.kind = static_cast<event_kind>(kind);
  return is_event_source(source) && is_event_kind(kind);
}

void put_event(std::string& out, const event& e) {
  put_key(out, e.key);
  put_zigzag(out, e.recorded_at_us);
  put_zigzag(out, e.at_us);
  put_byte(out, static_cast<std::uint8_t>(e.level));
  put_double(out, e.value);
  put_detail(out, e.detail);
  put_text(out, e.explanation);
  put_text(out, e.who);
}
bool get_event(std::string_view& in, event& e) {
  std::uint8_t level = 0;
  if (!get_key(in, e.key) || !get_zigzag(in, e.recorded_at_us) || !get_zigzag(in, e.at_us) || !get_byte(in, level) ||
      !is_severity(level) || !get_double(in, e.value) || !get_detail(in, e.detail) || !get_text(in, e.explanation) ||
      !get_text(in, e.who))
    return false;
  e.level = static_cast<severity>(level);
  return true;
}

}  // namespace

void hand_over::encode(std::string& out) const {
  put_byte(out, hand_over_version);
  put_zigzag(out, edge_us);
  put_text(out, detectors);
  put_text(out, alarms);
  put_points(out, behind);
  put_ranges(out, ranges);
  put_varint(out, events.size());
  for (const auto& each : events) put_event(out, each);
  put_varint(out, told.size());
  for (const auto& each : told) {
    put_key(out, each.key);
    put_zigzag(out, each.at_us);
  }
  put_text(out, reason);
}

bool hand_over::decode(std::string_view& in) {
  std::uint8_t version = 0;
  std::uint64_t count = 0;
  if (!get_byte(in, version) || version != hand_over_version || !get_zigzag(in, edge_us) || !get_text(in, detectors) ||
      !get_text(in, alarms) || !get_points(in, behind) || !get_ranges(in, ranges) || !get_varint(in, count) || count > in.size())
    return false;
  events.resize(count);
  for (auto& each : events)
    if (!get_event(in, each)) return false;
  if (!get_varint(in, count) || count > in.size()) return false;
  told.resize(count);
  for (auto& each : told)
    if (!get_key(in, each.key) || !get_zigzag(in, each.at_us)) return false;
  return get_text(in, reason);
}

}  // namespace factory
