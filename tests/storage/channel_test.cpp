#include "storage/catalog/channel.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "storage/base/limits.hpp"
#include "storage/base/record.hpp"
#include "storage/catalog/catalog_records.hpp"
#include "storage/support/catalog_fixture.hpp"

namespace factory {
namespace {

using test::catalog_fixture;

channel_entry a_webhook(std::string name) {
  channel_entry entry;
  entry.name = std::move(name);
  entry.url = "https://example.com/hook";
  return entry;
}

channel_entry a_mail() {
  channel_entry entry = a_webhook("mail");
  entry.type = channel_type::email;
  entry.url = "smtps://mail.example.com:465";
  entry.from = "plant@example.com";
  entry.to = {"shift@example.com"};
  return entry;
}

alert_rule a_told_rule(std::vector<channel_id> channels) {
  alert_rule rule;
  rule.sensor = 1;
  rule.name = "hot";
  rule.high = 90;
  rule.level = severity::rule_warning;
  rule.routing.channels = std::move(channels);
  return rule;
}

std::string refusal(catalog_fixture& it, const channel_entry& entry) {
  const auto staged = it.entities().stage_create(std::vector{entry}, 1);
  return staged ? "" : staged.error().rows.front().field;
}

TEST(channels, are_there_again_after_a_reopening_with_all_their_members) {
  catalog_fixture it;
  channel_entry all = a_mail();
  all.secret = "secret";
  all.username = "plant";
  all.enabled = false;
  all.allow_private = all.allow_plaintext = true;
  all.timeout_us = 5'000;
  all.give_up_after_us = 0;
  all.sensors.emplace().name = "bearing_*";
  all.group_every_us = 7'000;
  const auto made = it.create<channel_entry>({a_webhook(" first "), all}, 1'000);
  EXPECT_EQ(made.at(0).id, 1U);
  EXPECT_EQ(made.at(0).name, "first");
  it.reopen();
  EXPECT_EQ(it.entities().channels(), made);
  EXPECT_EQ(it.entities().find_channel(3).error().message, "Channel not found");
}

TEST(channels, refuse_members_that_cannot_be_right) {
  catalog_fixture it;
  const auto changed = [](channel_entry entry, const std::function<void(channel_entry&)>& change) {
    change(entry);
    return entry;
  };
  for (const char* url :
       {"", "ftp://example.com", "https:///path", "https://exa mple.com", "https://user:pass@example.com/", "smtp://a"})
    EXPECT_EQ(refusal(it, changed(a_webhook("x"), [&](auto& e) { e.url = url; })), "url") << url;
  EXPECT_EQ(refusal(it, changed(a_webhook("x"), [](auto& e) { e.from = "a@b"; })), "from");
  EXPECT_EQ(refusal(it, changed(a_webhook("x"), [](auto& e) { e.timeout_us = 0; })), "timeout_ms");
  EXPECT_EQ(refusal(it, changed(a_webhook("x"), [](auto& e) { e.group_every_us = -1; })), "group_every_ms");
  EXPECT_EQ(refusal(it, changed(a_webhook("x"), [](auto& e) { e.secret = "a\r\nb"; })), "secret");
  EXPECT_EQ(refusal(it, changed(a_mail(), [](auto& e) { e.to.clear(); })), "to");
  EXPECT_EQ(refusal(it, changed(a_mail(), [](auto& e) { e.to = {"a@b\r\nBcc: c@d"}; })), "to");
  EXPECT_EQ(refusal(it, changed(a_mail(), [](auto& e) { e.from = "plant"; })), "from");
  EXPECT_EQ(refusal(it, changed(a_mail(), [](auto& e) { e.url = "https://example.com"; })), "url");
  EXPECT_EQ(refusal(it, a_mail()), "");
}

TEST(channels, listen_to_sensors_that_there_are_and_go_on_when_those_are_gone) {
  catalog_fixture it;
  it.seed(1);
  channel_entry listening = a_webhook("a");
  listening.sensors.emplace();
  EXPECT_EQ(refusal(it, listening), "selector") << "it asks for nothing";
  listening.sensors->sensors = {7};
  EXPECT_EQ(refusal(it, listening), "selector.sensor_ids");
  listening.sensors->sensors = {1};
  channel_entry made = it.create<channel_entry>({listening}).at(0);
  it.put(*it.entities().stage_delete_sensor(1));
  made.name = "b";
  EXPECT_TRUE(it.entities().stage_update(made)) << "another member changes";
}

TEST(channels, of_an_older_build_listen_to_no_sensors_and_tell_each_alarm_by_itself) {
  channel_entry as_read = a_mail();
  as_read.group_every_us = 0;
  std::string old = encode(as_read);
  old.pop_back();  // no groups
  old[0] = 2;
  channel_entry read;
  ASSERT_TRUE(decode(old, read));
  EXPECT_EQ(read, as_read);
  EXPECT_FALSE(decode(old + "x", read));
  old.pop_back();  // no selector
  old[0] = 1;
  ASSERT_TRUE(decode(old, read));
  EXPECT_EQ(read, as_read);
}

TEST(channels, of_a_rule_must_exist_and_stay_while_a_rule_names_them) {
  catalog_fixture it;
  it.seed(1);
  it.create<channel_entry>({a_webhook("a"), a_webhook("b")});
  EXPECT_EQ(it.entities().stage_create(std::vector{a_told_rule({3})}, 1).error().rows.front().reason, "there is no channel 3");
  EXPECT_EQ(it.entities().stage_create(std::vector{a_told_rule({1, 1})}, 1).error().rows.front().field, "channels");
  auto rule = a_told_rule({1});
  rule.routing.escalation = {{60'000'000, severity::rule_critical, {2}}, {60'000'000, severity::rule_critical, {2}}};
  EXPECT_EQ(it.entities().stage_create(std::vector{rule}, 1).error().rows.front().field, "escalation") << "delays must rise";
  rule.routing.escalation.pop_back();
  const auto made = it.create<alert_rule>({rule});
  for (const channel_id named : {1U, 2U})
    EXPECT_EQ(it.entities().stage_delete_channel(named).error().code, errc::conflict) << named;
  it.reopen();
  EXPECT_EQ(it.entities().find_rule(1)->routing, rule.routing);
  it.put(*it.entities().stage_delete_rule(1));
  it.put(*it.entities().stage_delete_channel(2));
  EXPECT_EQ(it.entities().channels().size(), 1U);
}

TEST(channels, of_a_rule_are_no_part_of_what_sensors_judge_by) {
  catalog_fixture it;
  it.seed(1);
  it.create<channel_entry>({a_webhook("a")});
  auto staged = *it.entities().stage_create(std::vector{a_told_rule({1})}, 1);
  EXPECT_TRUE(staged.change.config.configs.at(0).rules.at(0)->routing.empty());
  it.put(std::move(staged.change));
  EXPECT_TRUE(it.entities().config_of(1).rules.at(0)->routing.empty());
  alert_rule other = *it.entities().find_rule(1);
  other.routing.channels.clear();
  EXPECT_TRUE(it.entities().stage_update(other)->config.configs.empty()) << "no sensor hears of it";
}

TEST(channels, a_rule_from_before_there_were_channels_tells_nobody) {
  std::string old = encode(a_told_rule({}));
  std::string routing;
  put_routing(routing, {});
  old.resize(old.size() - routing.size());
  old[0] = 4;
  alert_rule read = a_told_rule({7});
  ASSERT_TRUE(decode(old, read));
  EXPECT_EQ(read, a_told_rule({}));
  EXPECT_FALSE(decode(old + "x", read));
}

}  // namespace
}  // namespace factory
