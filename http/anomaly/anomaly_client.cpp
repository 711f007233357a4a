#include "http/anomaly/anomaly_client.hpp"

#include <simdjson.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <optional>

#include "actors/engine/limits.hpp"
#include "http/edge/limits.hpp"
#include "http/text/json_writer.hpp"

namespace factory {

namespace {

tl::unexpected<error> unavailable() { return fail(errc::unavailable, "Anomaly detection service unavailable"); }

std::optional<severity> parse_severity(std::string_view text) {
  for (const severity level : {severity::medium, severity::high, severity::critical}) {
    if (to_text(level) == text) return level;
  }
  return std::nullopt;
}

bool read_anomaly(simdjson::dom::element item, analysed_reading& out) {
  std::string_view level_text;
  if (item["id"].get(out.time_us) || item["value"].get(out.value) || item["z_score"].get(out.z_score)) return false;
  if (item["severity"].get(level_text)) return false;
  const auto level = parse_severity(level_text);
  out.level = level.value_or(severity::medium);
  return level.has_value();
}

}  // namespace

std::string write_analyze_request(const reading_run& rows, double threshold) {
  json_writer out(96 * (rows.size() + 1));
  out.begin_object().key("readings").begin_array();
  for (std::size_t row = 0; row < rows.size(); ++row) {
    out.begin_object().member("id", rows.event_time_us[row]).member("value", rows.value[row]);
    out.time_member("timestamp", rows.event_time_us[row]).end_object();
  }
  out.end_array().member("threshold", threshold).end_object();
  return out.text();
}

expected<void> read_analyze_answer(const std::string& body, anomaly_report& out) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  simdjson::dom::array anomalies;
  if (parser.parse(body).get(root)) return unavailable();
  if (root["total_readings"].get(out.analyzed) || root["mean"].get(out.stats.mean)) return unavailable();
  if (root["std_dev"].get(out.stats.std_dev) || root["anomalies"].get(anomalies)) return unavailable();
  for (const simdjson::dom::element item : anomalies) {
    analysed_reading found{};
    if (!read_anomaly(item, found)) return unavailable();
    out.anomalies.push_back(found);
  }
  return {};
}

anomaly_client::anomaly_client(const anomaly_side& service) : token_(service.token) {
  if (auto place = parse_http_url(service.url)) place_ = std::move(*place);
}

expected<anomaly_report> anomaly_client::analyze(sensor_entry sensor, const reading_run& rows, double threshold) const {
  if (!place_) return unavailable();
  http_connection connection(*place_);
  const std::string body = write_analyze_request(rows, threshold);
  const auto answer = connection.ask({"POST", "/analyze", "application/json", body, token_},
                                     std::chrono::milliseconds(limits::query_deadline_ms), limits::body_bytes);
  if (!answer || answer->status != 200) {
    const std::string why = answer ? "status " + std::to_string(answer->status) : answer.error().reason;
    spdlog::warn("anomaly service http://{}: {}", place_->text(), why);
    return unavailable();
  }
  anomaly_report report;
  report.sensor = std::move(sensor);
  if (auto read = read_analyze_answer(answer->body, report); !read) return tl::unexpected(read.error());
  return report;
}

}  // namespace factory
