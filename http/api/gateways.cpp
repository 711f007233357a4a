#include "http/api/gateways.hpp"

#include <atomic>
#include <chrono>
#include <optional>
#include <utility>

#include "http/anomaly/anomaly_service.hpp"
#include "http/api/api.hpp"
#include "http/api/metrics_text.hpp"
#include "http/edge/access.hpp"
#include "http/edge/content_coding.hpp"
#include "http/edge/cors.hpp"
#include "http/edge/request_counters.hpp"
#include "http/gate/gate.hpp"
#include "http/gate/listener.hpp"

namespace factory {

namespace {

http_listener::options listener_options(const gateway_config& config, std::string name) {
  return {config.bind,     config.port,
          config.threads,  config.connections,
          std::move(name), config.connections_per_address,
          config.drain_ms, config.admit.trusted_proxies};
}

/// The layers between the gate and the calls of a gateway.
http_handler edge(http_handler calls, body_limit most_bytes, const gateway_config& config) {
  http_handler packed = with_content_coding(std::move(calls), std::move(most_bytes));
  http_handler admitted = [packed = std::move(packed)](const http_request& request) {
    return request.entry.refusal ? request.entry.refusal() : packed(request);
  };
  http_handler whole = with_cors(std::move(admitted), config.cors_origins);
  const bool limited = config.admit.per_address.on() || config.admit.per_token.on();
  return with_request_id(limited ? with_rate_fields(std::move(whole)) : std::move(whole), config.log_access);
}

gateway_figures counted(const http_listener& listener, const request_admission& admission) {
  return {listener.connections(), listener.refused_connections(), admission.refused_by_address(), admission.refused_by_token()};
}

class rest_gateway final : public gateway {
 public:
  rest_gateway(const gateway_config& config, const anomaly_side& anomalies)
      : notifications_(config.notify),
        api_(anomalies, notifications_, config.always_token, [this] { return counted(listener_, admission_); }),
        admission_(config.admit, [this](http_request& request) { api_.admit(request); }),
        rules_{edge([this](const http_request& request) { return api_.answer(request); }, limit(), config), limit(),
               [this](http_request& request) { admission_(request); }},
        listener_(listener_options(config, "api"), rules_) {}

  expected<void> start() override { return listener_.start(); }
  void stop() override {
    listener_.stop();
    notifications_.stop();
  }
  std::uint16_t port() const override { return listener_.port(); }
  void serve(ports& behind) override {
    notifications_.serve(behind);
    api_.serve(behind);
  }

 private:
  body_limit limit() {
    return [this](http_method method, std::string_view path) { return api_.body_bytes(method, path); };
  }

  // In this order, so that the listener's threads end before the objects that they call.
  notifier notifications_;
  rest_api api_;
  request_admission admission_;
  gate_rules rules_;
  http_listener listener_;
};

class anomaly_gateway final : public gateway {
 public:
  anomaly_gateway(const gateway_config& config, bool standalone)
      : standalone_(standalone),
        always_token_(config.always_token),
        service_(anomaly_service([this] { return metrics(); })),
        requests_(service_.routes().size()),
        admission_(config.admit, [this](http_request& request) { admit(request); }),
        rules_{edge([this](const http_request& request) { return answer(request); }, limit(), config), limit(),
               [this](http_request& request) { admission_(request); }},
        listener_(listener_options(config, "anomaly"), rules_) {}

  expected<void> start() override { return listener_.start(); }
  void stop() override { listener_.stop(); }
  std::uint16_t port() const override { return listener_.port(); }
  void serve(ports& behind) override { behind_.store(&behind, std::memory_order_release); }

 private:
  body_limit limit() {
    return [this](http_method method, std::string_view path) { return service_.body_bytes(method, path); };
  }

  /// Once tokens exist, every call except /health needs one.
  void admit(http_request& request) const {
    const std::size_t index = service_.route_of(request.method, request.path);
    if (standalone_ || index == router::no_route || service_.routes()[index].pattern == "/health") return;
    ports* const behind = behind_.load(std::memory_order_acquire);
    factory::admit(request, behind == nullptr ? tl::unexpected(access_denial{access_denial::reason::starting})
                                              : check_access(behind->tokens(), always_token_, request, access_scope::read));
  }

  http_response answer(const http_request& request) {
    const auto start = std::chrono::steady_clock::now();
    auto [response, index] = service_.answer(request);
    requests_.record(index, response.status, std::chrono::steady_clock::now() - start);
    return std::move(response);
  }

  http_response metrics() const {
    return metrics_answer(metrics_text(std::nullopt, counted(listener_, admission_), service_.routes(), requests_));
  }

  const bool standalone_, always_token_;
  std::atomic<ports*> behind_{nullptr};
  const router service_;
  request_counters requests_;
  request_admission admission_;
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
