#include "http/edge/idempotency.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

namespace factory {
namespace {

class idempotency : public testing::Test {
 protected:
  expected<http_response> once(std::string_view key, std::uint64_t digest, unsigned status = 201) {
    return memory_.once(key, digest, [&]() -> expected<http_response> {
      ++runs_;
      if (status >= 400) return fail(errc::overloaded, "later");
      return http_response{status, "application/json", "answer " + std::to_string(runs_)};
    });
  }
  idempotency_memory memory_{2};
  std::atomic<int> runs_{0};
};

TEST_F(idempotency, the_same_request_again_is_answered_as_the_first_and_not_done_again) {
  EXPECT_EQ(once("a", 1)->body, "answer 1");
  EXPECT_EQ(once("a", 1)->body, "answer 1");
  EXPECT_EQ(runs_, 1);
}

TEST_F(idempotency, another_request_under_a_used_key_is_refused) {
  once("a", 1);
  EXPECT_EQ(once("a", 2)->status, 422);
  EXPECT_EQ(runs_, 1);
}

TEST_F(idempotency, a_failure_is_forgotten) {
  EXPECT_FALSE(once("a", 1, 503));
  EXPECT_EQ(once("a", 1)->body, "answer 2");
}

TEST_F(idempotency, an_exception_is_passed_on_and_forgotten) {
  EXPECT_THROW(std::ignore = memory_.once("a", 1, []() -> expected<http_response> { throw std::runtime_error("x"); }),
               std::runtime_error);
  EXPECT_EQ(once("a", 1)->body, "answer 1");
}

TEST_F(idempotency, remembers_the_newest_keys_only) {
  once("a", 1);
  once("b", 1);
  once("c", 1);
  EXPECT_EQ(once("c", 1)->body, "answer 3");
  EXPECT_EQ(once("b", 1)->body, "answer 2");
  EXPECT_EQ(once("a", 1)->body, "answer 4");
}

TEST_F(idempotency, of_requests_at_the_same_time_one_is_done_and_all_get_its_answer) {
  std::vector<std::thread> clients;
  std::atomic<int> same{0};
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back([&] {
      if (once("a", 1)->body == "answer 1") ++same;
    });
  }
  for (auto& client : clients) client.join();
  EXPECT_EQ(runs_, 1);
  EXPECT_EQ(same, 8);
}

}  // namespace
}  // namespace factory
