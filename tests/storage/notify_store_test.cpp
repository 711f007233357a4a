#include "storage/notify/notify_store.hpp"

#include <gtest/gtest.h>

#include "storage/notify/notify_records.hpp"
#include "storage/support/temporary_directory.hpp"

namespace factory {
namespace {

delivery a_delivery(channel_id channel, std::uint64_t id) {
  return {.channel = channel,
          .id = id,
          .notification = "1-5-alert_rule-1:alert_raised:0",
          .finding = "1-5-alert_rule-1",
          .kind = "alert_raised",
          .content = "{}",
          .begun_at_us = 7,
          .due_at_us = 8,
          .attempts = 2,
          .last_error = "no connection"};
}

told_alert a_told_alert(std::int64_t time_us) {
  told_alert it;
  it.raised = {1, time_us, event_source::alert_rule, 3, event_kind::alert_raised, 1};
  it.raised_at_us = time_us;
  it.received_at_us = time_us + 5;
  it.steps_done = 2;
  it.acknowledged = true;
  it.channels = {4, 5};
  it.ended_at_us = time_us + 9;
  it.held_back = true;
  it.groups = {{4, "1-5-alert_rule-1"}};
  return it;
}

struct store_of_notifications : ::testing::Test {
  test::temporary_directory directory;
  std::unique_ptr<database> db = *database::open(directory.path(), {});
  std::unique_ptr<notify_store> store = std::make_unique<notify_store>(*db);

  void reopen() {
    store.reset();
    db.reset();
    db = *database::open(directory.path(), {});
    store = std::make_unique<notify_store>(*db);
  }
  std::vector<std::uint64_t> open() const {
    std::vector<std::uint64_t> ids;
    EXPECT_TRUE(store->visit_open([&](const delivery& each) { ids.push_back(each.id); }));
    return ids;
  }
};

TEST_F(store_of_notifications, a_change_is_there_as_a_whole_after_a_reopening) {
  EXPECT_EQ(*store->cursor(), std::nullopt);
  notify_store::change begun;
  begun.cursor = 9;
  begun.open = {a_delivery(1, 1), a_delivery(2, 2)};
  begun.told = {a_told_alert(5), a_told_alert(6)};
  ASSERT_TRUE(store->write(begun));
  notify_store::change ended;
  ended.sent = {{1, 1}};
  ended.dead = {a_delivery(2, 2)};
  ended.over = {finding_id(a_told_alert(6).raised)};
  ASSERT_TRUE(store->write(ended));
  reopen();
  EXPECT_EQ(*store->cursor(), 9U);
  EXPECT_EQ(*store->next_id(), 3U);
  EXPECT_TRUE(open().empty());
  const auto dead = *store->find_dead(2, 2);
  ASSERT_TRUE(dead);
  EXPECT_EQ(dead->notification, a_delivery(2, 2).notification);
  EXPECT_EQ(dead->content, "{}");
  EXPECT_EQ(dead->attempts, 2U);
  EXPECT_EQ(dead->last_error, "no connection");
  EXPECT_EQ(dead->due_at_us, 8);
  std::vector<told_alert> told;
  ASSERT_TRUE(store->visit_told([&](const told_alert& each) { told.push_back(each); }));
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].raised, a_told_alert(5).raised);
  EXPECT_EQ(told[0].received_at_us, 10);
  EXPECT_EQ(told[0].steps_done, 2U);
  EXPECT_TRUE(told[0].acknowledged);
  EXPECT_EQ(told[0].channels, (std::vector<channel_id>{4, 5}));
  EXPECT_EQ(told[0].ended_at_us, 14);
  EXPECT_TRUE(told[0].held_back);
  ASSERT_EQ(told[0].groups.size(), 1U);
  EXPECT_EQ(told[0].groups[0].channel, 4U);
  EXPECT_EQ(told[0].groups[0].opener, "1-5-alert_rule-1");
}

TEST(told_alerts, of_an_older_build_stand) {
  told_alert one = a_told_alert(5);
  one.ended_at_us = 0;
  one.held_back = false;
  one.groups.clear();
  std::string old = encode(one);
  old.pop_back();  // no groups
  old[0] = 2;
  told_alert read;
  ASSERT_TRUE(decode(old, read));
  EXPECT_EQ(encode(read), encode(one));
  old.pop_back();  // no end
  old[0] = 1;
  ASSERT_TRUE(decode(old, read));
  EXPECT_EQ(encode(read), encode(one));
}

TEST_F(store_of_notifications, groups_stand_until_they_are_over_and_go_with_their_channel) {
  notice_group group;
  group.channel = 1;
  group.opener = "1-5-alert_rule-1";
  group.machine = 3;
  group.first_out = {1, 4, event_source::alert_rule, 2, {}};
  group.opened_us = 5;
  group.newest_us = 6;
  group.open = true;
  group.alarms = 2;
  group.begun_at_us = 7;
  group.first_event = 8;
  group.collected = {
      {"1-6-alert_rule-1:alert_raised:0", "1-6-alert_rule-1", "alert_raised", "hot", 6, severity::rule_critical, true, true}};
  notice_group other = group, of_another = group;
  other.opener = "2-5-alert_rule-1";
  of_another.channel = 2;
  ASSERT_TRUE(store->write({.groups = {group, other, of_another}, .cursor = 1}));
  ASSERT_TRUE(store->write({.groups_over = {{1, other.opener}}}));
  reopen();
  std::vector<std::string> kept;
  const auto keep = [&](const notice_group& each) { kept.push_back(encode(each)); };
  ASSERT_TRUE(store->visit_groups(keep));
  EXPECT_EQ(kept, (std::vector{encode(group), encode(of_another)}));
  ASSERT_TRUE(store->remove_channel(1));
  kept.clear();
  ASSERT_TRUE(store->visit_groups(keep));
  EXPECT_EQ(kept, std::vector{encode(of_another)});
}

TEST_F(store_of_notifications, chatters_of_a_pipeline_and_of_a_rule_with_its_number_are_two) {
  chatter of_rule, of_pipeline;
  of_rule.newest = {1, 5, event_source::alert_rule, 3, event_kind::alert_raised};
  of_pipeline.newest = {1, 6, event_source::pipeline, 3, event_kind::pipeline_raised};
  ASSERT_TRUE(store->write({.chatters = {of_rule, of_pipeline}, .cursor = 1}));
  ASSERT_TRUE(store->write({.calm = {chatter_place(of_pipeline.newest)}}));
  reopen();
  std::vector<event_source> left;
  ASSERT_TRUE(store->visit_chatters([&](const chatter& each) { left.push_back(each.newest.source); }));
  EXPECT_EQ(left, std::vector{event_source::alert_rule});
}

TEST_F(store_of_notifications, an_id_is_never_given_again_when_its_delivery_is_gone) {
  ASSERT_TRUE(store->write({.open = {a_delivery(1, 7)}, .cursor = 1}));
  ASSERT_TRUE(store->write({.sent = {{1, 7}}}));
  reopen();
  EXPECT_EQ(*store->next_id(), 8U);
}

TEST_F(store_of_notifications, dead_letters_come_newest_first_and_by_channel) {
  notify_store::change given_up;
  given_up.cursor = 1;
  given_up.dead = {a_delivery(1, 1), a_delivery(1, 2), a_delivery(1, 300), a_delivery(2, 4)};
  ASSERT_TRUE(store->write(given_up));
  const auto ids = [&](std::uint64_t before, std::size_t limit) {
    std::vector<std::uint64_t> out;
    const auto found = *store->dead_letters(1, before, limit);
    for (const auto& each : found) out.push_back(each.id);
    return out;
  };
  EXPECT_EQ(ids(UINT64_MAX, 10), (std::vector<std::uint64_t>{300, 2, 1}));
  EXPECT_EQ(ids(300, 1), (std::vector<std::uint64_t>{2}));
  EXPECT_TRUE(ids(1, 10).empty());
  EXPECT_EQ(*store->oldest_dead_letter(1, 0), 1U);
  EXPECT_EQ(*store->oldest_dead_letter(1, 2), 300U);
  EXPECT_EQ(*store->oldest_dead_letter(1, 300), std::nullopt);
  ASSERT_TRUE(store->remove_channel(1));
  EXPECT_TRUE(ids(UINT64_MAX, 10).empty());
  EXPECT_EQ(store->dead_letters(2, UINT64_MAX, 10)->size(), 1U);
}

}  // namespace
}  // namespace factory
