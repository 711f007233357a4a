#include "storage/events/event_records.hpp"

#include "pipelines/model/coding.hpp"

namespace factory {

namespace {

constexpr std::uint8_t event_version = 2;
constexpr std::uint8_t counters_version = 1;

/// What all events of a finding have in common.
void put_finding(std::string& out, const event_key& key) {
  put_key32(out, key.sensor);
  put_key_time(out, key.event_time_us);
  put_byte(out, static_cast<std::uint8_t>(key.source));
  put_key32(out, key.rule);
}

/// Behind all else, and left out when 0: so it is in what was stored before there were revisions.
void put_revision(std::string& out, const event_key& key) {
  if (key.revision != 0) put_varint(out, key.revision);
}
bool get_revision(std::string_view& in, event_key& key) {
  key.revision = 0;
  return in.empty() || (get_varint_as(in, key.revision) && key.revision != 0 && in.empty());
}

bool get_event_key(std::string_view& in, event_key& key) {
  std::uint8_t source = 0, kind = 0;
  if (!get_key32(in, key.sensor) || !get_key_time(in, key.event_time_us) || !get_byte(in, source) || !get_key32(in, key.rule) ||
      !get_byte(in, kind)) {
    return false;
  }
  key.source = static_cast<event_source>(source);
  key.kind = static_cast<event_kind>(kind);
  return is_event_source(source) && is_event_kind(kind);
}

std::string key_of(char space, std::uint64_t sequence) {
  std::string key(1, space);
  put_key64(key, sequence);
  return key;
}

std::string key_of(char space, sensor_id sensor, std::uint64_t sequence) {
  std::string key(1, space);
  put_key32(key, sensor);
  put_key64(key, sequence);
  return key;
}

/// Version 1: limit, and of an anomaly its score, in place of a detail; no explanation.
bool get_rest_of_version_1(std::string_view& in, event& e) {
  double limit = 0;
  if (!get_double(in, limit)) return false;
  e.detail = limit_detail{limit};
  if (e.key.kind == event_kind::anomaly) {
    z_score_detail score;
    score.threshold = limit;
    if (!get_double(in, score.z_score) || !get_double(in, score.mean) || !get_double(in, score.std_dev)) return false;
    e.detail = score;
  }
  e.explanation.clear();
  return get_text(in, e.who);
}

}  // namespace

std::string finding_prefix(const event_key& key) {
  std::string out = "k";
  put_finding(out, key);
  return out;
}

std::string event_record_key(const event_key& key) {
  std::string out = finding_prefix(key);
  put_byte(out, static_cast<std::uint8_t>(key.kind));
  put_revision(out, key);
  return out;
}

std::string encode_event(const event& e) {
  std::string out;
  put_byte(out, event_version);
  put_varint(out, e.sequence);
  put_zigzag(out, e.recorded_at_us);
  put_zigzag(out, e.at_us);
  put_byte(out, static_cast<std::uint8_t>(e.level));
  put_double(out, e.value);
  put_detail(out, e.detail);
  put_text(out, e.explanation);
  put_text(out, e.who);
  return out;
}

bool decode_event(std::string_view record_key, std::string_view record, event& e) {
  std::uint8_t version = 0, level = 0;
  if (record_key.empty()) return false;
  record_key.remove_prefix(1);
  if (!get_event_key(record_key, e.key) || !get_revision(record_key, e.key) || !get_byte(record, version) ||
      !get_varint(record, e.sequence) || !get_zigzag(record, e.recorded_at_us) || !get_zigzag(record, e.at_us) ||
      !get_byte(record, level) || !is_severity(level) || !get_double(record, e.value)) {
    return false;
  }
  e.level = static_cast<severity>(level);
  switch (version) {
    case 1: return get_rest_of_version_1(record, e) && record.empty();
    case event_version:
      return get_detail(record, e.detail) && get_text(record, e.explanation) && get_text(record, e.who) && record.empty();
    default: return false;
  }
}

std::string log_key(std::uint64_t sequence) { return key_of('l', sequence); }
std::string alert_key(std::uint64_t raised_sequence) { return key_of('a', raised_sequence); }
std::string open_alert_key(std::uint64_t raised_sequence) { return key_of('o', raised_sequence); }
std::string anomaly_key(std::uint64_t sequence) { return key_of('i', sequence); }
std::string open_anomaly_key(std::uint64_t sequence) { return key_of('p', sequence); }
std::string sensor_log_key(sensor_id sensor, std::uint64_t sequence) { return key_of('s', sensor, sequence); }
std::string sensor_anomaly_key(sensor_id sensor, std::uint64_t sequence) { return key_of('j', sensor, sequence); }

std::string encode_log_entry(const event& e) {
  std::string out;
  put_finding(out, e.key);
  put_byte(out, static_cast<std::uint8_t>(e.key.kind));
  put_key_time(out, e.at_us);
  put_revision(out, e.key);
  return out;
}
bool decode_log_entry(std::string_view in, log_entry& entry) {
  return get_event_key(in, entry.key) && get_key_time(in, entry.at_us) && get_revision(in, entry.key);
}

std::string encode_counters(const event_counters& counters) {
  std::string out;
  put_byte(out, counters_version);
  put_varint(out, counters.last_sequence);
  put_varint(out, counters.anomalies);
  put_varint(out, counters.alerts);
  put_varint(out, counters.active_alerts);
  return out;
}
std::string encode_reserved(std::uint64_t sequence) {
  std::string out;
  put_byte(out, counters_version);
  put_varint(out, sequence);
  return out;
}
bool decode_reserved(std::string_view in, std::uint64_t& sequence) {
  std::uint8_t version = 0;
  return get_byte(in, version) && version == counters_version && get_varint(in, sequence) && in.empty();
}

bool decode_counters(std::string_view in, event_counters& counters) {
  std::uint8_t version = 0;
  return get_byte(in, version) && version == counters_version && get_varint(in, counters.last_sequence) &&
         get_varint(in, counters.anomalies) && get_varint(in, counters.alerts) && get_varint(in, counters.active_alerts) &&
         in.empty();
}

}  // namespace factory
