#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/edge/message.hpp"
#include "pipelines/model/result.hpp"

namespace factory {

/// The 16 bytes of an IPv6 address; one of IPv4 is ::ffff:a.b.c.d.
using ip_address = std::array<std::uint8_t, 16>;
std::optional<ip_address> parse_address(std::string_view text);
std::string to_text(const ip_address& address);  ///< "192.0.2.7" or "2001:db8::7"

/// Addresses and networks.
class address_list {
 public:
  /// "10.0.0.0/8, 127.0.0.1, 2001:db8::/32"; "" is an empty list. The error names the text that is no address.
  static expected<address_list> parse(std::string_view text);
  bool empty() const { return networks_.empty(); }
  bool contains(const ip_address& address) const;
  bool contains(std::string_view text) const;  ///< false for what is no address

 private:
  struct network {
    ip_address address;
    unsigned prefix_bits;
  };
  std::vector<network> networks_;
};

/// The client of a request that came from `request.client`. If that is one of `proxies`, the client is the last address in X-Forwarded-For
/// or Forwarded (RFC 7239); if this is one of `proxies` too, the address before it, and so on. Text that is no address stops the search at the
/// proxy that sent it. When both fields exist and disagree, the result is the proxy itself, because the client wrote one of them.
std::string client_address(const address_list& proxies, const http_request& request);

/// The unit that a rate limit counts as one client: an IPv4 address, or a /64 of IPv6, the smallest network that a client gets.
std::string rate_client(std::string_view address);

}  // namespace factory
