#include "http/anomaly/anomaly_service.hpp"

#include <string>
#include <utility>
#include <vector>

#include "http/edge/limits.hpp"
#include "http/edge/problem.hpp"
#include "http/text/json_writer.hpp"
#include "pipelines/decode/decode.hpp"
#include "pipelines/detect/z_score.hpp"

namespace factory {

namespace {

http_response health(const http_request&, const path_argument&) {
  return {200, "text/plain; charset=utf-8", "Anomaly Detector Service is running"};
}

http_response analyze_readings(const http_request& request, const path_argument&) {
  const auto asked = decode_analyze(request.body);
  if (!asked) return problem(asked.error());
  const z_analysis found = analyze(asked->values, asked->threshold);

  json_writer out;
  out.begin_object().key("anomalies").begin_array();
  for (const z_anomaly& anomaly : found.anomalies) {
    const analyze_request::item& item = asked->items[anomaly.index];
    out.begin_object().member("id", item.id).member("value", asked->values[anomaly.index]).member("timestamp", item.timestamp);
    out.member("z_score", anomaly.z_score).member("severity", to_text(anomaly.level)).end_object();
  }
  out.end_array().member("total_readings", asked->items.size());
  out.member("mean", found.stats.mean).member("std_dev", found.stats.std_dev).end_object();
  return {200, "application/json", out.text()};
}

}  // namespace

router anomaly_service(std::function<http_response()> metrics) {
  std::vector<route> calls;
  calls.push_back({http_method::get, "/health", health});
  if (metrics) {
    const auto show = [metrics = std::move(metrics)](const http_request&, const path_argument&) { return metrics(); };
    calls.push_back({http_method::get, "/metrics", show});
  }
  calls.push_back({http_method::post, "/analyze", analyze_readings, limits::body_bytes, {"application/json"}});
  return router(std::move(calls));
}

}  // namespace factory
