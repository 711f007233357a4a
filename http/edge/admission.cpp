#include "http/edge/admission.hpp"

#include <chrono>
#include <string>
#include <utility>

#include "http/edge/problem.hpp"
#include "storage/admin/token_store.hpp"

namespace factory {

namespace {

std::unique_ptr<rate_table> table_of(const rate_rule& rule) { return rule.on() ? std::make_unique<rate_table>(rule) : nullptr; }

/// Counts the request; false when it is one too many.
bool count(rate_table& table, std::string_view client, http_request& request) {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  const rate_quota quota = table.take(client, std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
  auto& nearest = request.entry.quota;
  if (!nearest || !quota.allowed || quota.remaining < nearest->remaining) nearest = quota;
  if (quota.allowed) return true;
  request.entry.refusal = [] { return problem(429, "Too many requests: wait as many seconds as Retry-After says"); };
  return false;
}

}  // namespace

request_admission::request_admission(const admission_rules& rules, admission check)
    : trusted_proxies_(rules.trusted_proxies),
      by_address_(table_of(rules.per_address)),
      by_token_(table_of(rules.per_token)),
      check_(std::move(check)) {}

void request_admission::operator()(http_request& request) {
  if (!trusted_proxies_.empty()) request.client = client_address(trusted_proxies_, request);
  if (by_address_ && !count(*by_address_, rate_client(request.client), request)) return;
  check_(request);
  if (by_token_ && request.entry.token) count(*by_token_, std::to_string(request.entry.token->id), request);
}

http_handler with_rate_fields(http_handler inner) {
  return [inner = std::move(inner)](const http_request& request) {
    http_response answer = inner(request);
    if (!request.entry.quota) return answer;
    return when_complete(std::move(answer), [quota = *request.entry.quota](http_response& whole) {
      whole.headers.emplace_back("RateLimit-Limit", std::to_string(quota.limit));
      whole.headers.emplace_back("RateLimit-Remaining", std::to_string(quota.remaining));
      whole.headers.emplace_back("RateLimit-Reset", std::to_string(quota.reset_s));
      if (!quota.allowed) whole.headers.emplace_back("Retry-After", std::to_string(quota.retry_s));
    });
  };
}

}  // namespace factory
