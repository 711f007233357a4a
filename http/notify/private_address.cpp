#include "http/notify/private_address.hpp"

#include <netinet/in.h>

#include <algorithm>
#include <cstring>

namespace factory {

namespace {

constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::array<std::uint8_t, 12> nat64{0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0};

ip_address from_v4(const std::uint8_t* bytes) {
  ip_address out{};
  std::ranges::copy(mapped, out.begin());
  std::copy(bytes, bytes + 4, out.begin() + 12);
  return out;
}

/// IANA's special-purpose registries of IPv4 and IPv6, but for what the whole internet routes.
const address_list& private_networks() {
  static const address_list all = *address_list::parse(
      "0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, 192.0.0.0/24, 192.168.0.0/16, "
      "198.18.0.0/15, 224.0.0.0/4, 240.0.0.0/4, ::/128, ::1/128, 64:ff9b:1::/48, 100::/64, fc00::/7, fe80::/10, fec0::/10, "
      "ff00::/8");
  return all;
}

}  // namespace

std::optional<ip_address> address_of(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address, sizeof v4);
    return from_v4(reinterpret_cast<const std::uint8_t*>(&v4.sin_addr));
  }
  if (address.sa_family != AF_INET6) return std::nullopt;
  sockaddr_in6 v6{};
  std::memcpy(&v6, &address, sizeof v6);
  ip_address out{};
  std::memcpy(out.data(), &v6.sin6_addr, out.size());
  return out;
}

bool is_private(const ip_address& address) {
  if (private_networks().contains(address)) return true;
  if (std::equal(nat64.begin(), nat64.end(), address.begin())) return private_networks().contains(from_v4(&address[12]));
  if (address[0] == 0x20 && address[1] == 0x02) return private_networks().contains(from_v4(&address[2]));  // 6to4
  return false;
}

}  // namespace factory
