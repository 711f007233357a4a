#include "storage/catalog_records.hpp"

#include "pipelines/coding.hpp"

namespace factory {

namespace {

constexpr std::uint8_t record_version = 1;

std::string begin_record() { return std::string(1, static_cast<char>(record_version)); }
bool begin_record(std::string_view& in) {
  std::uint8_t version = 0;
  return get_byte(in, version) && version == record_version;
}

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
  std::string out = begin_record();
  put_varint(out, entry.id);
  put_text(out, entry.name);
  put_text(out, entry.location);
  put_zigzag(out, entry.created_at_us);
  return out;
}
bool decode(std::string_view in, factory_entry& entry) {
  return begin_record(in) && get_varint_as(in, entry.id) && get_text(in, entry.name) && get_text(in, entry.location) &&
         get_zigzag(in, entry.created_at_us) && in.empty();
}

std::string encode(const machine_entry& entry) {
  std::string out = begin_record();
  put_varint(out, entry.id);
  put_varint(out, entry.factory);
  put_text(out, entry.name);
  put_text(out, entry.type);
  put_byte(out, static_cast<std::uint8_t>(entry.status));
  put_zigzag(out, entry.created_at_us);
  return out;
}
bool decode(std::string_view in, machine_entry& entry) {
  return begin_record(in) && get_varint_as(in, entry.id) && get_varint_as(in, entry.factory) && get_text(in, entry.name) &&
         get_text(in, entry.type) && get_enum(in, entry.status, machine_status::offline) && get_zigzag(in, entry.created_at_us) &&
         in.empty();
}

std::string encode(const sensor_entry& entry) {
  std::string out = begin_record();
  put_varint(out, entry.id);
  put_varint(out, entry.machine);
  put_text(out, entry.name);
  put_text(out, entry.unit);
  put_optional(out, entry.thresholds.min);
  put_optional(out, entry.thresholds.max);
  put_zigzag(out, entry.created_at_us);
  return out;
}
bool decode(std::string_view in, sensor_entry& entry) {
  return begin_record(in) && get_varint_as(in, entry.id) && get_varint_as(in, entry.machine) && get_text(in, entry.name) &&
         get_text(in, entry.unit) && get_optional(in, entry.thresholds.min) && get_optional(in, entry.thresholds.max) &&
         get_zigzag(in, entry.created_at_us) && in.empty();
}

std::string encode(const alert_rule& entry) {
  std::string out = begin_record();
  put_varint(out, entry.id);
  put_varint(out, entry.sensor);
  put_text(out, entry.name);
  put_byte(out, static_cast<std::uint8_t>(entry.condition));
  put_double(out, entry.low);
  put_double(out, entry.high);
  put_byte(out, static_cast<std::uint8_t>(entry.level));
  put_byte(out, entry.enabled ? 1 : 0);
  return out;
}
bool decode(std::string_view in, alert_rule& entry) {
  std::uint8_t enabled = 0;
  const bool good = begin_record(in) && get_varint_as(in, entry.id) && get_varint_as(in, entry.sensor) &&
                    get_text(in, entry.name) && get_enum(in, entry.condition, rule_condition::out_of_range) &&
                    get_double(in, entry.low) && get_double(in, entry.high) &&
                    get_enum(in, entry.level, severity::rule_critical) && get_byte(in, enabled) && enabled <= 1 && in.empty();
  entry.enabled = enabled == 1;
  return good;
}

}  // namespace factory
