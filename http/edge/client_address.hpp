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
  /// "10.0.0.0/8, 127.0.0.1, 2001:db8::/32"; "" is nobody. The error names what is no address.
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

/// Who sent the request that came from `request.client`. A proxy is believed when it is one of `proxies`: then it is whom the proxy names last in
/// X-Forwarded-For or Forwarded (RFC 7239), and if that is one of `proxies` too, whom that names, and so on. What is no address ends the way at
/// the proxy that said it. When both fields are there and do not name the same, the proxy itself is it: one of them is the client's own.
std::string client_address(const address_list& proxies, const http_request& request);

/// What a rate limit counts as one client: an IPv4 address, or the /64 of an IPv6 one, which is what a client is given.
std::string rate_client(std::string_view address);

}  // namespace factory
