#pragma once

#include <cstdint>
#include <memory>

#include "http/edge/client_address.hpp"
#include "http/edge/message.hpp"
#include "http/edge/rate_limit.hpp"

namespace factory {

/// A gateway's rate limits and trusted proxies.
struct admission_rules {
  address_list trusted_proxies;
  rate_rule per_address, per_token;
};

/// The checks between a request's head and its body, in this order: client address, rate of that address, token and scope (`check`
/// writes its result into the request's entry), rate of the token. The rate of the address comes first, so guessing tokens is limited; the
/// rate of a token counts only requests that the token allows. Thread-safe.
class request_admission {
 public:
  request_admission(const admission_rules& rules, admission check);
  void operator()(http_request& request);

  std::uint64_t refused_by_address() const { return by_address_ ? by_address_->refused() : 0; }
  std::uint64_t refused_by_token() const { return by_token_ ? by_token_->refused() : 0; }

 private:
  const address_list trusted_proxies_;
  const std::unique_ptr<rate_table> by_address_, by_token_;  ///< null: no limit
  const admission check_;
};

/// Wraps a handler: adds RateLimit-Limit, -Remaining and -Reset of the nearest limit, and Retry-After on a 429.
http_handler with_rate_fields(http_handler inner);

}  // namespace factory
