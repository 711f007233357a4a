#include <memory>

#include "http/anomaly/anomaly_client.hpp"
#include "http/api/api_call.hpp"
#include "http/edge/query.hpp"
#include "pipelines/detect/z_score.hpp"

namespace factory {

namespace {

struct analysis_query {
  std::size_t limit = 100;
  double threshold = default_z_threshold;
  reading_form form = reading_form::effective;
};

expected<anomaly_report> ask_service(query_port& behind, const anomaly_client& service, sensor_id id,
                                     const analysis_query& asked) {
  auto sensor = behind.entities().find_sensor(id);
  if (!sensor) return tl::unexpected(sensor.error());
  const auto rows = behind.newest(id, asked.limit, asked.form);
  if (!rows) return tl::unexpected(rows.error());
  if (rows->empty()) return fail(errc::not_found, "No readings available for analysis");
  return service.analyze(std::move(*sensor), *rows, asked.threshold);
}

http_response report_json(const anomaly_report& report) {
  json_writer out;
  out.begin_object().member("sensor_id", report.sensor.id).member("sensor_name", report.sensor.name);
  out.member("analyzed_readings", report.analyzed).member("anomalies_found", report.anomalies.size());
  out.key("statistics").begin_object().member("mean", report.stats.mean).member("std_dev", report.stats.std_dev).end_object();
  out.key("anomalies").begin_array();
  for (const analysed_reading& anomaly : report.anomalies) {
    out.begin_object().member("id", anomaly.time_us).member("value", anomaly.value).time_member("timestamp", anomaly.time_us);
    out.member("z_score", anomaly.z_score).member("severity", to_text(anomaly.level)).end_object();
  }
  out.end_array().end_object();
  return json_response(out);
}

}  // namespace

void add_anomaly_calls(api_table& table, const anomaly_side& anomalies) {
  const auto service = anomalies.url.empty() ? nullptr : std::make_shared<const anomaly_client>(anomalies);
  const auto get_anomalies = [service](query_port& behind, const http_request& request,
                                       const path_argument& path) -> expected<http_response> {
    query_reader query(request);
    const analysis_query asked{query.integer("limit", 1, limits::analysis_readings).value_or(100),
                               query.number("threshold", 0, 1e9).value_or(default_z_threshold), read_form(query)};
    if (query.fault()) return fail_with(*query.fault());
    const auto report = service ? ask_service(behind, *service, path.id, asked)
                                : behind.anomalies(path.id, asked.limit, asked.threshold, asked.form);
    return report ? expected<http_response>(report_json(*report)) : fail_with(report.error());
  };
  table.push_back({http_method::get,
                   "/api/sensors/{id}/anomalies",
                   "The newest readings that stand out from the newest `limit` by z-score",
                   get_anomalies,
                   {"limit", "threshold", "raw", "include"},
                   {},
                   "anomalies"});
  table.back().limit_most = limits::analysis_readings;
}

}  // namespace factory
