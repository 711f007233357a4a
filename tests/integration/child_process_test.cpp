#include "process/child_process.hpp"

#include <gtest/gtest.h>
#include <csignal>

namespace factory {
namespace {

using namespace std::chrono_literals;

TEST(child_process, gives_the_line_it_is_asked_for_and_the_exit_code) {
  auto child = child_process::start({"/bin/sh", "-c", "echo starting; echo ready api=7; exit 3"});
  ASSERT_TRUE(child) << child.error().message;
  EXPECT_EQ((*child)->wait_for_line("ready", 60s).value(), "ready api=7");
  EXPECT_EQ((*child)->wait(60s)->code, 3);
}

TEST(child_process, gives_the_first_line_with_a_text_anywhere_in_it) {
  auto child = child_process::start({"/bin/sh", "-c", "echo a checkpoint begins; echo checkpoint begins anew"});
  ASSERT_TRUE(child);
  EXPECT_EQ((*child)->wait_for_text("checkpoint begins", 60s).value(), "a checkpoint begins");
  EXPECT_EQ((*child)->wait_for_line("checkpoint begins", 60s).value(), "checkpoint begins anew");
}

TEST(child_process, says_what_a_program_printed_that_ended_too_early) {
  auto child = child_process::start({"/bin/sh", "-c", "echo no such disk >&2"});
  ASSERT_TRUE(child);
  const auto line = (*child)->wait_for_line("ready", 60s);
  ASSERT_FALSE(line);
  EXPECT_NE(line.error().message.find("no such disk"), std::string::npos);
}

TEST(child_process, is_not_blocked_by_output_that_nobody_asks_for) {
  auto child = child_process::start({"/bin/sh", "-c", "head -c 1000000 /dev/zero; exit 0"});
  ASSERT_TRUE(child);
  EXPECT_EQ((*child)->wait(60s)->code, 0);
}

TEST(child_process, reports_the_signal_that_ended_it) {
  auto child = child_process::start({"/bin/sh", "-c", "echo ready; exec sleep 600"});
  ASSERT_TRUE(child);
  ASSERT_TRUE((*child)->wait_for_line("ready", 60s));
  (*child)->signal(SIGKILL);
  EXPECT_EQ((*child)->wait(60s)->signal, SIGKILL);
}

TEST(child_process, is_given_environment_variables_in_place_of_ours) {
  auto child = child_process::start({"/bin/sh", "-c", "echo ready $HOME"}, {"HOME=/shop/floor"});
  ASSERT_TRUE(child);
  EXPECT_EQ((*child)->wait_for_line("ready", 60s).value(), "ready /shop/floor");
}

TEST(child_process, says_that_a_program_is_not_there) {
  const auto child = child_process::start({"/no/such/program"});
  ASSERT_FALSE(child);
  EXPECT_NE(child.error().message.find("/no/such/program"), std::string::npos);
}

}  // namespace
}  // namespace factory
