#include "http/edge/client_address.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace factory {
namespace {

struct address_case {
  const char* name;
  std::string peer, forwarded_for, forwarded, client;
};

TEST(client_address, follows_the_table) {
  const std::vector<address_case> table{
      {"nobody said anything", "127.0.0.1", "", "", "127.0.0.1"},
      {"a stranger is not believed", "192.0.2.9", "203.0.113.5", "", "192.0.2.9"},
      {"nor in the standard's field", "192.0.2.9", "", "for=203.0.113.5", "192.0.2.9"},
      {"a proxy is", "127.0.0.1", "203.0.113.5", "", "203.0.113.5"},
      {"what the client claims stands to the left", "127.0.0.1", "10.0.0.1, 1.1.1.1, 203.0.113.5", "", "203.0.113.5"},
      {"over two proxies", "127.0.0.1", "1.1.1.1, 203.0.113.5, 10.9.8.7", "", "203.0.113.5"},
      {"proxies all the way", "127.0.0.1", "10.0.0.1, 10.9.8.7", "", "10.0.0.1"},
      {"what is no address ends at who said it", "127.0.0.1", "203.0.113.5, unknown", "", "127.0.0.1"},
      {"likewise further out", "127.0.0.1", "203.0.113.5, x, 10.9.8.7", "", "10.9.8.7"},
      {"an empty one", "127.0.0.1", "203.0.113.5,,", "", "127.0.0.1"},
      {"blanks", "127.0.0.1", "  203.0.113.5\t", "", "203.0.113.5"},
      {"a number is no address", "127.0.0.1", "1", "", "127.0.0.1"},
      {"markup", "127.0.0.1", "<script>", "", "127.0.0.1"},
      {"a long one", "127.0.0.1", std::string(10'000, '1'), "", "127.0.0.1"},
      {"many hops", "127.0.0.1", std::string(3'000, ',') + "203.0.113.5", "", "203.0.113.5"},
      {"with a port", "127.0.0.1", "203.0.113.5:4711", "", "203.0.113.5"},
      {"IPv6", "127.0.0.1", "2001:DB8:0::7", "", "2001:db8::7"},
      {"IPv6 with a port", "127.0.0.1", "[2001:db8::7]:4711", "", "2001:db8::7"},
      {"IPv6 half in brackets", "127.0.0.1", "[2001:db8::7", "", "127.0.0.1"},
      {"an IPv4 address as an IPv6 one", "127.0.0.1", "::ffff:203.0.113.5", "", "203.0.113.5"},
      {"the standard's field", "127.0.0.1", "", "for=1.1.1.1, for=203.0.113.5;proto=https;by=10.0.0.1", "203.0.113.5"},
      {"its quoted form", "127.0.0.1", "", "proto=https;For=\"[2001:db8::7]:4711\"", "2001:db8::7"},
      {"a comma in quotes", "127.0.0.1", "", "for=203.0.113.5;host=\"a,for=1.1.1.1\"", "203.0.113.5"},
      {"a quote that does not end", "127.0.0.1", "", "for=\"1.1.1.1, for=203.0.113.5", "127.0.0.1"},
      {"a hidden one", "127.0.0.1", "", "for=203.0.113.5, for=_hidden", "127.0.0.1"},
      {"without for", "127.0.0.1", "", "for=203.0.113.5, proto=https", "127.0.0.1"},
      {"both that agree", "127.0.0.1", "203.0.113.5", "for=203.0.113.5", "203.0.113.5"},
      {"both that do not: one is the client's own", "127.0.0.1", "203.0.113.5", "for=1.1.1.1", "127.0.0.1"},
  };
  const address_list proxies = address_list::parse("127.0.0.1, 10.0.0.0/8").value();
  for (const address_case& c : table) {
    http_request request;
    request.client = c.peer;
    request.header_list = [&](std::string_view name) { return name == "Forwarded" ? c.forwarded : c.forwarded_for; };
    EXPECT_EQ(client_address(proxies, request), c.client) << c.name;
  }
}

TEST(client_address, networks_hold_what_lies_in_them) {
  const address_list list = address_list::parse("10.0.0.0/8,192.0.2.7 , 2001:db8::/33,172.16.0.0/12").value();
  for (const char* in : {"10.255.255.255", "192.0.2.7", "2001:db8:7fff::1", "172.31.255.255", "::ffff:10.1.1.1"})
    EXPECT_TRUE(list.contains(in)) << in;
  for (const char* out : {"11.0.0.0", "192.0.2.8", "2001:db8:8000::1", "172.32.0.0", "", "x", "::1"})
    EXPECT_FALSE(list.contains(out)) << out;
  EXPECT_TRUE(address_list::parse("0.0.0.0/0").value().contains("203.0.113.5"));
  EXPECT_FALSE(address_list::parse("0.0.0.0/0").value().contains("2001:db8::1"));
  EXPECT_TRUE(address_list::parse(" ").value().empty());
}

TEST(client_address, what_is_no_network_is_named) {
  for (const char* bad :
       {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/x", "10.0.0.0/-1", "10.0.0", "localhost", "::1/129", "10.0.0.1,,"}) {
    const auto list = address_list::parse(bad);
    ASSERT_FALSE(list) << bad;
    EXPECT_EQ(list.error().code, errc::invalid);
  }
}

TEST(client_address, a_rate_counts_an_ipv6_network_as_one_client) {
  EXPECT_EQ(rate_client("2001:db8:0:1::7"), rate_client("2001:db8:0:1:ffff::1"));
  EXPECT_NE(rate_client("2001:db8:0:1::7"), rate_client("2001:db8:0:2::7"));
  EXPECT_EQ(rate_client("192.0.2.7"), "192.0.2.7");
}

}  // namespace
}  // namespace factory
