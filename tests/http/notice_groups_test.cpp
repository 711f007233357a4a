// Notices of alarms that come together, against a plain model of what a group is.
#include "http/notify/notice_groups.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <tuple>
#include <utility>

#include "storage/notify/notify_records.hpp"
#include "support/times.hpp"

namespace factory {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::int64_t collecting_us = 10 * second_us;
constexpr std::int64_t group_window_us = minute_us;

notice an_alarm(sensor_id sensor, std::int64_t at_us, machine_id machine = 1, std::string kind = "alert_raised") {
  notice it;
  it.what.key = {sensor, at_us, event_source::alert_rule, 1, event_kind::alert_raised};
  it.what.at_us = at_us;
  it.what.sequence = sensor;
  it.finding = finding_id(it.what.key);
  it.id = it.finding + ":" + kind;
  it.kind = std::move(kind);
  it.machine.id = machine;
  return it;
}

std::vector<std::string> ids_in(const notice_group& group) {
  std::vector<std::string> out;
  for (const auto& each : group.collected) out.push_back(each.notification);
  return out;
}

struct groups_of_one_channel : ::testing::Test {
  notice_groups groups{[](channel_id) { return collecting_us; }};
  /// Whether it joins a group; then it is collected.
  bool raise(const notice& alarm, std::int64_t now_us) {
    const auto opener = groups.join(1, alarm, now_us);
    if (opener) groups.collect(1, *opener, alarm, true, now_us);
    return opener.has_value();
  }
};

TEST_F(groups_of_one_channel, have_a_first_alarm_that_is_told_by_itself_and_what_follows_in_one_notice) {
  EXPECT_FALSE(raise(an_alarm(1, 0), 0));
  EXPECT_TRUE(raise(an_alarm(2, second_us), second_us));
  EXPECT_TRUE(raise(an_alarm(3, 2 * second_us), 2 * second_us));
  EXPECT_EQ(groups.due_us(), 11 * second_us) << "ten seconds behind the first that is collected";
  EXPECT_THAT(groups.take_due(11 * second_us - 1), IsEmpty());
  const auto due = groups.take_due(11 * second_us);
  ASSERT_THAT(due, SizeIs(1));
  EXPECT_THAT(ids_in(due[0]), ElementsAre(an_alarm(2, second_us).id, an_alarm(3, 2 * second_us).id));
  EXPECT_EQ(due[0].opener, an_alarm(1, 0).finding);
  EXPECT_EQ(due[0].alarms, 3U);
  EXPECT_THAT(groups.take_due(12 * second_us), IsEmpty()) << "it is told once";
}

TEST_F(groups_of_one_channel, are_of_one_machine_and_end_with_the_window) {
  EXPECT_FALSE(raise(an_alarm(1, 0, 1), 0));
  EXPECT_FALSE(raise(an_alarm(2, 0, 2), 0));
  EXPECT_TRUE(raise(an_alarm(3, group_window_us - 1, 1), group_window_us - 1));
  EXPECT_FALSE(raise(an_alarm(4, group_window_us, 1), group_window_us)) << "opens the next one";
  EXPECT_TRUE(raise(an_alarm(5, group_window_us, 1), group_window_us));
  const auto due = groups.take_due(2 * group_window_us);
  ASSERT_THAT(due, SizeIs(2));
  EXPECT_EQ(due[0].opener, an_alarm(1, 0).finding);
  EXPECT_EQ(due[1].opener, an_alarm(4, group_window_us).finding);
}

TEST_F(groups_of_one_channel, name_the_alarm_that_was_raised_first_also_where_it_came_later) {
  EXPECT_FALSE(raise(an_alarm(1, 5 * second_us), 0));
  EXPECT_TRUE(raise(an_alarm(2, 3 * second_us), 0));
  const auto due = groups.take_due(collecting_us);
  ASSERT_THAT(due, SizeIs(1));
  EXPECT_EQ(finding_id(due[0].first_out), an_alarm(2, 3 * second_us).finding);
}

TEST_F(groups_of_one_channel, say_what_becomes_of_their_alarms_together_too_also_when_the_group_is_forgotten) {
  raise(an_alarm(1, 0), 0);
  raise(an_alarm(2, 0), 0);
  EXPECT_THAT(groups.take_due(collecting_us), SizeIs(1));
  EXPECT_THAT(groups.take_due(group_window_us), IsEmpty());
  EXPECT_EQ(groups.due_us(), INT64_MAX) << "nothing is kept";
  groups.collect(1, an_alarm(1, 0).finding, an_alarm(2, 0, 1, "alert_cleared"), false, hour_us);
  const auto due = groups.take_due(hour_us + collecting_us);
  ASSERT_THAT(due, SizeIs(1));
  EXPECT_THAT(ids_in(due[0]), ElementsAre(an_alarm(2, 0, 1, "alert_cleared").id));
  EXPECT_EQ(finding_id(due[0].first_out), an_alarm(1, 0).finding);
}

TEST_F(groups_of_one_channel, lose_an_alarm_that_is_hushed_before_it_is_told) {
  raise(an_alarm(1, 0), 0);
  raise(an_alarm(2, 0), 0);
  const notice_groups::key group(1, an_alarm(1, 0).finding);
  EXPECT_TRUE(groups.take_back(group, an_alarm(2, 0).finding));
  EXPECT_FALSE(groups.take_back(group, an_alarm(2, 0).finding));
  EXPECT_THAT(groups.take_due(collecting_us), IsEmpty());
  raise(an_alarm(3, 0), 0);
  EXPECT_THAT(groups.take_due(collecting_us), SizeIs(1));
  EXPECT_FALSE(groups.take_back(group, an_alarm(3, 0).finding)) << "it was told";
}

TEST_F(groups_of_one_channel, tell_at_once_what_would_be_too_much_for_one_notice) {
  raise(an_alarm(1, 0), 0);
  for (sensor_id sensor = 2; sensor <= 1 + 2 * limits::grouped_notices + 1; ++sensor) raise(an_alarm(sensor, 0), 0);
  EXPECT_EQ(groups.due_us(), INT64_MIN);
  const auto due = groups.take_due(0);
  ASSERT_THAT(due, SizeIs(2));
  EXPECT_THAT(due[1].collected, SizeIs(limits::grouped_notices));
  EXPECT_NE(due[0].first_event, due[1].first_event) << "their ids are two";
  ASSERT_THAT(groups.take_due(collecting_us), SizeIs(1));
}

/// The same, by looking through all that there is.
struct model_of_groups {
  struct group {
    channel_id channel;
    machine_id machine;
    std::string opener;
    std::int64_t opened_us, newest_us, begun_us;
    std::vector<std::string> ids, findings;
    std::vector<bool> begins;
    bool open = false;
  };
  std::vector<group> all;  // in the order of their opening
  std::vector<std::vector<std::string>> full;

  static std::int64_t span_us(channel_id channel) { return channel == 1 ? 10 * second_us : 25 * second_us; }
  group* of(channel_id channel, const std::string& opener) {
    const auto found = std::ranges::find_if(all, [&](const group& it) { return it.channel == channel && it.opener == opener; });
    return found == all.end() ? nullptr : &*found;
  }
  std::optional<std::string> join(channel_id to, const notice& alarm, std::int64_t now_us) {
    for (auto& each : all) {
      if (!each.open || each.channel != to || each.machine != alarm.machine.id) continue;
      each.open = std::abs(alarm.what.at_us - each.opened_us) < group_window_us;
      if (!each.open) continue;
      each.newest_us = now_us;
      return each.opener;
    }
    all.push_back({to, alarm.machine.id, alarm.finding, alarm.what.at_us, now_us, 0, {}, {}, {}, true});
    return std::nullopt;
  }
  void collect(channel_id to, const std::string& opener, const notice& what, bool begins, std::int64_t now_us) {
    if (of(to, opener) == nullptr)
      all.push_back({to, what.machine.id, opener, 0, now_us - group_window_us, 0, {}, {}, {}, false});
    auto& into = *of(to, opener);
    if (into.ids.empty()) into.begun_us = now_us;
    into.ids.push_back(what.id);
    into.findings.push_back(what.finding);
    into.begins.push_back(begins);
    if (into.ids.size() < limits::grouped_notices) return;
    full.push_back(into.ids);
    into.ids.clear(), into.findings.clear(), into.begins.clear();
  }
  bool take_back(channel_id channel, const std::string& opener, const std::string& finding) {
    auto* const from = of(channel, opener);
    if (from == nullptr) return false;
    bool untold = false;
    for (std::size_t i = 0; i < from->ids.size(); ++i) untold = untold || (from->begins[i] && from->findings[i] == finding);
    for (std::size_t i = from->ids.size(); untold && i-- > 0;) {
      if (from->findings[i] != finding) continue;
      const auto at = static_cast<std::ptrdiff_t>(i);
      from->ids.erase(from->ids.begin() + at);
      from->findings.erase(from->findings.begin() + at);
      from->begins.erase(from->begins.begin() + at);
    }
    return untold;
  }
  std::vector<std::vector<std::string>> take_due(std::int64_t now_us) {
    auto out = std::exchange(full, {});
    for (auto& each : all) {
      if (each.ids.empty() || each.begun_us + span_us(each.channel) > now_us) continue;
      out.push_back(each.ids);
      each.ids.clear(), each.findings.clear(), each.begins.clear();
    }
    std::erase_if(all, [&](const group& it) { return it.ids.empty() && it.newest_us + group_window_us <= now_us; });
    return out;
  }
};

/// One random plant: alarms come on three machines and go, operators hush some, the process dies between two writes.
class random_groups {
 public:
  explicit random_groups(unsigned seed) : random_(seed) {}

  void run(int steps) {
    for (int step = 0; step < steps; ++step) {
      now_us_ += any_of(4) == 0 ? any_of(30) * second_us : any_of(500'000);
      const auto what = any_of(10);
      if (what < 5) raise();
      if (what >= 5 && what < 8) change();
      if (what == 8) hush();
      if (what == 9 && any_of(3) == 0) raise_many();
      tell();
      if (any_of(20) == 0) die();
    }
    now_us_ += hour_us;
    tell();
    tell();
    EXPECT_EQ(told_, expected_to_be_told()) << "each is told once, or taken back";
    EXPECT_EQ(groups_.due_us(), INT64_MAX);
  }
  std::size_t told() const { return told_.size(); }

 private:
  struct alarm {
    channel_id channel;
    std::string opener;
    notice raised;
    std::vector<std::string> ids;
    int changes = 0;
    bool taken_back = false;
  };
  std::int64_t any_of(int count) { return static_cast<std::int64_t>(random_() % static_cast<unsigned>(count)); }

  void raise() {
    const auto channel = static_cast<channel_id>(1 + any_of(2));
    const auto alarm = an_alarm(++sensors_, now_us_ - any_of(20) * second_us, static_cast<machine_id>(1 + any_of(3)));
    const auto opener = groups_.join(channel, alarm, now_us_);
    ASSERT_EQ(opener, model_.join(channel, alarm, now_us_));
    if (!opener) return;
    collect(channel, *opener, alarm, true);
    alarms_.push_back({channel, *opener, alarm, {alarm.id}});
  }
  void raise_many() {
    for (int i = 0; i < 60; ++i) raise();
  }
  void change() {
    if (alarms_.empty()) return;
    auto& which = alarms_[static_cast<std::size_t>(any_of(static_cast<int>(alarms_.size())))];
    if (which.taken_back) return;
    auto changed = which.raised;
    changed.id += "+" + std::to_string(++which.changes);
    changed.kind = "alert_cleared";
    changed.what.sequence = 1'000'000 + ++changes_;
    collect(which.channel, which.opener, changed, false);
    which.ids.push_back(changed.id);
  }
  void hush() {
    if (alarms_.empty()) return;
    const auto newest = std::min<std::size_t>(alarms_.size(), 5);
    auto& which = alarms_[alarms_.size() - 1 - static_cast<std::size_t>(any_of(static_cast<int>(newest)))];
    const bool untold = groups_.take_back({which.channel, which.opener}, which.raised.finding);
    ASSERT_EQ(untold, model_.take_back(which.channel, which.opener, which.raised.finding));
    if (untold) which.taken_back = true;
  }
  void collect(channel_id to, const std::string& opener, const notice& what, bool begins) {
    groups_.collect(to, opener, what, begins, now_us_);
    model_.collect(to, opener, what, begins, now_us_);
  }
  void tell() {
    std::vector<std::vector<std::string>> found;
    for (const auto& each : groups_.take_due(now_us_)) {
      found.push_back(ids_in(each));
      EXPECT_LE(each.collected.size(), limits::grouped_notices);
      EXPECT_TRUE(names_.insert({each.channel, each.opener, each.first_event}).second) << "an id is given once";
      for (const auto& id : found.back()) told_.push_back(id);
    }
    auto expected = model_.take_due(now_us_);
    std::ranges::sort(found);
    std::ranges::sort(expected);
    ASSERT_EQ(found, expected);
    store();
  }
  void store() {
    for (const auto& key : groups_.changed()) {
      const auto* const it = groups_.find(key);
      if (it == nullptr)
        disk_.erase(key);
      else
        disk_[key] = encode(*it);
    }
    groups_.stored();
  }
  void die() {
    groups_ = notice_groups(model_of_groups::span_us);
    for (const auto& [key, record] : disk_) {
      notice_group read;
      ASSERT_TRUE(decode(record, read));
      groups_.restore(std::move(read));
    }
    groups_.stored();
  }
  std::vector<std::string> expected_to_be_told() {
    std::vector<std::string> out;
    for (const auto& each : alarms_)
      if (!each.taken_back) out.insert(out.end(), each.ids.begin(), each.ids.end());
    std::ranges::sort(out);
    std::ranges::sort(told_);
    return out;
  }

  std::mt19937 random_;
  std::int64_t now_us_ = 1'000 * second_us;
  notice_groups groups_{model_of_groups::span_us};
  model_of_groups model_;
  std::map<notice_groups::key, std::string> disk_;
  std::vector<alarm> alarms_;
  std::vector<std::string> told_;
  std::set<std::tuple<channel_id, std::string, std::uint64_t>> names_;
  sensor_id sensors_ = 0;
  std::uint64_t changes_ = 0;
};

TEST(notice_groups_at_random, tell_what_a_plain_model_tells_over_crashes) {
  const char* const more = std::getenv("FACTORY_GROUP_SEEDS");
  const unsigned seeds = more != nullptr ? static_cast<unsigned>(std::strtoul(more, nullptr, 10)) : 40;
  std::size_t told = 0;
  for (unsigned seed = 1; seed <= seeds && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    random_groups one(seed);
    one.run(400);
    told += one.told();
  }
  EXPECT_GT(told, 100U * seeds);
  RecordProperty("told", std::to_string(told));
}

}  // namespace
}  // namespace factory
