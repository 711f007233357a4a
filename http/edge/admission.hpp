#pragma once

#include <cstdint>
#include <memory>

#include "http/edge/client_address.hpp"
#include "http/edge/message.hpp"
#include "http/edge/rate_limit.hpp"

namespace factory {

/// Who may ask how often, of a gateway.
struct admission_rules {
  address_list trusted_proxies;
  rate_rule per_address, per_token;
};

/// What a request passes between its head and its body: whose address it is from, the rate of that address, whether the caller may
/// (`check` says so in the request's entry), the rate of the token. The rate of the address comes first, so that guessing tokens is limited,
/// and a token's only counts what it was good for. Thread-safe.
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

/// Around a handler: RateLimit-Limit, RateLimit-Remaining and RateLimit-Reset of the limit that is nearest, and Retry-After on a 429.
http_handler with_rate_fields(http_handler inner);

}  // namespace factory
