#include "http/api/anomaly_client.hpp"

#include <simdjson.h>
#include <spdlog/spdlog.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <optional>

#include "actors/engine/limits.hpp"
#include "http/edge/limits.hpp"
#include "http/text/json_writer.hpp"

namespace factory {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

tl::unexpected<error> unavailable() { return fail(errc::unavailable, "Anomaly detection service unavailable"); }

/// One POST and its answer: a chain of asynchronous steps under one deadline, run to its end on the caller's thread.
class exchange {
 public:
  exchange(const std::string& host, const std::string& port, const std::string& token, std::string body)
      : host_(host), port_(port) {
    request_.method(http::verb::post);
    request_.target("/analyze");
    request_.set(http::field::host, host + ":" + port);
    request_.set(http::field::content_type, "application/json");
    if (!token.empty()) request_.set(http::field::authorization, "Bearer " + token);
    request_.keep_alive(false);
    request_.body() = std::move(body);
    request_.prepare_payload();
    answer_.body_limit(limits::body_bytes);
  }

  /// The body of a 200, or why there is none.
  tl::expected<std::string, std::string> run() {
    stream_.expires_after(std::chrono::milliseconds(limits::query_deadline_ms));
    resolver_.async_resolve(host_, port_,
                            [this](error_code failed, const auto& found) { failed ? end(failed) : connect(found); });
    // The deadline of the stream does not cover the name look-up; this one covers all.
    io_.run_for(std::chrono::milliseconds(limits::query_deadline_ms));
    if (!ended_) return tl::unexpected(std::string("no answer in time"));
    if (failed_) return tl::unexpected(failed_.message());
    if (answer_.get().result() != http::status::ok) return tl::unexpected("status " + std::to_string(answer_.get().result_int()));
    return std::move(answer_.get().body());
  }

 private:
  void connect(const asio::ip::tcp::resolver::results_type& found) {
    stream_.async_connect(found, [this](error_code failed, const auto&) { failed ? end(failed) : write(); });
  }
  void write() {
    http::async_write(stream_, request_, [this](error_code failed, std::size_t) { failed ? end(failed) : read(); });
  }
  void read() {
    http::async_read(stream_, buffer_, answer_, [this](error_code failed, std::size_t) { end(failed); });
  }
  void end(error_code failed) {
    failed_ = failed;
    ended_ = true;
  }

  std::string host_, port_;
  asio::io_context io_{1};
  asio::ip::tcp::resolver resolver_{io_};
  beast::tcp_stream stream_{io_};
  http::request<http::string_body> request_;
  beast::flat_buffer buffer_;
  http::response_parser<http::string_body> answer_;
  error_code failed_;
  bool ended_ = false;
};

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
  constexpr std::string_view scheme = "http://";
  std::string_view rest = service.url;
  if (!rest.starts_with(scheme)) return;
  rest.remove_prefix(scheme.size());
  if (rest.ends_with('/')) rest.remove_suffix(1);
  const std::size_t colon = rest.rfind(':');
  host_ = rest.substr(0, colon);
  port_ = colon == std::string_view::npos ? "80" : rest.substr(colon + 1);
}

expected<anomaly_report> anomaly_client::analyze(sensor_entry sensor, const reading_run& rows, double threshold) const {
  if (host_.empty()) return unavailable();
  auto answer = exchange(host_, port_, token_, write_analyze_request(rows, threshold)).run();
  if (!answer) {
    spdlog::warn("anomaly service http://{}:{}: {}", host_, port_, answer.error());
    return unavailable();
  }
  anomaly_report report;
  report.sensor = std::move(sensor);
  if (auto read = read_analyze_answer(*answer, report); !read) return tl::unexpected(read.error());
  return report;
}

}  // namespace factory
