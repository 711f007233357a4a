#pragma once

#include <sys/socket.h>

#include <optional>

#include "http/edge/client_address.hpp"

namespace factory {

/// The address in a socket address of IPv4 or IPv6; nullopt for other families.
std::optional<ip_address> address_of(const sockaddr& address);

/// Whether a notification must not go there unless somebody allows it: this machine, private and link-local networks, addresses that
/// are nobody's, multicast; also such an IPv4 address inside one of NAT64 or 6to4.
bool is_private(const ip_address& address);

}  // namespace factory
