#pragma once

#include <optional>
#include <string>
#include <vector>

#include "actors/ports/query_port.hpp"
#include "http/api/gateways.hpp"
#include "http/client/http_connection.hpp"
#include "pipelines/model/result.hpp"

namespace factory {

/// Client of an anomaly service over HTTP, which computes what the engine could compute itself. One connection per call; thread-safe.
class anomaly_client {
 public:
  /// Its `url` is "http://host:port"; with any other, each call fails.
  explicit anomaly_client(const anomaly_side& service);

  /// The report over `rows`; `unavailable` "Anomaly detection service unavailable" when the service cannot be reached, does not answer
  /// within its deadline, or answers something else.
  expected<anomaly_report> analyze(sensor_entry sensor, const reading_run& rows, double threshold) const;

 private:
  std::optional<http_place> place_;
  std::string token_;
};

// Request and answer bodies, without sockets.
std::string write_analyze_request(const reading_run& rows, double threshold);
/// Fills in the report from the answer; `unavailable` when it is not such an answer.
expected<void> read_analyze_answer(const std::string& body, anomaly_report& out);

}  // namespace factory
