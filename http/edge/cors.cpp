#include "http/edge/cors.hpp"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace factory {

namespace {

std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> parts;
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    std::string part(list.substr(0, end));
    std::erase(part, ' ');
    if (!part.empty()) parts.push_back(std::move(part));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return parts;
}

void allow(http_response& answer, std::string_view origin) {
  answer.headers.emplace_back("Access-Control-Allow-Origin", origin);
  answer.headers.emplace_back(
      "Access-Control-Expose-Headers",
      "ETag, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, X-Next-Cursor, X-Request-Id");
  if (origin != "*") answer.headers.emplace_back("Vary", "Origin");
}

http_response preflight() {
  http_response answer{204, "", ""};
  answer.headers.emplace_back("Access-Control-Allow-Methods", "GET, HEAD, POST, PATCH, DELETE");
  answer.headers.emplace_back(
      "Access-Control-Allow-Headers",
      "Accept, Authorization, Content-Encoding, Content-Type, Idempotency-Key, If-None-Match, X-Request-Id");
  answer.headers.emplace_back("Access-Control-Max-Age", "600");
  return answer;
}

}  // namespace

http_handler with_cors(http_handler inner, const std::string& origins) {
  std::vector<std::string> allowed = split(origins);
  if (allowed.empty()) return inner;
  return [inner = std::move(inner), allowed = std::move(allowed)](const http_request& request) {
    const auto field = [&](std::string_view name) { return request.header ? request.header(name) : std::string_view(); };
    const std::string_view origin = field("Origin");
    const bool all = std::ranges::count(allowed, "*") > 0;
    if (origin.empty() || !(all || std::ranges::count(allowed, origin) > 0)) return inner(request);
    const bool asks = request.method == http_method::options && !field("Access-Control-Request-Method").empty();
    http_response answer = asks ? preflight() : inner(request);
    return when_complete(std::move(answer),
                         [told = all ? std::string("*") : std::string(origin)](http_response& whole) { allow(whole, told); });
  };
}

}  // namespace factory
