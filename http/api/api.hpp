#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "actors/ports/ports.hpp"
#include "http/api/gateways.hpp"
#include "http/api/metrics_text.hpp"
#include "http/edge/message.hpp"

namespace factory {

class notifier;

/// The REST API (gateway 8080, docs/reference/api.md) as a function from request to response: no sockets, no threads of its own.
/// Until serve() it answers /health, /metrics, /openapi.json and `/`, and 503 to everything else. Thread-safe.
class rest_api {
 public:
  /// With `always_token` a call needs one even when none exists. `counts` are the gateway's, for /metrics.
  rest_api(const anomaly_side& anomalies, notifier& tells, bool always_token = false, gateway_counts counts = {});
  ~rest_api();
  /// From now on answers from `behind`, which must outlive the last call of answer().
  void serve(ports& behind);

  http_response answer(const http_request& request);
  /// For the gate: decides before the body comes whether the caller may do the request.
  void admit(http_request& request) const;
  /// Largest body of a route, for the gate.
  std::size_t body_bytes(http_method method, std::string_view path) const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace factory
