// The notifier over a real engine and a real receiver, in this process.
#include "http/notify/notifier.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <chrono>
#include <filesystem>

#include "http/support/receiver.hpp"
#include "support/await.hpp"

namespace factory {
namespace {

using test::await;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

std::int64_t now_us() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

struct notifier_of_an_engine : ::testing::Test {
  std::filesystem::path directory =
      std::filesystem::path(::testing::TempDir()) / ("notifier-" + std::to_string(::getpid()) + "-" + std::to_string(now_us()));
  test::receiver shift;
  std::unique_ptr<engine> behind;
  std::unique_ptr<notifier> tells;
  std::int64_t next_us = now_us() - 5'000'000;

  void open(notify_options how = {}) {
    how.allow_private = true;
    engine_config config;
    config.data_dir = directory;
    behind = std::move(*engine::open(config));
    tells = std::make_unique<notifier>(how);
    tells->serve(*behind);
  }
  void close() {
    tells.reset();
    behind.reset();
  }
  ~notifier_of_an_engine() override {
    close();
    std::filesystem::remove_all(directory);
  }
  /// Sensor 1 with a rule above 90 that tells channel 1.
  void make_plant() {
    ASSERT_TRUE(behind->create(std::vector<factory_entry>{{.name = "Works", .location = ""}}));
    ASSERT_TRUE(behind->create(std::vector<machine_entry>{{.factory = 1, .name = "Press", .type = ""}}));
    ASSERT_TRUE(behind->create(std::vector<sensor_entry>{{.machine = 1, .name = "Bearing", .unit = "C", .thresholds = {}}}));
    channel_entry channel;
    channel.name = "shift";
    channel.url = shift.url();
    ASSERT_TRUE(behind->create(std::vector{channel}));
    alert_rule rule;
    rule.sensor = 1;
    rule.name = "hot";
    rule.high = 90;
    rule.routing.channels = {1};
    ASSERT_TRUE(behind->create(std::vector{rule}));
  }
  void post(double value, std::int64_t step_us = 1'000) {
    next_us += step_us;
    ASSERT_TRUE(behind->ingest(reading_batch{{next_us}, {value}, {{1, 0, 1}}}, durability::fsync));
  }
  std::vector<std::string> told() const {
    std::vector<std::string> out;
    for (const auto& id : shift.accepted()) out.push_back(id.substr(id.find(':') + 1));
    return out;
  }
};

TEST_F(notifier_of_an_engine, an_alert_that_comes_and_goes_is_said_to_chatter_and_told_again_when_it_is_quiet) {
  open({.chatter_window_us = 1'000'000});
  make_plant();
  for (int i = 0; i < 10; ++i) post(i % 2 == 0 ? 95 : 50);
  post(95);
  await([&] { return told().size() == 4; }, "the end of the chatter");
  EXPECT_THAT(told(), UnorderedElementsAre("alert_raised:0", "alert_cleared:0", "chattering", "calm"));
  EXPECT_EQ(told().back(), "calm");
  EXPECT_THAT(shift.requests().back().body, HasSubstr(R"("active":true)"));
  EXPECT_THAT(shift.requests().back().body, HasSubstr("9 changes were held back"));
}

TEST_F(notifier_of_an_engine, a_chatter_goes_on_over_a_restart) {
  open({.chatter_window_us = 1'500'000});
  make_plant();
  for (int i = 0; i < 4; ++i) post(i % 2 == 0 ? 95 : 50);
  await([&] { return told().size() == 3; }, "the chatter");
  close();
  open({.chatter_window_us = 1'500'000});
  await([&] { return told().size() == 4; }, "the end of the chatter");
  EXPECT_EQ(told().back(), "calm");
  EXPECT_THAT(shift.requests().back().body, HasSubstr(R"("active":false)"));
}

TEST_F(notifier_of_an_engine, history_is_told_to_nobody) {
  open();
  make_plant();
  next_us -= 100 * 3'600'000'000LL;
  post(95);
  post(50);
  await([&] { return tells->count().history == 1; }, "the old alert to be seen");
  next_us = now_us();
  post(95);
  await([&] { return told().size() == 1; }, "the new one");
  EXPECT_EQ(tells->count().told_alerts, 1U);
}

TEST_F(notifier_of_an_engine, what_was_found_while_nobody_told_is_told_at_the_next_start) {
  open();
  make_plant();
  await([&] { return tells->count().lag_events == 0; }, "the notifier");
  tells.reset();
  post(95);
  ASSERT_TRUE(behind->settle(60'000));
  behind.reset();
  open();
  await([&] { return told().size() == 1; }, "the alert");
}

}  // namespace
}  // namespace factory
