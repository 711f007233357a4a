// The notifier over a real engine and a real receiver, in this process.
#include "http/notify/notifier.hpp"
#include "actors/engine/engine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "http/support/receiver.hpp"
#include "storage/base/database.hpp"
#include "storage/notify/notify_store.hpp"
#include "support/await.hpp"

namespace factory {
namespace {

using test::await;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
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
    channel.group_every_us = 0;
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
  /// A channel that hears what the sensors say by themselves.
  void listen(test::receiver& by, std::string name_pattern) {
    channel_entry channel;
    channel.name = "listens to " + name_pattern;
    channel.url = by.url();
    channel.group_every_us = 0;
    channel.sensors.emplace().name = std::move(name_pattern);
    ASSERT_TRUE(behind->create(std::vector{channel}));
  }
  /// "Ada" has seen the only alert that is told.
  void acknowledge() {
    const auto id = shift.accepted().at(0);
    event_key alert;
    ASSERT_TRUE(parse_finding_id(id.substr(0, id.find(':')), alert));
    alert.kind = event_kind::alert_raised;
    ASSERT_TRUE(behind->acknowledge(alert, "Ada", "valve is open"));
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
  shift.await([&] { return told().size() == 4; }, "the end of the chatter");
  EXPECT_THAT(told(), UnorderedElementsAre("alert_raised:0", "alert_cleared:0", "chattering", "calm"));
  EXPECT_EQ(told().back(), "calm");
  EXPECT_THAT(shift.requests().back().body, HasSubstr(R"("active":true)"));
  EXPECT_THAT(shift.requests().back().body, HasSubstr("9 changes were held back"));
}

TEST_F(notifier_of_an_engine, an_alert_whose_escalation_is_taken_back_stands) {
  open();
  make_plant();
  post(91);
  post(95, 2'000);
  shift.await([&] { return told().size() == 2; }, "the escalation");
  post(99, -1'000);  // late: it was worse before
  shift.await([&] { return told().size() == 4; }, "another escalation");
  for (const auto& each : shift.requests()) EXPECT_THAT(each.body, HasSubstr(R"("active":true)"));
}

TEST_F(notifier_of_an_engine, in_a_flood_the_end_of_a_chatter_goes_into_a_digest) {
  open({.chatter_window_us = 3'000'000});
  make_plant();
  channel_entry channel = *behind->entities().find_channel(1);
  channel.digest_every_us = 100'000;
  ASSERT_TRUE(behind->update(channel));
  for (int i = 0; i < 25; ++i) post(i % 2 == 0 ? 95 : 50);
  const auto is_digest = [](const std::string& id) { return id.starts_with("digest:"); };
  shift.await([&] { return std::ranges::any_of(shift.accepted(), is_digest); }, "the digest");
  EXPECT_THAT(shift.requests().back().body, HasSubstr("quiet and active"));
  EXPECT_THAT(told(), Not(Contains("calm")));
}

TEST_F(notifier_of_an_engine, limits_of_sensors_and_rules_that_name_nobody_are_told_to_the_channels_that_listen) {
  open();
  make_plant();
  test::receiver listener, other;
  listen(listener, "Bear*");
  listen(other, "Motor*");
  sensor_entry sensor = *behind->entities().find_sensor(1);
  sensor.thresholds.max = 80;
  ASSERT_TRUE(behind->update(sensor));
  alert_rule nobody;
  nobody.sensor = 1;
  nobody.name = "warm";
  nobody.high = 70;
  ASSERT_TRUE(behind->create(std::vector{nobody}));
  post(95);
  listener.await([&] { return listener.accepted().size() == 2; }, "the alerts that name nobody");
  shift.await([&] { return told().size() == 1; }, "the alert");
  std::vector<std::string> sources;
  for (const auto& each : listener.requests()) {
    const bool of_limit = each.body.find(R"("source":"max_threshold")") != std::string::npos;
    EXPECT_THAT(each.body, HasSubstr(of_limit ? R"("rule":null)" : R"("rule":{"id":2,"name":"warm"})"));
    if (of_limit) {
      EXPECT_THAT(each.body, HasSubstr(R"(high raised: Bearing on Press (Works): above maximum, 95 C)"));
    }
    sources.push_back(of_limit ? "limit" : "rule");
  }
  EXPECT_THAT(sources, UnorderedElementsAre("limit", "rule"));
  post(200);  // the limit is passed by more than a fifth: critical
  post(50);
  const auto has = [](const test::receiver& at, const std::string& part) {
    return std::ranges::any_of(at.accepted(), [&](const std::string& id) { return id.find(part) != std::string::npos; });
  };
  listener.await([&] { return has(listener, "max_threshold-0:alert_escalated"); }, "its being worse");
  listener.await([&] { return has(listener, "max_threshold-0:alert_cleared") && has(listener, "rule-2:alert_cleared"); },
                 "the ends");
  shift.await([&] { return has(shift, "rule-1:alert_cleared"); }, "the end");
  EXPECT_EQ(other.count(), 0U);
}

TEST_F(notifier_of_an_engine, whoever_was_told_hears_that_an_alert_is_acknowledged_after_its_end) {
  open();
  make_plant();
  post(95);
  post(50);
  shift.await([&] { return told().size() == 2; }, "the end");
  close();  // it is known over a restart
  open();
  acknowledge();
  shift.await([&] { return told().size() == 3; }, "the acknowledgement");
  EXPECT_THAT(told(), ElementsAre("alert_raised:0", "alert_cleared:0", "alert_acknowledged:0"));
  EXPECT_THAT(shift.requests().back().body, HasSubstr(R"("active":false)"));
  EXPECT_THAT(shift.requests().back().body, HasSubstr(R"("by":"Ada","comment":"valve is open")"));
  close();  // nothing more is kept of it
  std::size_t kept = 0;
  const auto db = *database::open(directory, {});
  ASSERT_TRUE(notify_store(*db).visit_told([&](const told_alert&) { ++kept; }));
  EXPECT_EQ(kept, 0U);
}

TEST_F(notifier_of_an_engine, an_alert_that_is_acknowledged_before_its_end_is_told_of_no_more_after_it) {
  open();
  make_plant();
  post(95);
  shift.await([&] { return told().size() == 1; }, "the alert");
  acknowledge();
  post(50);
  shift.await([&] { return told().size() == 3; }, "the end");
  EXPECT_THAT(told(), ElementsAre("alert_raised:0", "alert_acknowledged:0", "alert_cleared:0"));
  await([&] { return tells->count().open == 0; }, "all to be stored");
  close();
  std::size_t kept = 0;
  const auto db = *database::open(directory, {});
  ASSERT_TRUE(notify_store(*db).visit_told([&](const told_alert&) { ++kept; }));
  EXPECT_EQ(kept, 0U);
}

TEST_F(notifier_of_an_engine, a_chatter_goes_on_over_a_restart) {
  open({.chatter_window_us = 1'500'000});
  make_plant();
  for (int i = 0; i < 4; ++i) post(i % 2 == 0 ? 95 : 50);
  shift.await([&] { return told().size() == 3; }, "the chatter");
  close();
  open({.chatter_window_us = 1'500'000});
  shift.await([&] { return told().size() == 4; }, "the end of the chatter");
  EXPECT_EQ(told().back(), "calm");
  EXPECT_THAT(shift.requests().back().body, HasSubstr(R"("active":false)"));
}

/// Beside the rule above 90 two more, of which channel 1 hears: rule 2 above 80, rule 3 above 70.
struct notifier_of_groups : notifier_of_an_engine {
  void make_group_plant(std::int64_t every_us, std::vector<escalation_step> steps = {}) {
    open();
    make_plant();
    for (const double high : {80.0, 70.0}) {
      alert_rule rule;
      rule.sensor = 1;
      rule.name = high > 75 ? "warm" : "tepid";
      rule.high = high;
      rule.routing.channels = {1};
      if (high > 75) rule.routing.escalation = steps;
      ASSERT_TRUE(behind->create(std::vector{rule}));
    }
    collect_for(every_us);
  }
  void collect_for(std::int64_t every_us) {
    channel_entry channel = *behind->entities().find_channel(1);
    channel.group_every_us = every_us;
    ASSERT_TRUE(behind->update(channel));
  }
  std::string body_of(const std::string& beginning) const {
    for (const auto& each : shift.requests())
      if (each.headers.at("webhook-id").starts_with(beginning)) return each.body;
    return {};
  }
  std::size_t groups() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(shift.accepted(), [](const std::string& id) { return id.starts_with("group:"); }));
  }
};

TEST_F(notifier_of_groups, the_first_alarm_of_a_machine_is_told_by_itself_and_those_behind_it_in_one_notice) {
  constexpr std::int64_t an_hour_us = 3'600'000'000;
  make_group_plant(an_hour_us);
  const auto end_of_group = [&](std::size_t count) {
    await([&] { return tells->count().lag_events == 0; }, "the notifier to know all of it");
    collect_for(1'000);
    shift.await([&] { return groups() == count; }, "the group");
    collect_for(an_hour_us);
  };
  post(95);
  end_of_group(1);
  EXPECT_THAT(told(), ElementsAre("alert_raised:0", HasSubstr("alert_rule-1:")));
  const auto body = body_of("group:");
  EXPECT_THAT(body, HasSubstr("2 more alarms on Press (Works); first was hot on Bearing"));
  EXPECT_THAT(body, HasSubstr(R"("first_out":"1-)" + std::to_string(next_us) + R"(-alert_rule-1")"));
  EXPECT_THAT(body, HasSubstr(R"("group":"1-)" + std::to_string(next_us) + R"(")"));
  EXPECT_THAT(body, HasSubstr("warm, 95 C"));
  EXPECT_THAT(body, HasSubstr("tepid, 95 C"));
  EXPECT_THAT(body, HasSubstr(R"("alert_id":null)"));
  post(50);
  end_of_group(2);
  EXPECT_THAT(shift.requests().back().body, HasSubstr("2 cleared on Press (Works); first was hot on Bearing"));
  EXPECT_EQ(told().size(), 4U) << "the end of the first one comes by itself";
}

TEST_F(notifier_of_groups, what_was_collected_is_told_after_a_restart) {
  make_group_plant(3'600'000'000);
  post(95);
  shift.await([&] { return told().size() == 1; }, "the first one");
  close();
  open();
  collect_for(1'000);
  shift.await([&] { return groups() == 1; }, "the group");
  EXPECT_THAT(body_of("group:"), HasSubstr("2 more alarms"));
}

TEST_F(notifier_of_groups, an_alarm_that_is_shelved_before_it_is_told_is_told_when_it_comes_off_the_shelf) {
  make_group_plant(3'600'000'000);
  post(95);
  shift.await([&] { return told().size() == 1; }, "the first one");
  limit_order shelve;
  shelve.what = limit_order::action::shelve;
  shelve.until_us = now_us() + 3'600'000'000;
  shelve.who = "Ada";
  const event_key warm{1, next_us, event_source::alert_rule, 2, event_kind::alert_raised};
  ASSERT_TRUE(behind->order(warm, shelve));
  await([&] { return tells->count().lag_events == 0; }, "the notifier to know");
  collect_for(1'000);
  shift.await([&] { return groups() == 1; }, "the group");
  EXPECT_THAT(body_of("group:"), HasSubstr("1 more alarm on"));
  EXPECT_THAT(body_of("group:"), Not(HasSubstr("warm")));
  limit_order unshelve = shelve;
  unshelve.what = limit_order::action::unshelve;
  ASSERT_TRUE(behind->order(warm, unshelve));
  shift.await([&] { return told().size() == 3; }, "the alarm");
  EXPECT_THAT(shift.requests().back().body, HasSubstr("warm"));
}

TEST_F(notifier_of_groups, a_step_of_an_escalation_is_told_by_itself_behind_the_raise_of_its_alarm) {
  make_group_plant(3'600'000'000, {{300'000, severity::rule_critical, {1}}});
  next_us = now_us();
  post(95);
  shift.await([&] { return told().size() == 3; }, "the step");
  EXPECT_THAT(body_of("group:"), HasSubstr("2 more alarms"));
  EXPECT_THAT(told(), Contains("escalation:1"));
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
  shift.await([&] { return told().size() == 1; }, "the new one");
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
  shift.await([&] { return told().size() == 1; }, "the alert");
}

}  // namespace
}  // namespace factory
