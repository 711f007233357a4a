#include "http/api/api_call.hpp"
#include "http/edge/query.hpp"

namespace factory {

namespace {

expected<http_response> get_limit_alerts(query_port& behind, const http_request& request, const path_argument& path) {
  query_reader query(request);
  const std::size_t limit = query.integer("limit", 1, limits::analysis_readings).value_or(100);
  const auto form = read_form(query);
  if (query.fault()) return fail_with(*query.fault());
  const auto report = behind.check_limits(path.id, limit, form);
  if (!report) return fail_with(report.error());

  json_writer out;
  out.begin_object().member("sensor_id", report->sensor.id).member("sensor_name", report->sensor.name);
  out.key("thresholds").begin_object().member("min", report->sensor.thresholds.min);
  out.member("max", report->sensor.thresholds.max).end_object();
  out.member("checked_readings", report->checked).member("alerts_found", report->alerts.size()).key("alerts").begin_array();
  for (const limit_finding& alert : report->alerts) {
    out.begin_object().member("reading_id", alert.time_us).member("value", alert.value);
    out.member("breach_type", to_text(alert.breach.type)).member("threshold_value", alert.breach.threshold_value);
    out.member("severity", to_text(alert.breach.level)).time_member("timestamp", alert.time_us).end_object();
  }
  out.end_array().end_object();
  return json_response(out);
}

void write_window(json_writer& out, std::string_view name, const window_view& window) {
  const auto known = [&](double value) { return window.count > 0 ? std::optional(value) : std::nullopt; };
  out.key(name).begin_object().member("count", window.count).member("mean", known(window.mean));
  out.member("std_dev", known(window.std_dev)).member("min", known(window.min)).member("max", known(window.max));
  out.key("oldest");
  window.count > 0 ? out.time(window.oldest_us) : out.value(nullptr);
  out.key("newest");
  window.count > 0 ? out.time(window.newest_us) : out.value(nullptr);
  out.key("covers_ms");
  window.count > 0 ? write_ms(out, window.covers_us) : static_cast<void>(out.value(nullptr));
  out.end_object();
}

expected<http_response> get_status(query_port& behind, const http_request&, const path_argument& path) {
  if (auto there = require_sensor(behind, path.id); !there) return fail_with(there.error());
  const auto status = behind.status(path.id);
  if (!status) return fail_with(status.error());
  json_writer out;
  out.begin_object().member("sensor_id", path.id).member("accepted", status->accepted).member("duplicate", status->duplicate);
  out.member("corrected", status->corrected).member("out_of_order", status->out_of_order).member("late", status->late);
  out.member("future", status->future).member("left_out", status->left_out);
  out.member("not_judged", status->late + status->future + status->left_out);
  out.member("restarts", status->restarts).key("watermark");
  status->count_window.count > 0 ? out.time(status->watermark_us) : out.value(nullptr);
  write_window(out, "count_window", status->count_window);
  write_window(out, "time_window", status->time_window);
  out.end_object();
  return json_response(out);
}

}  // namespace

void add_live_calls(api_table& table) {
  table.push_back({http_method::get,
                   "/api/sensors/{id}/alerts",
                   "The newest readings that break the sensor's thresholds",
                   get_limit_alerts,
                   {"limit", "raw", "include"},
                   {},
                   "limit_alerts"});
  table.back().limit_most = limits::analysis_readings;
  table.push_back(
      {http_method::get, "/api/sensors/{id}/status", "Live windows and counters", get_status, {}, {}, "sensor_status"});
}

}  // namespace factory
