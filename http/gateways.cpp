#include "http/gateways.hpp"

#include <atomic>
#include <optional>
#include <utility>

#include "http/access.hpp"
#include "http/anomaly_service.hpp"
#include "http/api.hpp"
#include "http/content_coding.hpp"
#include "http/cors.hpp"
#include "http/gate.hpp"
#include "http/listener.hpp"
#include "http/problem.hpp"

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

class rest_gateway final : public gateway {
 public:
  rest_gateway(const gateway_config& config, const anomaly_side& anomalies)
      : api_(anomalies, config.always_token),
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
  anomaly_gateway(const gateway_config& config, bool standalone)
      : always_token_(config.always_token),
        service_(anomaly_service(
            [this, standalone](const http_request& request) { return standalone ? std::nullopt : refuse(request); })),
        rules_{edge([this](const http_request& request) { return service_(request); }, limit(), config), limit()},
        listener_(listener_options(config, "anomaly"), rules_) {}

  expected<void> start() override { return listener_.start(); }
  void stop() override { listener_.stop(); }
  std::uint16_t port() const override { return listener_.port(); }
  void serve(engine& behind) override { behind_.store(&behind, std::memory_order_release); }

 private:
  body_limit limit() {
    return [this](http_method method, std::string_view path) { return service_.body_bytes(method, path); };
  }

  std::optional<http_response> refuse(const http_request& request) const {
    engine* const behind = behind_.load(std::memory_order_acquire);
    if (behind == nullptr) return problem(503, "Starting: stored readings are being recovered");
    const auto who = check_access(behind->tokens(), always_token_, request, access_scope::read);
    return who ? std::nullopt : std::optional(who.error());
  }

  const bool always_token_;
  std::atomic<engine*> behind_{nullptr};
  const router service_;
  gate_rules rules_;
  http_listener listener_;
};

}  // namespace

std::unique_ptr<gateway> make_api_gateway(const gateway_config& config, const anomaly_side& anomalies) {
  return std::make_unique<rest_gateway>(config, anomalies);
}

std::unique_ptr<gateway> make_anomaly_gateway(const gateway_config& config, bool standalone) {
  return std::make_unique<anomaly_gateway>(config, standalone);
}

}  // namespace factory
