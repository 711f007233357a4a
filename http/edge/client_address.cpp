#include "http/edge/client_address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <ranges>

#include "http/gate/gate_head.hpp"

namespace factory {

namespace {

constexpr ip_address v4_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::size_t v4_at = 12;

bool is_v4(const ip_address& address) { return std::equal(address.begin(), address.begin() + v4_at, v4_prefix.begin()); }

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") + 1 - first);
}

/// Cuts at `mark`, but not within quotes (RFC 9110, 5.6.4).
std::vector<std::string_view> split(std::string_view text, char mark) {
  std::vector<std::string_view> parts;
  bool quoted = false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == mark && !quoted) {
      parts.push_back(trimmed(text.substr(begin, i - begin)));
      begin = i + 1;
    }
  }
  parts.push_back(trimmed(text.substr(begin)));
  return parts;
}

/// An address with or without a port: 192.0.2.7, 192.0.2.7:80, 2001:db8::7, [2001:db8::7], [2001:db8::7]:80.
std::optional<ip_address> parse_node(std::string_view node) {
  if (node.starts_with('[')) {
    const std::size_t end = node.find(']');
    const std::string_view behind = end == std::string_view::npos ? "?" : node.substr(end + 1);
    if (!behind.empty() && behind.front() != ':') return {};
    return parse_address(node.substr(1, end - 1));
  }
  if (std::ranges::count(node, ':') == 1) node = node.substr(0, node.find(':'));
  return parse_address(node);
}

/// for="[2001:db8::7]:80" of one element of Forwarded; "" when the element names none.
std::string_view forwarded_for(std::string_view element) {
  for (std::string_view pair : split(element, ';')) {
    if (pair.size() < 4 || !same_text(pair.substr(0, 4), "for=")) continue;
    pair.remove_prefix(4);
    if (pair.size() >= 2 && pair.front() == '"' && pair.back() == '"') pair = pair.substr(1, pair.size() - 2);
    return pair;
  }
  return {};
}

/// Walks the hops from the nearest one back; the nearest is last in `hops`.
ip_address walk(const address_list& proxies, ip_address from, const std::vector<std::string_view>& hops) {
  for (const std::string_view hop : std::views::reverse(hops)) {
    if (!proxies.contains(from)) break;
    const auto named = parse_node(hop);
    if (!named) break;
    from = *named;
  }
  return from;
}

}  // namespace

std::optional<ip_address> parse_address(std::string_view text) {
  const std::string terminated(text.substr(0, INET6_ADDRSTRLEN));
  ip_address address = v4_prefix;
  if (inet_pton(AF_INET, terminated.c_str(), &address[v4_at]) == 1) return address;
  if (inet_pton(AF_INET6, terminated.c_str(), address.data()) == 1) return address;
  return {};
}

std::string to_text(const ip_address& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  is_v4(address) ? inet_ntop(AF_INET, &address[v4_at], text.data(), text.size())
                 : inet_ntop(AF_INET6, address.data(), text.data(), text.size());
  return text.data();
}

expected<address_list> address_list::parse(std::string_view text) {
  address_list list;
  if (trimmed(text).empty()) return list;
  for (const std::string_view part : split(text, ',')) {
    const std::size_t slash = std::min(part.find('/'), part.size());
    const auto address = parse_address(part.substr(0, slash));
    const unsigned most = address && is_v4(*address) ? 32 : 128;
    unsigned bits = most;
    const std::string_view given = part.substr(std::min(slash + 1, part.size()));
    const auto [end, failed] = std::from_chars(given.data(), given.data() + given.size(), bits);
    const bool good = slash == part.size() || (failed == std::errc{} && end == given.data() + given.size() && bits <= most);
    if (!address || !good)
      return fail(errc::invalid, "'" + std::string(part) + "' is no address or network; write 10.0.0.7 or 10.0.0.0/8");
    list.networks_.push_back({*address, bits + 128 - most});
  }
  return list;
}

bool address_list::contains(const ip_address& address) const {
  return std::ranges::any_of(networks_, [&](const network& each) {
    const std::size_t whole = each.prefix_bits / 8;
    const unsigned rest = each.prefix_bits % 8, mask = 0xFFU & (0xFF00U >> rest);
    return std::equal(address.begin(), address.begin() + whole, each.address.begin()) &&
           (rest == 0 || ((address[whole] ^ each.address[whole]) & mask) == 0);
  });
}

bool address_list::contains(std::string_view text) const {
  if (empty()) return false;
  const auto address = parse_address(text);
  return address && contains(*address);
}

std::string client_address(const address_list& proxies, const http_request& request) {
  const auto peer = parse_address(request.client);
  if (!peer || !proxies.contains(*peer)) return request.client;
  const std::string plain = request.header_list("X-Forwarded-For"), standard = request.header_list("Forwarded");
  std::vector<std::string_view> named = split(standard, ',');
  std::ranges::transform(named, named.begin(), forwarded_for);
  const ip_address by_plain = walk(proxies, *peer, split(plain, ',')), by_standard = walk(proxies, *peer, named);
  if (standard.empty()) return to_text(by_plain);
  if (plain.empty() || by_plain == by_standard) return to_text(by_standard);
  return request.client;
}

std::string rate_client(std::string_view address) {
  constexpr std::size_t network_bytes = 8;
  if (address.find(':') == std::string_view::npos) return std::string(address);
  const auto parsed = parse_address(address);
  return parsed ? std::string(parsed->begin(), parsed->begin() + network_bytes) : std::string(address);
}

}  // namespace factory
