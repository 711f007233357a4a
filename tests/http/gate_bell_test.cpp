#include "http/gate/gate_bell.hpp"

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <unistd.h>

namespace factory {
namespace {

struct gate_bell_in_epoll : ::testing::Test {
  gate_bell_in_epoll() {
    epoll_event interest{};
    interest.events = EPOLLIN | EPOLLET;
    EXPECT_EQ(::epoll_ctl(epoll, EPOLL_CTL_ADD, bell.fd(), &interest), 0);
  }
  ~gate_bell_in_epoll() override { ::close(epoll); }
  bool is_heard() const {
    epoll_event event{};
    return ::epoll_wait(epoll, &event, 1, 0) == 1;
  }

  gate_bell bell;
  int epoll = ::epoll_create1(EPOLL_CLOEXEC);
};

TEST_F(gate_bell_in_epoll, is_heard_once_for_each_ring_that_was_listened_to) {
  EXPECT_FALSE(is_heard());
  for (int i = 0; i < 3; ++i) {
    bell.ring();
    EXPECT_TRUE(is_heard());
    EXPECT_FALSE(is_heard()) << "an edge, though nobody reads";
    bell.heard();
  }
}

TEST_F(gate_bell_in_epoll, rings_before_it_was_listened_to_are_one) {
  for (int i = 0; i < 3; ++i) bell.ring();
  EXPECT_TRUE(is_heard());
  bell.ring();
  EXPECT_FALSE(is_heard());
  bell.heard();
  bell.ring();
  EXPECT_TRUE(is_heard());
}

}  // namespace
}  // namespace factory
