#include "http/gateways.hpp"

#include <utility>

#include "http/anomaly_service.hpp"
#include "http/api.hpp"
#include "http/content_coding.hpp"
#include "http/cors.hpp"
#include "http/gate.hpp"
#include "http/listener.hpp"

namespace factory {

namespace {

http_listener::options listener_options(const gateway_config& config, std::string name) {
  return {config.bind,    config.port, config.threads, config.connections, std::move(name), config.connections_per_address,
          config.drain_ms};
}

/// What stands between the gate and the calls of a gateway.
http_handler edge(http_handler calls, body_limit most_bytes, const gateway_config& config) {
  http_handler packed = with_content_coding(std::move(calls), std::move(most_bytes));
  return with_request_id(with_cors(std::move(packed), config.cors_origins), config.log_access);
}

class rest_gateway final : public api_gateway {
 public:
  rest_gateway(const gateway_config& config, const anomaly_side& anomalies)
      : api_(anomalies),
        rules_{edge([this](const http_request& request) { return api_.answer(request); }, limit(), config), limit()},
        listener_(listener_options(config, "api"), rules_) {}

  expected<void> start() override { return listener_.start(); }
  void stop() override { listener_.stop(); }
  std::uint16_t port() const override { return listener_.port(); }
  void serve(engine& behind) override { api_.serve(behind); }

 private:
  body_limit limit() {
    return [this](http_method method, std::string_view path) { return api_.body_bytes(method, path); };
  }

  // In this order: the listener's threads end before what they call.
  rest_api api_;
  gate_rules rules_;
  http_listener listener_;
};

class anomaly_gateway final : public gateway {
 public:
  explicit anomaly_gateway(const gateway_config& config)
      : service_(anomaly_service()),
        rules_{edge([this](const http_request& request) { return service_(request); }, limit(), config), limit()},
        listener_(listener_options(config, "anomaly"), rules_) {}

  expected<void> start() override { return listener_.start(); }
  void stop() override { listener_.stop(); }
  std::uint16_t port() const override { return listener_.port(); }

 private:
  body_limit limit() {
    return [this](http_method method, std::string_view path) { return service_.body_bytes(method, path); };
  }

  const router service_;
  gate_rules rules_;
  http_listener listener_;
};

}  // namespace

std::unique_ptr<api_gateway> make_api_gateway(const gateway_config& config, const anomaly_side& anomalies) {
  return std::make_unique<rest_gateway>(config, anomalies);
}

std::unique_ptr<gateway> make_anomaly_gateway(const gateway_config& config) { return std::make_unique<anomaly_gateway>(config); }

}  // namespace factory
