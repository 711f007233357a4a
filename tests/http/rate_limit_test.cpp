#include "http/edge/rate_limit.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace factory {
namespace {

constexpr std::int64_t ms = 1'000'000, s = 1'000 * ms;

/// Requests at these times, and the answer to each.
struct step {
  std::int64_t at_ns;
  bool allowed;
  std::int64_t remaining, reset_s, retry_s;
};
struct rate_case {
  const char* name;
  rate_rule rule;
  std::vector<step> steps;
};

TEST(rate_limit, follows_the_table) {
  const std::vector<rate_case> table{
      {"a burst, then one each tenth of a second",
       {10, 3},
       {{5 * s, true, 2, 1, 0},
        {5 * s, true, 1, 1, 0},
        {5 * s, true, 0, 1, 1},
        {5 * s, false, 0, 1, 1},
        {5 * s + 99 * ms, false, 0, 1, 1},
        {5 * s + 100 * ms, true, 0, 1, 1},
        {5 * s + 150 * ms, false, 0, 1, 1},
        {9 * s, true, 2, 1, 0}}},
      {"a refused request costs nothing",
       {1, 1},
       {{s, true, 0, 1, 1}, {s, false, 0, 1, 1}, {s + s / 2, false, 0, 1, 1}, {2 * s, true, 0, 1, 1}}},
      {"without a burst, a second's worth at once", {2, 0}, {{s, true, 1, 1, 0}, {s, true, 0, 1, 1}, {s, false, 0, 1, 1}}},
      {"a pause gives no more than the burst",
       {1, 2},
       {{s, true, 1, 1, 0}, {900 * s, true, 1, 1, 0}, {900 * s, true, 0, 2, 1}, {900 * s, false, 0, 2, 1}}},
      {"steady at the rate is never refused",
       {4, 1},
       {{s, true, 0, 1, 1}, {s + 250 * ms, true, 0, 1, 1}, {s + 500 * ms, true, 0, 1, 1}}},
      {"the largest rule does not overflow",
       {1, limits::request_rate},
       {{limits::request_rate * s, true, limits::request_rate - 1, 1, 0}}},
      {"a slow one says how long to wait", {1, 5}, {{s, true, 4, 1, 0}, {s, true, 3, 2, 0}, {s, true, 2, 3, 0}}},
  };
  for (const rate_case& c : table) {
    std::int64_t full_at_ns = 0;
    for (std::size_t i = 0; i < c.steps.size(); ++i) {
      SCOPED_TRACE(std::string(c.name) + ", request " + std::to_string(i));
      const rate_quota quota = take_request(c.rule, full_at_ns, c.steps[i].at_ns);
      EXPECT_EQ(quota.limit, c.rule.most());
      EXPECT_EQ(quota.allowed, c.steps[i].allowed);
      EXPECT_EQ(quota.remaining, c.steps[i].remaining);
      EXPECT_EQ(quota.reset_s, c.steps[i].reset_s);
      EXPECT_EQ(quota.retry_s, c.steps[i].retry_s);
    }
  }
}

TEST(rate_limit, clients_do_not_share_a_quota) {
  rate_table table({1, 1});
  EXPECT_TRUE(table.take("192.0.2.1", s).allowed);
  EXPECT_FALSE(table.take("192.0.2.1", s).allowed);
  EXPECT_TRUE(table.take("192.0.2.2", s).allowed);
  EXPECT_EQ(table.refused(), 1U);
}

TEST(rate_limit, in_a_full_table_the_one_nearest_to_its_whole_quota_is_forgotten_and_nobody_refused) {
  rate_table table({1, 10}, 8);  // one set of buckets
  for (int client = 0; client < 8; ++client) {
    for (int i = 0; i <= client; ++i) EXPECT_TRUE(table.take(std::to_string(client), s).allowed);
  }
  EXPECT_EQ(table.take("new", s).remaining, 9);
  for (int client = 1; client < 8; ++client) EXPECT_EQ(table.take(std::to_string(client), s).remaining, 8 - client) << client;
  EXPECT_EQ(table.take("0", s).remaining, 9) << "began anew";
}

TEST(rate_limit, threads_together_get_what_one_would) {
  rate_table table({1, 1'000});
  std::atomic<int> taken{0};
  {
    std::vector<std::jthread> threads;
    table.take("a", s);  // its bucket is there
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 1'000; ++i) taken += table.take("a", s).allowed ? 1 : 0;
      });
    }
  }
  EXPECT_EQ(taken, 999);
  EXPECT_EQ(table.refused(), 4'000U - 999U);
}

}  // namespace
}  // namespace factory
