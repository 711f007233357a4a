#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "actors/ports/ports.hpp"
#include "http/edge/admission.hpp"
#include "http/edge/limits.hpp"
#include "http/edge/request_id.hpp"
#include "http/notify/notifier.hpp"
#include "pipelines/model/result.hpp"

namespace factory {

struct gateway_config {
  std::string bind = "127.0.0.1";
  std::uint16_t port = 0;                    ///< 0 picks a free one
  unsigned threads = 4;                      ///< Pistache threads; more than cores, because a query may wait
  std::size_t connections = 0;               ///< 0 = limits::connections; one more is closed at once
  std::size_t connections_per_address = 0;   ///< 0 = limits::connections_per_address; likewise
  std::string cors_origins = {};             ///< whose pages may call; a list with commas, or "*"; empty = none
  std::int64_t drain_ms = limits::drain_ms;  ///< stop() waits so long for requests in flight
  admission_rules admit = {};                ///< rate limits and trusted proxies
  access_log log_access;                     ///< of each answer; empty = none
  notify_options notify = {};                ///< of the API's gateway: it sends the notifications
  bool always_token = false;                 ///< require a token even when none exists any more: others reach the address
};

/// One listening HTTP server. start() listens; stop() refuses new connections, lets requests in flight be answered, closes.
class gateway {
 public:
  virtual ~gateway() = default;
  virtual expected<void> start() = 0;
  virtual void stop() = 0;
  virtual std::uint16_t port() const = 0;
  /// Before this call, requests that need the engine get 503. `behind` must outlive stop().
  virtual void serve(ports& behind) = 0;
};

/// Where the API sends readings for analysis: null URL means this process.
struct anomaly_side {
  std::string url;    ///< "http://127.0.0.1:3001", or empty
  std::string token;  ///< that service's, when it asks for one
};

/// The REST API. Serves /health and a 503 /ready at once.
std::unique_ptr<gateway> make_api_gateway(const gateway_config& config, const anomaly_side& anomalies);
/// The anomaly service. With `standalone` it has no engine, hence no tokens: everything is answered to everybody, at once.
std::unique_ptr<gateway> make_anomaly_gateway(const gateway_config& config, bool standalone);

}  // namespace factory
