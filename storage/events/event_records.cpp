#include "storage/events/event_records.hpp"

#include "pipelines/model/coding.hpp"

namespace factory {

namespace {

constexpr std::uint8_t event_version = 1;

void put_event_key(std::string& out, const event_key& key) {
  put_key32(out, key.sensor);
  put_key_time(out, key.event_time_us);
  put_byte(out, static_cast<std::uint8_t>(key.source));
  put_key32(out, key.rule);
  put_byte(out, static_cast<std::uint8_t>(key.kind));
}

std::string key_of(char space, std::uint64_t sequence) {
  std::string key(1, space);
  put_key64(key, sequence);
  return key;
}

}  // namespace

std::string event_record_key(const event_key& key) {
  std::string out = "k";
  put_event_key(out, key);
  return out;
}

bool get_event_key(std::string_view& in, event_key& key) {
  std::uint8_t source = 0, kind = 0;
  if (!get_key32(in, key.sensor) || !get_key_time(in, key.event_time_us) || !get_byte(in, source) || !get_key32(in, key.rule) ||
      !get_byte(in, kind)) {
    return false;
  }
  key.source = static_cast<event_source>(source);
  key.kind = static_cast<event_kind>(kind);
  return source >= 1 && source <= static_cast<std::uint8_t>(event_source::alert_rule) && kind >= 1 &&
         kind <= static_cast<std::uint8_t>(event_kind::alert_acknowledged);
}

std::string encode_event(const event& e) {
  std::string out;
  put_byte(out, event_version);
  put_varint(out, e.sequence);
  put_zigzag(out, e.recorded_at_us);
  put_zigzag(out, e.at_us);
  put_byte(out, static_cast<std::uint8_t>(e.level));
  put_double(out, e.value);
  put_double(out, e.limit);
  if (e.key.kind == event_kind::anomaly) {
    put_double(out, e.z_score);
    put_double(out, e.mean);
    put_double(out, e.std_dev);
  }
  put_text(out, e.actor);
  return out;
}

bool decode_event(std::string_view record_key, std::string_view record, event& e) {
  std::uint8_t version = 0, level = 0;
  if (record_key.empty()) return false;
  record_key.remove_prefix(1);
  if (!get_event_key(record_key, e.key) || !get_byte(record, version) || version != event_version ||
      !get_varint(record, e.sequence) || !get_zigzag(record, e.recorded_at_us) || !get_zigzag(record, e.at_us) ||
      !get_byte(record, level) || level > static_cast<std::uint8_t>(severity::rule_critical) || !get_double(record, e.value) ||
      !get_double(record, e.limit)) {
    return false;
  }
  e.level = static_cast<severity>(level);
  if (e.key.kind == event_kind::anomaly &&
      !(get_double(record, e.z_score) && get_double(record, e.mean) && get_double(record, e.std_dev))) {
    return false;
  }
  return get_text(record, e.actor) && record.empty();
}

std::string log_key(std::uint64_t sequence) { return key_of('l', sequence); }
std::string alert_key(std::uint64_t raised_sequence) { return key_of('a', raised_sequence); }
std::string open_alert_key(std::uint64_t raised_sequence) { return key_of('o', raised_sequence); }
std::string sensor_log_key(sensor_id sensor, std::uint64_t sequence) {
  std::string key = "s";
  put_key32(key, sensor);
  put_key64(key, sequence);
  return key;
}

std::string encode_log_entry(const event& e) {
  std::string out;
  put_event_key(out, e.key);
  put_key_time(out, e.at_us);
  return out;
}
bool decode_log_entry(std::string_view in, log_entry& entry) {
  return get_event_key(in, entry.key) && get_key_time(in, entry.at_us) && in.empty();
}

std::string encode_counters(const event_counters& counters) {
  std::string out;
  put_byte(out, event_version);
  put_varint(out, counters.last_sequence);
  put_varint(out, counters.anomalies);
  put_varint(out, counters.alerts);
  put_varint(out, counters.active_alerts);
  return out;
}
std::string encode_reserved(std::uint64_t sequence) {
  std::string out;
  put_byte(out, event_version);
  put_varint(out, sequence);
  return out;
}
bool decode_reserved(std::string_view in, std::uint64_t& sequence) {
  std::uint8_t version = 0;
  return get_byte(in, version) && version == event_version && get_varint(in, sequence) && in.empty();
}

bool decode_counters(std::string_view in, event_counters& counters) {
  std::uint8_t version = 0;
  return get_byte(in, version) && version == event_version && get_varint(in, counters.last_sequence) &&
         get_varint(in, counters.anomalies) && get_varint(in, counters.alerts) && get_varint(in, counters.active_alerts) &&
         in.empty();
}

}  // namespace factory
