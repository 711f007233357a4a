// Notifications by webhook: real daemon, real receiver, over kill -9.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "http/support/receiver.hpp"
#include "integration/support/alarms.hpp"
#include "integration/support/daemon.hpp"

namespace factory::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

rapidjson::Document parsed(const receiver::request& got) {
  rapidjson::Document body;
  body.Parse(got.body.c_str());
  return body;
}

std::vector<std::string> types(const receiver& from) {
  std::vector<std::string> out;
  for (const auto& each : from.requests()) out.emplace_back(parsed(each)["type"].GetString());
  return out;
}

void await_count(const receiver& at, std::size_t count) {
  at.await([&] { return at.count() >= count; }, fmt::format("{} notifications", count));
}

/// Until the receiver has taken a notification whose id ends so.
void await_told(const receiver& at, const std::string& ending) {
  at.await([&] { return std::ranges::any_of(at.accepted(), [&](const std::string& id) { return id.ends_with(ending); }); },
           ending);
}

struct notify : ::testing::Test {
  fresh_daemon daemon;
  http_client api{daemon->api_port()};
  receiver shift;
};

TEST_F(notify, an_alert_is_told_when_it_is_raised_acknowledged_and_cleared_in_this_order) {
  const auto channel = add_webhook(api, shift.url(), R"("secret":"key")");
  watched_plant plant(api, 1, fmt::format(R"("channels":[{}],"message":"{{sensor}} at {{value}}")", channel));
  plant.raise(api, 0);
  await_count(shift, 1);
  const auto alert = alert_of(api, plant.sensor(0));
  EXPECT_EQ(api.post("/api/alerts/" + alert + "/acknowledge", R"({"by":"Ada"})").status, 200U);
  plant.clear(api, 0);
  await_count(shift, 3);
  EXPECT_THAT(types(shift), ElementsAre("alert_raised", "alert_acknowledged", "alert_cleared"));
  const auto requests = shift.requests();
  const auto raised = parsed(requests[0]), seen = parsed(requests[1]), cleared = parsed(requests[2]);
  EXPECT_EQ(std::string(raised["alert_id"].GetString()), alert);
  EXPECT_EQ(requests[0].headers.at("webhook-id"), raised["id"].GetString());
  EXPECT_THAT(requests[0].headers.at("webhook-signature"), StartsWith("v1,"));
  EXPECT_EQ(requests[0].headers.at("content-type"), "application/json");
  EXPECT_TRUE(raised["active"].GetBool());
  EXPECT_EQ(raised["value"].GetDouble(), 95);
  EXPECT_EQ(raised["limit"].GetDouble(), 90);
  EXPECT_THAT(raised["message"].GetString(), HasSubstr(" at 95"));
  EXPECT_EQ(raised["rule"]["id"].GetUint(), plant.rule(0));
  EXPECT_EQ(std::string(seen["by"].GetString()), "Ada");
  EXPECT_FALSE(cleared["active"].GetBool());
}

TEST_F(notify, rules_without_channels_tell_nobody_and_disabled_channels_hear_nothing_new) {
  const auto channel = add_webhook(api, shift.url());
  const auto off = add_webhook(api, shift.url(), R"("enabled":false)");
  watched_plant silent(api, 1, R"("channels":[])"), disabled(api, 1, fmt::format(R"("channels":[{}])", off)),
      heard(api, 1, fmt::format(R"("channels":[{}])", channel));
  silent.raise(api, 0);
  disabled.raise(api, 0);
  alert_of(api, silent.sensor(0));
  alert_of(api, disabled.sensor(0));
  heard.raise(api, 0);
  await_count(shift, 1);
  EXPECT_EQ(parsed(shift.requests()[0])["sensor"]["id"].GetUint(), heard.sensor(0));
}

TEST_F(notify, changing_the_channels_of_a_rule_leaves_its_alert_alone) {
  const auto channel = add_webhook(api, shift.url());
  watched_plant plant(api, 1, R"("on_delay_ms":0)");
  plant.raise(api, 0);
  const auto alert = alert_of(api, plant.sensor(0));
  EXPECT_EQ(api.patch(fmt::format("/api/rules/{}", plant.rule(0)), fmt::format(R"({{"channels":[{}]}})", channel)).status, 200U);
  await_processed(api);
  EXPECT_TRUE(get_json(api, "/api/alerts/" + alert)["active"].GetBool());
  EXPECT_EQ(api.del(fmt::format("/api/channels/{}", channel)).status, 409U) << "a rule names it";
}

TEST_F(notify, a_private_address_is_refused_unless_the_channel_allows_it_and_the_letter_can_be_sent_again) {
  const auto channel = add_channel(api, fmt::format(R"("type":"webhook","group_every_ms":0,"url":"{}")", shift.url()));
  const auto tested = api.post(fmt::format("/api/channels/{}/test", channel), "").json();
  EXPECT_FALSE(tested["sent"].GetBool());
  EXPECT_THAT(tested["detail"].GetString(), HasSubstr("127.0.0.1 is a private address"));
  watched_plant plant(api, 2, fmt::format(R"("channels":[{}])", channel));
  plant.raise_all(api);
  const auto letters_of = fmt::format("/api/channels/{}/dead-letters", channel);
  await([&] { return get_json(api, letters_of)["dead_letters"].Size() == 2; }, "the dead letters");
  const auto page = get_json(api, letters_of + "?limit=1");
  EXPECT_THAT(page["dead_letters"][0]["error"].GetString(), HasSubstr("private address"));
  EXPECT_TRUE(page["next_cursor"].IsString());
  EXPECT_EQ(shift.count(), 0U);

  EXPECT_EQ(api.patch(fmt::format("/api/channels/{}", channel), R"({"allow_private":true})").status, 200U);
  EXPECT_TRUE(api.post(fmt::format("/api/channels/{}/test", channel), "").json()["sent"].GetBool());
  const auto named = fmt::format(R"({{"ids":[{}]}})", page["dead_letters"][0]["id"].GetUint64());
  EXPECT_EQ(api.post(letters_of + "/resend", named).json()["resent"].GetUint(), 1U);
  EXPECT_EQ(api.post(letters_of + "/resend", "{}").json()["resent"].GetUint(), 1U);
  await_count(shift, 3);
  EXPECT_THAT(types(shift), ElementsAre("test", "alert_raised", "alert_raised"));
  EXPECT_EQ(get_json(api, letters_of)["dead_letters"].Size(), 0U);
}

TEST_F(notify, what_a_receiver_refuses_is_a_dead_letter_and_what_fails_is_tried_again) {
  const auto channel = add_webhook(api, shift.url());
  watched_plant plant(api, 2, fmt::format(R"("channels":[{}])", channel));
  shift.answer(410);
  plant.raise(api, 0);
  await([&] { return metric(api, "factory_notification_dead_letters") == 1; }, "the dead letter");
  shift.answer(503);
  plant.raise(api, 1);
  await_count(shift, 3);  // twice at least: the first retry
  shift.answer(200);
  shift.await([&] { return shift.accepted().size() == 1; }, "the notification");
  await([&] { return metric(api, "factory_notifications_sent_total") == 1; }, "its being counted");
  await([&] { return metric(api, "factory_notifications_open") == 0; }, "the line to be empty");
  EXPECT_GE(metric(api, "factory_notification_failures_total"), 3U);
}

TEST_F(notify, a_receiver_that_never_answers_delays_no_other) {
  receiver slow;
  slow.fall_silent();
  const auto stuck = add_webhook(api, slow.url(), R"("timeout_ms":60000)"), good = add_webhook(api, shift.url());
  watched_plant plant(api, 40, fmt::format(R"("channels":[{},{}])", stuck, good));
  plant.raise_all(api);
  await_count(shift, 40);
  EXPECT_LE(slow.count(), 4U);
  EXPECT_EQ(daemon->stop(), 0) << "a receiver that hangs does not hold the stop";
}

TEST(notify_over_kill_9, a_flood_of_a_factory_comes_as_its_first_alarms_and_one_digest_of_the_rest) {
  constexpr std::size_t sensors = 40;
  fresh_daemon daemon;
  receiver shift;
  http_client first(daemon->api_port());
  const auto channel = add_webhook(first, shift.url(), R"("digest_above":10,"digest_every_ms":1500)");
  watched_plant plant(first, sensors, fmt::format(R"("channels":[{}])", channel));
  plant.raise_all(first);
  shift.await([&] { return shift.accepted().size() == 10; }, "the first ten");
  daemon->kill();
  daemon->start();
  http_client api(daemon->api_port());
  // One of the ten may come again: it is told at least once.
  const auto is_digest = [](const auto& request) { return std::string(parsed(request)["type"].GetString()) == "digest"; };
  shift.await([&] { return is_digest(shift.requests().back()); }, "the digest");
  const auto digest = parsed(shift.requests().back());
  EXPECT_THAT(digest["title"].GetString(), HasSubstr("30 new alarms, 0 cleared"));
  EXPECT_THAT(digest["message"].GetString(), HasSubstr("WARNING raised: "));
  EXPECT_TRUE(digest["alert_id"].IsNull());
  plant.clear_all(api);  // those told of in a digest clear in digests
  const auto cleared_in_digests = [&] {
    std::size_t cleared = 0;
    for (const auto& request : shift.requests()) {
      if (!is_digest(request)) continue;
      const std::string title = parsed(request)["title"].GetString();
      const auto at = title.find("alarms, ");
      if (at != std::string::npos) cleared += std::stoul(title.substr(at + 8));
    }
    return cleared;
  };
  shift.await([&] { return cleared_in_digests() >= 30; }, "the ends");
}

TEST(notify_over_kill_9, alarms_of_a_machine_come_as_the_first_one_and_one_notice_of_the_rest) {
  constexpr std::size_t sensors = 6;
  fresh_daemon daemon;
  receiver shift;
  http_client first(daemon->api_port());
  const auto channel = add_webhook(first, shift.url(), R"("group_every_ms":1500)");
  watched_plant plant(first, sensors, fmt::format(R"("channels":[{}])", channel));
  plant.raise_all(first);
  await_count(shift, 1);
  const auto opener = std::string(parsed(shift.requests().front())["alert_id"].GetString());
  EXPECT_EQ(types(shift).front(), "alert_raised");
  await([&] { return metric(first, "factory_notification_lag_events") == 0; }, "that all are known");
  daemon->kill();
  daemon->start();
  http_client api(daemon->api_port());
  const auto is_group = [](const auto& request) { return std::string(parsed(request)["type"].GetString()) == "group"; };
  shift.await([&] { return is_group(shift.requests().back()); }, "the rest");
  const auto group = parsed(shift.requests().back());
  EXPECT_EQ(group["alerts"].Size(), sensors - 1);
  EXPECT_THAT(group["title"].GetString(), HasSubstr("5 more alarms on "));
  const auto shown = get_json(api, "/api/alerts");
  ASSERT_EQ(shown["groups"].Size(), 1U);
  EXPECT_EQ(std::string(group["group"].GetString()), shown["groups"][0]["id"].GetString());
  EXPECT_EQ(std::string(group["first_out"].GetString()), shown["groups"][0]["first_out"].GetString());
  for (const auto& id : shift.accepted()) EXPECT_TRUE(id.starts_with("group:") || id.starts_with(opener)) << id;
  plant.clear_all(api);
  shift.await(
      [&] { return std::string(parsed(shift.requests().back())["title"].GetString()).find("5 cleared") != std::string::npos; },
      "the ends");
}

TEST(notify_over_kill_9, every_notification_comes_at_least_once_under_one_id) {
  constexpr std::size_t sensors = 30, rounds = 6;
  fresh_daemon daemon;
  receiver shift;
  http_client first(daemon->api_port());
  const auto channel = add_webhook(first, shift.url());
  watched_plant plant(first, sensors, fmt::format(R"("channels":[{}])", channel));
  for (std::size_t round = 0; round < rounds; ++round) {
    http_client api(daemon->api_port());
    if (round % 3 == 1) shift.answer(503);
    plant.raise_all(api);
    plant.clear_all(api);
    const std::size_t before = shift.count();
    shift.await([&] { return shift.count() > before; }, "the first of the round");
    daemon->kill();
    shift.answer(200);
    daemon->start();
  }
  http_client api(daemon->api_port());
  std::set<std::string> expected;
  await(
      [&] {
        const auto page = get_json(api, "/api/events?limit=10000");
        return page["events"].Size() == 2 * sensors * rounds;
      },
      "the events");
  const auto page = get_json(api, "/api/events?limit=10000");
  for (const auto& each : page["events"].GetArray())
    expected.insert(fmt::format("{}:{}:0", each["id"].GetString(), each["kind"].GetString()));
  shift.await(
      [&] {
        const auto got = shift.accepted();
        return std::set<std::string>(got.begin(), got.end()).size() >= expected.size();
      },
      "all notifications");
  const auto got = shift.accepted();
  EXPECT_EQ(std::set<std::string>(got.begin(), got.end()), expected);
  for (const auto& id : expected) {  // nobody hears that it is over before that it began
    if (!id.ends_with("alert_cleared:0")) continue;
    const auto raised = id.substr(0, id.find(':')) + ":alert_raised:0";
    EXPECT_LT(std::ranges::find(got, raised), std::ranges::find(got, id));
  }
  await([&] { return metric(api, "factory_notifications_open") == 0; }, "the end of all deliveries");
  EXPECT_EQ(metric(api, "factory_notification_lag_events"), 0U);
}

TEST(escalation, goes_on_after_kill_9_once_a_step_and_those_told_hear_of_the_end) {
  fresh_daemon daemon;
  receiver shift, chief;
  http_client first(daemon->api_port());
  const auto near = add_webhook(first, shift.url()), far = add_webhook(first, chief.url());
  watched_plant plant(first, 1,
                      fmt::format(R"("channels":[{}],"escalation":[{{"after_ms":700,"severity":"CRITICAL","channels":[{}]}},)"
                                  R"({{"after_ms":1400,"channels":[{},{}]}}])",
                                  near, far, near, far));
  plant.raise(first, 0);
  await_count(shift, 1);
  daemon->kill();
  daemon->start();
  await_told(chief, "escalation:1");
  daemon->kill();
  daemon->start();
  await_told(chief, "escalation:2");
  await_told(shift, "escalation:2");
  http_client api(daemon->api_port());
  plant.clear(api, 0);
  await_told(chief, "alert_cleared:0");
  await_told(shift, "alert_cleared:0");
  const auto alert = alert_of(api, plant.sensor(0));
  const auto ids = [](const receiver& of) {
    const auto all = of.accepted();
    return std::set<std::string>(all.begin(), all.end());
  };
  EXPECT_THAT(ids(chief), ElementsAre(alert + ":alert_cleared:0", alert + ":escalation:1", alert + ":escalation:2"));
  EXPECT_THAT(ids(shift), ElementsAre(alert + ":alert_cleared:0", alert + ":alert_raised:0", alert + ":escalation:2"));
  const auto step = parsed(chief.requests()[0]);
  EXPECT_EQ(std::string(step["severity"].GetString()), "CRITICAL");
  EXPECT_EQ(step["step"].GetUint(), 1U);
}

TEST(escalation, stops_when_the_alert_is_acknowledged) {
  fresh_daemon daemon;
  receiver shift, chief;
  http_client api(daemon->api_port());
  const auto near = add_webhook(api, shift.url()), far = add_webhook(api, chief.url());
  watched_plant plant(api, 2, fmt::format(R"("channels":[{}],"escalation":[{{"after_ms":1500,"channels":[{}]}}])", near, far));
  plant.raise(api, 0);
  const auto seen = alert_of(api, plant.sensor(0));
  EXPECT_EQ(api.post("/api/alerts/" + seen + "/acknowledge", R"({"by":"Ada"})").status, 200U);
  plant.raise(api, 1);
  await_count(chief, 1);  // the later one is due later
  EXPECT_EQ(parsed(chief.requests()[0])["sensor"]["id"].GetUint(), plant.sensor(1));
  EXPECT_EQ(chief.count(), 1U);
}

}  // namespace
}  // namespace factory::test
