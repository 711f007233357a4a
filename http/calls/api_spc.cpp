#include <algorithm>
#include <string>
#include <utility>

#include "http/api/api_call.hpp"
#include "http/edge/query.hpp"
#include "http/text/json_body.hpp"
#include "pipelines/model/time.hpp"
#include "pipelines/stats/control_chart.hpp"
#include "storage/base/limits.hpp"
#include "storage/spc/limits.hpp"

namespace factory {

namespace {

struct chart_request {
  time_range range;
  std::uint32_t subgroup = 1;
  reading_form form = reading_form::effective;
};

/// The readings of a chart and their points.
struct chart {
  std::size_t readings = 0;
  control_points points;
};

expected<chart> read_chart(query_port& behind, sensor_id id, const chart_request& asked) {
  chart found;
  if (asked.range.begin_us >= asked.range.end_us) return found;
  const auto rows = behind.readings(id, asked.range, limits::spc_readings + 1, false, asked.form);
  if (!rows) return tl::unexpected(rows.error());
  if (rows->size() > limits::spc_readings || rows->size() > limits::spc_points * asked.subgroup)
    return fail(errc::invalid,
                "the range holds more than " +
                    std::to_string(std::min(limits::spc_readings, limits::spc_points * asked.subgroup)) +
                    " readings; narrow from and to, or take a larger subgroup",
                "from");
  std::vector<std::int64_t> times_us;
  std::vector<double> values;
  for (std::size_t row = 0; row < rows->size(); ++row) {
    if ((rows->flags[row] & asked.form.without) != 0) continue;
    times_us.push_back(rows->event_time_us[row]);
    values.push_back(rows->value[row]);
  }
  found.readings = values.size();
  found.points = control_points_of(times_us, values, asked.subgroup);
  return found;
}

void write_limits(json_writer& out, const control_limits& of) {
  out.member("subgroup", of.subgroup).member("center", of.center).member("lower", of.lower).member("upper", of.upper);
  out.member("range_center", of.range_center).member("range_lower", of.range_lower).member("range_upper", of.range_upper);
  out.member("sigma", of.sigma);
}

void write_frozen(json_writer& out, const frozen_limits& frozen) {
  out.begin_object().member("version", frozen.version);
  write_limits(out, frozen.limits);
  out.member("points", frozen.points).time_member("from", frozen.begin_us).time_member("to", frozen.end_us);
  out.time_member("frozen_at", frozen.frozen_at_us).member("by", frozen.by).member("comment", frozen.comment).end_object();
}

void write_violation(json_writer& out, std::string_view set, unsigned rule, std::string_view what, const chart& of,
                     std::size_t begin, std::size_t end) {
  out.begin_object().member("set", set).member("rule", rule).member("description", what).member("points", end - begin);
  out.time_member("begin", of.points.times_us[begin]).time_member("end", of.points.times_us[end - 1]).end_object();
}

/// Ranges beyond their limits, neighbours together. Of individuals the first range belongs to the second point.
void write_range_violations(json_writer& out, const chart& of, const control_limits& limits) {
  const auto& ranges = of.points.ranges;
  const auto shift = of.points.values.size() - ranges.size();
  const auto beyond = [&](std::size_t i) { return ranges[i] > limits.range_upper || ranges[i] < limits.range_lower; };
  for (std::size_t begin = 0, end = 0; begin < ranges.size(); begin = std::max(end, begin + 1)) {
    for (end = begin; end < ranges.size() && beyond(end); ++end) {
    }
    if (end > begin) write_violation(out, "range", 1, "a range beyond its limits", of, begin + shift, end + shift);
  }
}

http_response chart_json(const sensor_entry& sensor, const chart_request& asked, const chart& of,
                         const std::optional<control_limits>& limits, const std::optional<frozen_limits>& frozen) {
  json_writer out(80 * (of.points.values.size() + 8));
  out.begin_object().member("sensor_id", sensor.id).member("chart", asked.subgroup == 1 ? "i_mr" : "xbar_r");
  out.member("subgroup", asked.subgroup).member("readings", of.readings).member("points", of.points.values.size());
  out.key("limits");
  if (limits) {
    out.begin_object().member("source", frozen ? "frozen" : "range");
    out.member("version", frozen ? std::optional(frozen->version) : std::nullopt);
    write_limits(out, *limits);
    out.end_object();
  } else {
    out.value(nullptr);
  }
  const auto capability = limits ? capability_of(*limits, sensor.thresholds.min, sensor.thresholds.max) : process_capability{};
  out.key("capability").begin_object().member("min", sensor.thresholds.min).member("max", sensor.thresholds.max);
  out.member("cp", capability.cp).member("cpk", capability.cpk).end_object();
  out.key("violations").begin_array();
  if (limits) {
    for (const auto& [rule, begin, end] : find_violations(of.points.values, *limits)) {
      const auto& broken = runs_rules()[rule];
      write_violation(out, to_text(broken.set), broken.number, broken.what, of, begin, end);
    }
    write_range_violations(out, of, *limits);
  }
  out.end_array().key("series").begin_array();
  const auto shift = of.points.values.size() - of.points.ranges.size();
  for (std::size_t i = 0; i < of.points.values.size(); ++i) {
    out.begin_object().time_member("timestamp", of.points.times_us[i]).member("value", of.points.values[i]);
    out.member("range", i < shift ? std::nullopt : std::optional(of.points.ranges[i - shift])).end_object();
  }
  out.end_array().end_object();
  return json_response(out);
}

/// Frozen limits of this size of subgroup, unless the call wants those of the range.
expected<http_response> get_chart(ports& behind, const http_request& request, const path_argument& path) {
  const auto sensor = behind.entities().find_sensor(path.id);
  if (!sensor) return fail_with(sensor.error());
  query_reader query(request);
  chart_request asked;
  asked.range = read_range(query);
  asked.form = read_form(query);
  asked.subgroup = static_cast<std::uint32_t>(query.integer("subgroup", 1, largest_subgroup).value_or(1));
  const bool of_range = query.word("limits", {"frozen", "range"}) == 1U;
  if (query.fault()) return fail_with(*query.fault());
  const auto found = read_chart(behind, path.id, asked);
  if (!found) return fail_with(found.error());
  auto frozen = behind.control_limits().in_force(path.id);
  if (of_range || (frozen && frozen->limits.subgroup != asked.subgroup)) frozen.reset();
  const auto limits = frozen ? std::optional(frozen->limits) : control_limits_of(found->points, asked.subgroup);
  return chart_json(*sensor, asked, *found, limits, frozen);
}

using element = simdjson::dom::element;

struct freeze_request {
  chart_request chart;
  std::string by, comment;
};

tl::unexpected<error> refuse_member(std::string_view field, std::string_view what) {
  return fail(errc::invalid, std::string(field) + " " + std::string(what), std::string(field));
}

expected<bool> take_time(std::int64_t& member, std::string_view name, element value) {
  std::string_view text;
  std::int64_t ms = 0;
  auto time_us = value.get(text) ? std::nullopt : parse_time_us(text);
  if (!value.get(ms)) time_us = to_time_us(ms, precision::ms);
  if (!time_us) return refuse_member(name, "must be RFC 3339 text or an integer in milliseconds");
  member = *time_us;
  return true;
}

expected<bool> take_words(std::string& member, std::string_view name, element value) {
  auto text = read_text(name, value);
  if (!text) return tl::unexpected(text.error());
  if (text->size() > limits::comment_bytes)
    return refuse_member(name, "must be at most " + std::to_string(limits::comment_bytes) + " bytes");
  member = std::move(*text);
  return true;
}

expected<freeze_request> read_freeze(std::string_view text) {
  json_body body;
  const auto root = body.parse(text);
  if (!root) return tl::unexpected(root.error());
  freeze_request read;
  const auto done = for_each_member(*root, [&](std::string_view name, element value) -> expected<bool> {
    if (name == "from") return take_time(read.chart.range.begin_us, name, value);
    if (name == "to") return take_time(read.chart.range.end_us, name, value);
    if (name == "by") return take_words(read.by, name, value);
    if (name == "comment") return take_words(read.comment, name, value);
    if (name != "subgroup") return false;
    std::uint64_t size = 0;
    if (value.get(size) || size < 1 || size > largest_subgroup)
      return refuse_member(name, "must be an integer from 1 to " + std::to_string(largest_subgroup));
    read.chart.subgroup = static_cast<std::uint32_t>(size);
    return true;
  });
  if (!done) return tl::unexpected(done.error());
  if (read.by.empty()) return refuse_member("by", "must say who freezes the limits");
  return read;
}

expected<http_response> freeze_limits(ports& behind, const http_request& request, const path_argument& path) {
  auto asked = read_freeze(request.body);
  if (!asked) return fail_with(asked.error());
  if (auto there = require_sensor(behind, path.id); !there) return fail_with(there.error());
  const auto found = read_chart(behind, path.id, asked->chart);
  if (!found) return fail_with(found.error());
  const auto computed = control_limits_of(found->points, asked->chart.subgroup);
  if (found->points.values.size() < limits::spc_fewest_points || !computed)
    return fail(errc::invalid,
                "the range has " + std::to_string(found->points.values.size()) + " points; limits are frozen from " +
                    std::to_string(limits::spc_fewest_points) + " or more",
                "from");
  frozen_limits wanted;
  wanted.limits = *computed;
  wanted.points = found->points.values.size();
  wanted.begin_us = found->points.times_us.front();
  wanted.end_us = found->points.times_us.back() + 1;
  wanted.by = std::move(asked->by);
  wanted.comment = std::move(asked->comment);
  const auto frozen = behind.freeze(path.id, std::move(wanted));
  if (!frozen) return fail_with(frozen.error());
  json_writer out;
  write_frozen(out, *frozen);
  return json_response(out, 201);
}

/// Newest first: the first one is in force.
expected<http_response> get_limits(ports& behind, const http_request&, const path_argument& path) {
  if (auto there = require_sensor(behind, path.id); !there) return fail_with(there.error());
  auto history = behind.control_limits().history(path.id);
  std::ranges::reverse(history);
  json_writer out(256 * (history.size() + 1));
  out.begin_object().member("sensor_id", path.id).key("limits").begin_array();
  for (const auto& each : history) write_frozen(out, each);
  out.end_array().end_object();
  return json_response(out);
}

}  // namespace

void add_spc_calls(api_table& table) {
  table.push_back({http_method::get,
                   "/api/sensors/{id}/spc",
                   "A control chart of a range: I-MR of single readings, or X-bar-R of subgroups, with runs rules and capability",
                   get_chart,
                   {"from", "to", "subgroup", "limits", "raw", "include"},
                   {},
                   "control_chart"});
  table.push_back({http_method::get,
                   "/api/sensors/{id}/spc/limits",
                   "Frozen control limits, newest first: the first ones are in force",
                   get_limits,
                   {},
                   {},
                   "frozen_limits_list"});
  table.push_back({http_method::post,
                   "/api/sensors/{id}/spc/limits",
                   "Freezes the control limits of a range",
                   freeze_limits,
                   {},
                   "new_frozen_limits",
                   "frozen_limits",
                   201,
                   limits::small_body_bytes,
                   json_only});
}

}  // namespace factory
