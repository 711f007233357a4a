#include "pipelines/decode/json_row.hpp"

#include <cstring>
#include <limits>
#include <utility>

#include "pipelines/decode/json_names.hpp"

#include "pipelines/model/limits.hpp"
#include "pipelines/model/reading_flags.hpp"
#include "pipelines/model/time_text.hpp"

namespace factory::json_text {

namespace {

constexpr std::string_view time_reasons[] = {
    "must be RFC 3339 text or an integer in seconds", "must be RFC 3339 text or an integer in milliseconds",
    "must be RFC 3339 text or an integer in microseconds", "must be RFC 3339 text or an integer in nanoseconds"};

constexpr std::string_view outside = "is outside of the years 1678 to 2261";
constexpr std::int64_t year_1971_us = 31'536'000'000'000, year_1990_us = 631'152'000'000'000,
                       year_2100_us = 4'102'444'800'000'000;

bool member_of_row(member m) { return m == member_sensor || m == member_time || m == member_value || m == member_quality; }

/// `key` points into the padded body, so a comparison may run past its end.
template <std::size_t N>
bool starts_key(const char* key, const char (&name)[N]) {
  return std::memcmp(key, name, N - 1) == 0;
}

}  // namespace

verdict member_reader::refuse_read(std::string_view reason) {
  reason_ = reason;
  return verdict::refused;
}

verdict member_reader::refuse(ondemand::value& value, std::string_view reason) {
  damage_ = check(value);
  return damage_ ? verdict::damaged : refuse_read(reason);
}

verdict member_reader::named_sensor(ondemand::value& value, sensor_id& out) {
  const std::string_view token = token_of(value);
  std::string_view name = token;
  if (token.starts_with('"')) {
    damage_ = value.get_string().get(name);
    if (damage_) return verdict::damaged;
  } else if (std::uint64_t id = 0; value.get_uint64().get(id)) {
    return refuse(value, "must be text or an integer");
  }
  auto found = (*options_.names)(name);
  if (!found) return refuse_read(found.error().message);
  out = *found;
  return verdict::taken;
}

verdict member_reader::sensor(ondemand::value& value, sensor_id& out) {
  if (options_.names != nullptr) return named_sensor(value, out);
  std::uint64_t id = 0;
  if (value.get_uint64().get(id)) return refuse(value, "must be an integer of 1 up");
  if (!options_.known->contains(id)) return refuse_read("unknown sensor " + std::to_string(id));
  if (options_.derived != nullptr && options_.derived->contains(id))
    return refuse_read("sensor " + std::to_string(id) + " is filled by a pipeline, which alone writes its readings");
  out = static_cast<sensor_id>(id);
  return verdict::taken;
}

verdict member_reader::number(ondemand::value& value, double& out) {
  const std::string_view token = token_of(value);
  if (!value.get_double().get(out)) {
    if (holds_exactly(token, out)) return verdict::taken;
    return refuse_read("is an integer that a 64-bit number with a fraction cannot hold exactly");
  }
  return refuse(value, is_number(token_of(value)) ? "must be a finite 64-bit number" : "must be a number");
}

verdict member_reader::time(ondemand::value& value, std::int64_t& out) {
  const std::string_view token = token_of(value);
  if (token.starts_with('"')) return time_text(value, token, out);
  std::int64_t integer = 0;
  if (value.get_int64().get(integer)) return refuse(value, time_reasons[static_cast<unsigned>(options_.unit)]);
  const auto time_us = to_time_us(integer, options_.unit);
  const bool likely = time_us && (*time_us >= year_1971_us || *time_us < 0);
  if (const std::string other = likely || options_.unit_given ? std::string() : unlikely(integer); !other.empty()) {
    return refuse_read(other);
  }
  if (!time_us) return refuse_read(outside);
  out = *time_us;
  return verdict::taken;
}

verdict member_reader::quality(ondemand::value& value, std::uint8_t& out) {
  constexpr std::string_view reason = "must be good, uncertain or bad";
  std::string_view text;
  if (!token_of(value).starts_with('"')) return refuse(value, reason);
  damage_ = value.get_string().get(text);
  if (damage_) return verdict::damaged;
  const auto found = quality_of(text);
  if (!found) return refuse_read(reason);
  out = *found;
  return verdict::taken;
}

/// Whether an integer is a time of our days in another unit than the one assumed, and what to say then; else empty.
std::string member_reader::unlikely(std::int64_t integer) const {
  constexpr std::pair<precision, std::string_view> units[] = {
      {precision::s, "s"}, {precision::ms, "ms"}, {precision::us, "us"}, {precision::ns, "ns"}};
  for (const auto& [unit, name] : units) {
    const auto time_us = to_time_us(integer, unit);
    if (unit == options_.unit || !time_us || *time_us < year_1990_us || *time_us >= year_2100_us) continue;
    const std::string found(name);
    return "is " + format_time(*time_us) + " in " + found + ", but ms is assumed: say ?precision=" + found;
  }
  return {};
}

verdict member_reader::time_text(ondemand::value& value, std::string_view token, std::int64_t& out) {
  std::string_view text = token.substr(1, token.size() - 2);
  if (text == last_text_ && !last_text_.empty()) {
    damage_ = value.get_raw_json_string().error();
    out = last_time_us_;
    return damage_ ? verdict::damaged : verdict::taken;
  }
  const bool escaped = std::memchr(text.data(), '\\', text.size()) != nullptr;
  damage_ = escaped ? value.get_string().get(text) : value.get_raw_json_string().error();
  if (damage_) return verdict::damaged;
  const auto time_us = read_time(text);
  if (!time_us && time_us.error() == time_fault::out_of_range) return refuse_read(outside);
  if (!time_us) return refuse_read(time_reasons[static_cast<unsigned>(options_.unit)]);
  if (!escaped) last_text_ = text;
  last_time_us_ = *time_us;
  out = *time_us;
  return verdict::taken;
}

void row_sink::take_without_time(sensor_id sensor, double value, std::uint8_t quality) {
  if (without_time_.insert(sensor).second) return take(sensor, now_us_, value, quality);
  refuse("timestamp", "is missing, as in an earlier reading of the sensor in this body, which this one would overwrite");
}

void row_sink::refuse(std::string_view field, std::string reason) {
  if (result_.errors.size() < limits::row_errors_per_answer) {
    result_.errors.push_back({result_.row_count, std::string(field), std::move(reason)});
  }
  ++result_.row_count;
  ++result_.error_count;
}

std::string_view to_text(member m) {
  switch (m) {
    case member_sensor: return "sensor_id";
    case member_time: return "timestamp";
    case member_value: return "value";
    case member_values: return "values";
    case member_start: return "start";
    case member_interval: return "interval_ms";
    case member_quality: return "quality";
    case member_none: break;
  }
  return "";
}

member member_of(ondemand::field& field, std::string_view& key, error_code& code) {
  code = simdjson::SUCCESS;
  const char* const raw = field.key().raw();
  if (starts_key(raw, "sensor_id\"")) return member_sensor;
  if (starts_key(raw, "value\"")) return member_value;
  if (starts_key(raw, "timestamp\"")) return member_time;
  code = read_key(field, key);
  if (code) return member_none;
  for (const member m :
       {member_sensor, member_time, member_value, member_values, member_start, member_interval, member_quality}) {
    if (key == to_text(m)) return m;
  }
  return member_none;
}

void row::refuse(std::string_view field, std::string why) {
  if (refused()) return;
  refused_field = field;
  reason = std::move(why);
}

error_code read_member(member_reader& read, row& into, member m, ondemand::value& value) {
  if ((into.seen & m) != 0) {
    into.refuse(to_text(m), "is given twice");
    return check(value);
  }
  verdict v = verdict::taken;
  switch (m) {
    case member_sensor: v = read.sensor(value, into.sensor); break;
    case member_value: v = read.number(value, into.value); break;
    case member_time: v = read.time(value, into.time_us); break;
    case member_quality: v = read.quality(value, into.quality); break;
    default: return check(value);
  }
  into.seen |= m;
  if (v == verdict::damaged) return read.damage();
  if (v == verdict::refused) into.refuse(to_text(m), read.reason());
  return simdjson::SUCCESS;
}

std::string near_miss(std::string_view meant) { return "is not known; is \"" + std::string(meant) + "\" meant?"; }

namespace {

/// member_of() for rows with names of their own.
member renamed(const member_names& names, ondemand::field& field, std::string_view& key, error_code& code) {
  code = read_key(field, key);
  if (code) return member_none;
  const auto is = [&](std::string_view given, member m) { return key == (given.empty() ? to_text(m) : given); };
  if (names.only == 0 && is(names.sensor, member_sensor)) return member_sensor;
  if (is(names.time, member_time)) return member_time;
  return is(names.value, member_value) ? member_value : member_none;
}

/// Whether the user said where this member of ours stands.
bool is_renamed(const member_names& names, std::string_view ours) {
  if (ours == to_text(member_sensor)) return names.only != 0 || !names.sensor.empty();
  return ours == to_text(member_time) ? !names.time.empty() : !names.value.empty();
}

}  // namespace

error_code read_row(ondemand::object& object, member_reader& read, row& into) {
  const member_names* const names = read.names();
  if (names != nullptr && names->only != 0) {
    into.sensor = names->only;
    into.seen |= member_sensor;
  }
  for (auto next : object) {
    ondemand::field field;
    if (const error_code code = std::move(next).get(field)) return code;
    error_code code = simdjson::SUCCESS;
    std::string_view key;
    const member m = names != nullptr ? renamed(*names, field, key, code) : member_of(field, key, code);
    if (code) return code;
    if (!member_of_row(m)) {
      const auto meant = meant_name(m == member_none ? key : to_text(m), reading_names());
      if (!meant.empty() && (names == nullptr || !is_renamed(*names, meant))) into.refuse(key, near_miss(meant));
    }
    if (const error_code damage = read_member(read, into, m, field.value())) return damage;
  }
  return simdjson::SUCCESS;
}

void deliver(row& complete, row_sink& sink) {
  if ((complete.seen & member_sensor) == 0) complete.refuse("sensor_id", "is missing");
  if ((complete.seen & member_value) == 0) complete.refuse("value", "is missing");
  if (complete.refused()) return sink.refuse(complete.refused_field, std::move(complete.reason));
  if ((complete.seen & member_time) == 0) return sink.take_without_time(complete.sensor, complete.value, complete.quality);
  sink.take(complete.sensor, complete.time_us, complete.value, complete.quality);
}

}  // namespace factory::json_text
