#include "pipelines/decode/json_columns.hpp"

#include <cmath>

#include "pipelines/decode/json_names.hpp"

#include "pipelines/model/limits.hpp"

namespace factory::json_text {

namespace {

error against_rule(member m, std::string_view reason) {
  return {errc::invalid, std::string(to_text(m)) + " " + std::string(reason), std::string(to_text(m))};
}

error other_length(member m, std::size_t length, std::size_t values) {
  return against_rule(m, "has " + std::to_string(length) + " entries but value has " + std::to_string(values));
}

}  // namespace

column_reader::column_reader(const decode_options& options, std::size_t most, column_buffers& buffers)
    : options_(options), most_(most), buffers_(buffers), read_(options) {
  buffers_.sensors.clear();
  buffers_.times_us.clear();
  buffers_.values.clear();
  buffers_.qualities.clear();
}

error_code column_reader::read(ondemand::object& object) {
  for (auto next : object) {
    ondemand::field field;
    if (const error_code code = std::move(next).get(field)) return code;
    error_code code = simdjson::SUCCESS;
    std::string_view key;
    const member m = member_of(field, key, code);
    if (code) return code;
    if (const error_code damage = read_field(m, key, field.value())) return damage;
  }
  return simdjson::SUCCESS;
}

error_code column_reader::read_field(member m, std::string_view key, ondemand::value& value) {
  const bool array = token_of(value).starts_with('[');
  if (((columns_ | series_seen_) & m) != 0 || (array && (scalars_.seen & m) != 0)) {
    if (!repeated_) repeated_ = against_rule(m, "is given twice");
    return check(value, 1);
  }
  switch (m) {
    case member_sensor:
    case member_time:
    case member_value:
    case member_quality: return array ? read_column(m, value) : read_member(read_, scalars_, m, value);
    case member_values:
      if (array) return read_column(m, value);
      columns_ |= m;
      series_problem_ = against_rule(m, "must be an array of numbers");
      return check(value, 1);
    case member_start:
    case member_interval: return read_series_member(m, value);
    case member_none: break;
  }
  if (const auto meant = meant_name(key, column_names()); !meant.empty() && !near_miss_) {
    near_miss_ = error{errc::invalid, std::string(key) + " " + near_miss(meant), std::string(key)};
  }
  return check(value, 1);
}

verdict column_reader::read_entry(member m, ondemand::value& value) {
  switch (m) {
    case member_sensor: return read_.sensor(value, buffers_.sensors.emplace_back());
    case member_time: return read_.time(value, buffers_.times_us.emplace_back());
    case member_quality: return read_.quality(value, buffers_.qualities.emplace_back());
    default: return read_.number(value, buffers_.values.emplace_back());
  }
}

error_code column_reader::read_column(member m, ondemand::value& value) {
  // `value` and `values` share a buffer.
  if (m == member_value || m == member_values) {
    if ((columns_ & (member_value | member_values)) != 0) {
      repeated_ = against_rule(member_value, "cannot stand beside values");
      return check(value, 1);
    }
  }
  columns_ |= m;
  ondemand::array array;
  if (const error_code code = value.get_array().get(array)) return code;
  std::uint64_t index = 0, refused = 0;
  for (auto next : array) {
    ondemand::value element;
    if (const error_code code = std::move(next).get(element)) return code;
    if (index == most_) return simdjson::CAPACITY;
    const verdict v = read_entry(m, element);
    if (v == verdict::damaged) return read_.damage();
    if (v == verdict::refused) {
      if (bad_.size() <= index) bad_.resize(index + 1);
      bad_[index] = true;
      if (++refused <= limits::row_errors_per_answer) refusals_.try_emplace(index, refusal{m, read_.reason()});
    }
    ++index;
  }
  return simdjson::SUCCESS;
}

error_code column_reader::read_series_member(member m, ondemand::value& value) {
  series_seen_ |= m;
  const verdict v = m == member_start ? read_.time(value, start_us_) : read_.number(value, interval_ms_);
  if (v == verdict::damaged) return read_.damage();
  if (v == verdict::refused && !series_problem_) series_problem_ = against_rule(m, read_.reason());
  return simdjson::SUCCESS;
}

void column_reader::deliver_row(std::uint64_t index, std::optional<std::int64_t> time_us, sensor_id sensor, row_sink& sink) {
  if (index >= bad_.size() || !bad_[index]) {
    const double value = buffers_.values[index];
    const auto quality = is_column(member_quality) ? buffers_.qualities[index] : scalars_.quality;
    return time_us ? sink.take(sensor, *time_us, value, quality) : sink.take_without_time(sensor, value, quality);
  }
  const auto why = refusals_.find(index);
  if (why == refusals_.end()) return sink.refuse("", "");  // beyond what an answer lists
  sink.refuse(to_text(why->second.column), why->second.reason);
}

expected<void> column_reader::deliver(row_sink& sink) {
  if (repeated_) return tl::unexpected(std::move(*repeated_));
  if (near_miss_) return tl::unexpected(std::move(*near_miss_));
  if (is_column(member_values)) return deliver_series(sink);
  if (columns_ != 0) return deliver_columns(sink);
  json_text::deliver(scalars_, sink);
  return {};
}

/// One quality of all rows, or one of each.
expected<void> column_reader::qualities_fit() {
  const auto count = buffers_.qualities.size();
  if (!is_column(member_quality) || count == buffers_.values.size()) return {};
  return tl::unexpected(other_length(member_quality, count, buffers_.values.size()));
}

expected<void> column_reader::deliver_columns(row_sink& sink) {
  for (const member m : {member_value, member_sensor, member_time}) {
    const bool needed = m != member_time || (scalars_.seen & m) != 0;
    if (needed && !is_column(m)) return tl::unexpected(against_rule(m, "must be an array, as the other columns are"));
  }
  if (auto fit = qualities_fit(); !fit) return fit;
  const auto& [sensors, times_us, values, qualities] = buffers_;
  if (sensors.size() != values.size()) return tl::unexpected(other_length(member_sensor, sensors.size(), values.size()));
  const bool timed = is_column(member_time);
  if (timed && times_us.size() != values.size()) {
    return tl::unexpected(other_length(member_time, times_us.size(), values.size()));
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    deliver_row(i, timed ? std::optional(times_us[i]) : std::nullopt, sensors[i], sink);
  }
  return {};
}

expected<void> column_reader::deliver_series(row_sink& sink) {
  if (is_column(member_sensor)) return tl::unexpected(against_rule(member_sensor, "must be one sensor where values is given"));
  if (scalars_.refused()) {
    return fail(errc::invalid, std::string(scalars_.refused_field) + " " + scalars_.reason, std::string(scalars_.refused_field));
  }
  if ((scalars_.seen & member_sensor) == 0) return tl::unexpected(against_rule(member_sensor, "is missing"));
  if (series_problem_) return tl::unexpected(std::move(*series_problem_));
  for (const member m : {member_start, member_interval}) {
    if ((series_seen_ & m) == 0) return tl::unexpected(against_rule(m, "is missing"));
  }
  for (const member m : {member_time, member_value}) {
    if (((columns_ | scalars_.seen) & m) != 0) return tl::unexpected(against_rule(m, "cannot stand beside values"));
  }
  if (auto fit = qualities_fit(); !fit) return fit;
  const double interval_us = interval_ms_ * 1000;
  const auto count = static_cast<double>(buffers_.values.size());
  if (!(interval_us >= 1)) return tl::unexpected(against_rule(member_interval, "must be 0.001 or more"));
  if (static_cast<double>(start_us_) + interval_us * count >= static_cast<double>(max_event_time_us)) {
    return tl::unexpected(against_rule(member_interval, "leads past the year 2261"));
  }
  for (std::size_t i = 0; i < buffers_.values.size(); ++i) {
    deliver_row(i, start_us_ + std::llround(static_cast<double>(i) * interval_us), scalars_.sensor, sink);
  }
  return {};
}

}  // namespace factory::json_text
