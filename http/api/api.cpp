#include "http/api/api.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <utility>

#include "http/api/api_call.hpp"
#include "http/api/audit.hpp"
#include "http/api/metrics_text.hpp"
#include "http/api/openapi.hpp"
#include "http/edge/access.hpp"
#include "http/edge/limits.hpp"
#include "http/edge/problem.hpp"
#include "http/edge/query.hpp"
#include "http/edge/request_counters.hpp"
#include "http/notify/notifier.hpp"
#include "http/web/embedded.hpp"

namespace factory {

namespace {

http_response web_page() {
  http_response page{200, "text/html; charset=utf-8", std::string(index_page)};
  page.headers.emplace_back(
      "Content-Security-Policy",
      "default-src 'none'; connect-src 'self'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'");
  page.headers.emplace_back("Cache-Control", "no-cache");
  return page;
}

api_call without_engine(std::string pattern, std::string_view summary, plain_handler handler, std::string_view schema = {}) {
  api_call call;
  call.pattern = std::move(pattern);
  call.summary = summary;
  call.answer_schema = schema;
  call.without_engine = std::move(handler);
  return call;
}

/// Counts an answer in pieces while it is sent.
class counted_source final : public body_source {
 public:
  counted_source(std::shared_ptr<body_source> inner, request_counters& counters) : inner_(std::move(inner)), counters_(counters) {
    ++counters_.streams.begun;
  }
  counted_source(const counted_source&) = delete;
  counted_source& operator=(const counted_source&) = delete;
  ~counted_source() override {
    if (!whole_) ++counters_.streams.cut;
    --counters_.streams.open;
  }
  expected<bool> next(std::string& out) override {
    const expected<bool> more = inner_->next(out);
    whole_ = more && !*more;
    return more;
  }

 private:
  std::shared_ptr<body_source> inner_;
  request_counters& counters_;
  bool whole_ = false;
};

/// Refuses the answer when limits::streams are being sent.
void count_stream(http_response& answer, request_counters& counters) {
  if (counters.streams.open.fetch_add(1) >= limits::streams) {
    --counters.streams.open;
    answer = problem(error{errc::overloaded, "Too many exports are being read; try again when one has ended"});
  } else {
    answer.source = std::make_shared<counted_source>(std::move(answer.source), counters);
  }
}

}  // namespace

struct rest_api::impl {
  impl(const anomaly_side& anomalies, notifier& tells, bool with_token, gateway_counts counted)
      : always_token(with_token),
        notifications(tells),
        counts(std::move(counted)),
        calls(make_calls(anomalies)),
        routes(make_routes()),
        requests(calls.size()) {}

  http_response ready() const {
    const ports* engine = behind.load(std::memory_order_acquire);
    if (engine == nullptr) return problem(error{errc::unavailable, "Not ready: stored readings are being recovered"});
    if (const auto trouble = engine->trouble())
      return problem(error{errc::unavailable, "Not ready: " + public_sentence(*trouble)});
    return {200, "application/json", R"({"status":"ready"})"};
  }

  http_response metrics() const {
    const ports* engine = behind.load(std::memory_order_acquire);
    const auto figures = engine == nullptr ? std::nullopt : std::optional(engine->metrics());
    return metrics_answer(
        metrics_text(figures, counts ? counts() : gateway_figures{}, routes.routes(), requests, notifications.count()));
  }

  api_table make_calls(const anomaly_side& anomalies) {
    api_table table;
    add_ingest_calls(table);
    add_catalog_calls(table);
    add_reading_calls(table);
    add_stats_calls(table);
    add_aggregate_call(table);
    add_live_calls(table);
    add_health_calls(table);
    add_detection_calls(table);
    add_anomaly_calls(table, anomalies);
    add_event_calls(table);
    add_alert_calls(table);
    add_finding_calls(table);
    add_job_calls(table);
    add_pipeline_calls(table);
    add_backtest_calls(table);
    add_annotation_calls(table);
    add_correction_calls(table);
    add_spc_calls(table);
    add_admin_calls(table);
    add_token_calls(table);
    add_channel_calls(table, notifications);
    const auto alive = [] { return http_response{200, "application/json", R"({"status":"ok"})"}; };
    table.push_back(without_engine("/health", "That the process is alive", alive, "status"));
    table.push_back(without_engine(
        "/ready", "That readings are taken; 503 says why not", [this] { return ready(); }, "status"));
    table.push_back(without_engine("/metrics", "Figures of the process as Prometheus text", [this] { return metrics(); }));
    table.back().other_types = {"text/plain"};
    table.push_back(without_engine("/openapi.json", "This description", [this] {
      return http_response{200, "application/json", openapi_document(calls)};
    }));
    table.push_back(without_engine("/", "A live overview for people", web_page));
    table.back().other_types = {"text/html"};
    for (api_call& call : table) {
      if (call.without_engine && call.pattern != "/metrics") call.scope = access_scope::none;
    }
    return table;
  }

  router make_routes() {
    std::vector<route> table;
    for (const api_call& call : calls) {
      const auto run = [this, &call](const http_request& request, const path_argument& path) {
        return answer(call, request, path);
      };
      table.push_back({call.method, call.pattern, run, call.body_bytes, call.media_types});
    }
    return router(std::move(table));
  }

  tl::expected<caller, access_denial> who_asks(const api_call& call, const http_request& request) const {
    ports* engine = behind.load(std::memory_order_acquire);
    if (call.needs() == access_scope::none || (call.without_engine && engine == nullptr && !always_token)) return caller{};
    if (engine == nullptr) return tl::unexpected(access_denial{access_denial::reason::starting});
    return check_access(engine->tokens(), always_token, request, call.needs());
  }

  http_response answer(const api_call& call, const http_request& request, const path_argument& path) {
    const auto who = request.entry.checked ? caller{request.entry.token} : who_asks(call, request);
    if (!who) return who.error().answer();
    ports* engine = behind.load(std::memory_order_acquire);
    if (call.needs() == access_scope::none || engine == nullptr) return checked(call, engine, request, path);
    auto done =
        who->factory() == 0 ? checked(call, engine, request, path) : limited(call, *engine, request, path, who->factory());
    if (call.is_audited()) return audited(*engine, std::move(done), request, who->name());
    return done;
  }

  http_response checked(const api_call& call, ports* engine, const http_request& request, const path_argument& path) {
    if (const auto good = check_query(request, call.query); !good) return problem(good.error());
    if (call.without_engine) return call.without_engine();
    auto done = call.handler(*engine, request, path);
    return done ? std::move(*done) : problem(done.error());
  }

  /// For a token that reaches one factory.
  http_response limited(const api_call& call, ports& engine, const http_request& request, const path_argument& path,
                        factory_id factory) {
    if (call.limited == factory_limit::by_path) {
      if (!call.pattern.starts_with("/api/sensors/{id}"))
        return no_access("This call is not for a token that is limited to a factory");
      if (!sensors_of(engine, factory)->contains(path.id)) return problem(error{errc::not_found, "Sensor not found"});
    }
    http_request narrowed = request;
    narrowed.factory = factory;
    return checked(call, &engine, narrowed, path);
  }

  // In this order: the routes point into the calls.
  std::atomic<ports*> behind{nullptr};
  const bool always_token;
  notifier& notifications;
  const gateway_counts counts;
  const api_table calls;
  const router routes;
  request_counters requests;
};

rest_api::rest_api(const anomaly_side& anomalies, notifier& tells, bool always_token, gateway_counts counts)
    : impl_(std::make_unique<impl>(anomalies, tells, always_token, std::move(counts))) {}
rest_api::~rest_api() = default;

void rest_api::serve(ports& behind) { impl_->behind.store(&behind, std::memory_order_release); }

http_response rest_api::answer(const http_request& request) {
  const auto start = std::chrono::steady_clock::now();
  auto [response, route] = impl_->routes.answer(request);
  const bool head_only = request.method == http_method::head;
  return when_complete(std::move(response), [this, start, index = route, head_only](http_response& whole) {
    if (whole.source && !head_only) count_stream(whole, impl_->requests);
    impl_->requests.record(index, whole.status, std::chrono::steady_clock::now() - start);
  });
}

void rest_api::admit(http_request& request) const {
  const std::size_t index = impl_->routes.route_of(request.method, request.path);
  if (index == router::no_route) return;
  const bool serving = impl_->behind.load(std::memory_order_acquire) != nullptr;
  auto found = impl_->who_asks(impl_->calls[index], request);
  if (serving || !found) factory::admit(request, std::move(found));  // recovery admits these without a check, so check again
}

std::size_t rest_api::body_bytes(http_method method, std::string_view path) const {
  return impl_->routes.body_bytes(method, path);
}

}  // namespace factory
