#include "storage/catalog/catalog_records.hpp"

#include "storage/base/record.hpp"

namespace factory {

namespace {

/// Version 2 goes on with the days that readings are kept; version 1 lacks them: unset.
constexpr std::uint8_t with_retention = 2;
/// Of machines and sensors: version 3 ends with their labels; older ones have none.
constexpr std::uint8_t with_labels = 3;
/// Of sensors: version 4 ends with the rules of their stream; older ones have none. What in them is not usual is taken for set by somebody.
constexpr std::uint8_t with_stream = 4;
/// Of sensors, machines and factories: what is set for detection, behind all else. Of sensors the rules are then the daemon's.
constexpr std::uint8_t sensor_with_settings = 5, machine_with_settings = 5, factory_with_settings = 3;
// Of a machine: whether it is in operation was told to its sensors. Nothing else is new.
constexpr std::uint8_t with_suppression = 4;
/// Of rules: version 2 goes on with the options of the alarm; version 1 has none: those of a plain limit.
constexpr std::uint8_t with_options = 2;
/// Of rules: version 4 ends with the template; older ones are of one sensor. Version 3 was never written.
constexpr std::uint8_t with_template = 4;
/// Of rules: version 5 ends with who is told; older ones name nobody.
constexpr std::uint8_t with_routing = 5;

void put_optional(std::string& out, const std::optional<double>& value) {
  put_byte(out, value ? 1 : 0);
  if (value) put_double(out, *value);
}
bool get_optional(std::string_view& in, std::optional<double>& value) {
  std::uint8_t there = 0;
  if (!get_byte(in, there) || there > 1) return false;
  value.reset();
  return there == 0 || get_double(in, value.emplace());
}

void put_retention(std::string& out, const retention_days& days) {
  put_byte(out, days ? 1 : 0);
  if (days) put_varint(out, *days);
}
bool get_retention(std::string_view& in, std::uint8_t version, retention_days& days) {
  days.reset();
  if (version < with_retention) return true;
  std::uint8_t there = 0;
  return get_byte(in, there) && there <= 1 && (there == 0 || get_varint_as(in, days.emplace()));
}
bool get_labels(std::string_view& in, std::uint8_t version, label_set& labels) {
  labels.clear();
  return version < with_labels || factory::get_labels(in, labels);
}

bool get_stream(std::string_view& in, std::uint8_t version, std::optional<shared_stream_rules>& rules) {
  rules.reset();
  if (version < with_stream) return true;
  std::uint8_t there = 0;
  return get_byte(in, there) && there <= 1 && (there == 0 || get_stream_rules(in, rules));
}

bool get_settings(std::string_view& in, bool there, stream_settings& settings) {
  settings = {};
  return !there || settings.decode(in);
}

bool get_settings(std::string_view& in, std::uint8_t version, sensor_entry& entry) {
  entry.stream.reset();
  if (version >= sensor_with_settings) return get_settings(in, true, entry.settings);
  entry.settings = entry.usual ? stream_settings::of_unusual(**entry.usual) : stream_settings();
  if (entry.usual) entry.usual = stream_rules();
  return true;
}

template <class Enum>
bool get_enum(std::string_view& in, Enum& value, Enum largest) {
  std::uint8_t byte = 0;
  if (!get_byte(in, byte) || byte > static_cast<std::uint8_t>(largest)) return false;
  value = static_cast<Enum>(byte);
  return true;
}

}  // namespace

std::string record_key(record_kind kind, std::uint32_t id) {
  std::string key(1, static_cast<char>(kind));
  put_key32(key, id);
  return key;
}

std::string counter_key(record_kind kind) { return std::string("n") + static_cast<char>(kind); }

std::string encode(const factory_entry& entry) {
  std::string out = begin_record(factory_with_settings);
  put_varint(out, entry.id);
  put_text(out, entry.name);
  put_text(out, entry.location);
  put_zigzag(out, entry.created_at_us);
  put_retention(out, entry.retention);
  entry.settings.encode(out);
  return out;
}
bool decode(std::string_view in, factory_entry& entry) {
  std::uint8_t version = 0;
  return begin_record(in, factory_with_settings, version) && get_varint_as(in, entry.id) && get_text(in, entry.name) &&
         get_text(in, entry.location) && get_zigzag(in, entry.created_at_us) && get_retention(in, version, entry.retention) &&
         get_settings(in, version >= factory_with_settings, entry.settings) && in.empty();
}

std::string encode(const machine_entry& entry) {
  std::string out = begin_record(machine_with_settings);
  put_varint(out, entry.id);
  put_varint(out, entry.factory);
  put_text(out, entry.name);
  put_text(out, entry.type);
  put_byte(out, static_cast<std::uint8_t>(entry.status));
  put_zigzag(out, entry.created_at_us);
  put_retention(out, entry.retention);
  put_labels(out, entry.labels);
  entry.settings.encode(out);
  return out;
}
bool decode(std::string_view in, machine_entry& entry) {
  std::uint8_t version = 0;
  return begin_record(in, machine_with_settings, version) && get_varint_as(in, entry.id) && get_varint_as(in, entry.factory) &&
         get_text(in, entry.name) && get_text(in, entry.type) && get_enum(in, entry.status, machine_status::offline) &&
         get_zigzag(in, entry.created_at_us) && get_retention(in, version, entry.retention) &&
         get_labels(in, version, entry.labels) && get_settings(in, version >= machine_with_settings, entry.settings) &&
         in.empty();
}

bool knows_suppression(std::string_view machine) {
  return !machine.empty() && static_cast<std::uint8_t>(machine.front()) >= with_suppression;
}

std::string encode(const sensor_entry& entry) {
  std::string out = begin_record(sensor_with_settings);
  put_varint(out, entry.id);
  put_varint(out, entry.machine);
  put_text(out, entry.name);
  put_text(out, entry.unit);
  put_optional(out, entry.thresholds.min);
  put_optional(out, entry.thresholds.max);
  put_zigzag(out, entry.created_at_us);
  put_retention(out, entry.retention);
  put_labels(out, entry.labels);
  put_byte(out, entry.usual ? 1 : 0);
  if (entry.usual) put_stream_rules(out, **entry.usual);
  entry.settings.encode(out);
  return out;
}
bool decode(std::string_view in, sensor_entry& entry) {
  std::uint8_t version = 0;
  return begin_record(in, sensor_with_settings, version) && get_varint_as(in, entry.id) && get_varint_as(in, entry.machine) &&
         get_text(in, entry.name) && get_text(in, entry.unit) && get_optional(in, entry.thresholds.min) &&
         get_optional(in, entry.thresholds.max) && get_zigzag(in, entry.created_at_us) &&
         get_retention(in, version, entry.retention) && get_labels(in, version, entry.labels) &&
         get_stream(in, version, entry.usual) && get_settings(in, version, entry) && in.empty();
}

std::string encode(const alert_rule& entry) {
  std::string out = begin_record(with_routing);
  put_varint(out, entry.id);
  put_varint(out, entry.sensor);
  put_text(out, entry.name);
  put_byte(out, static_cast<std::uint8_t>(entry.condition));
  put_double(out, entry.low);
  put_double(out, entry.high);
  put_byte(out, static_cast<std::uint8_t>(entry.level));
  put_byte(out, entry.enabled ? 1 : 0);
  put_options(out, entry.options);
  put_byte(out, entry.as_template ? 1 : 0);
  if (entry.as_template) put_template(out, *entry.as_template);
  put_routing(out, entry.routing);
  return out;
}
bool decode(std::string_view in, alert_rule& entry) {
  std::uint8_t version = 0, enabled = 0;
  const bool good = begin_record(in, with_routing, version) && get_varint_as(in, entry.id) && get_varint_as(in, entry.sensor) &&
                    get_text(in, entry.name) && get_enum(in, entry.condition, last_rule_condition) && get_double(in, entry.low) &&
                    get_double(in, entry.high) && get_enum(in, entry.level, severity::rule_critical) && get_byte(in, enabled) &&
                    enabled <= 1;
  entry.enabled = enabled == 1;
  entry.options = {};
  entry.as_template.reset();
  entry.routing = {};
  if (version >= with_options && !(good && get_options(in, entry.options))) return false;
  std::uint8_t is_template = 0;
  if (version >= with_template && !(get_byte(in, is_template) && is_template <= 1)) return false;
  if (is_template == 1 && !get_template(in, entry.as_template.emplace())) return false;
  if (version >= with_routing && !get_routing(in, entry.routing)) return false;
  return good && in.empty();
}

}  // namespace factory
