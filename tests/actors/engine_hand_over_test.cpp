// The past is judged again while alerts are open: the live side goes on from what was found there, and all ends as if the readings had come so at first,
// whatever is corrected, reverted, late or cut short by a crash.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <tuple>

#include "actors/support/engine_fixture.hpp"
#include "pipelines/correct/historical.hpp"
#include "support/times.hpp"

namespace factory {
namespace {

using enum correction_action;

using rows = std::map<std::int64_t, double>;

/// How an alert stands: until when, and whether somebody has seen it.
struct standing {
  bool open = false, acknowledged = false;
  std::int64_t ended_us = 0;
  bool operator==(const standing&) const = default;
};
std::ostream& operator<<(std::ostream& out, const standing& it) {
  return out << (it.open ? "open" : "ended " + std::to_string((it.ended_us - ten_us) / second_us))
             << (it.acknowledged ? " seen" : "");
}
/// Source, rule and begin, which are its id.
using alert_name = std::tuple<event_source, rule_id, std::int64_t>;
using alert_list = std::map<alert_name, standing>;

struct engine_hand_over : test::engine_test {
  void TestBody() override {}
  void change(engine_config& config) const override {
    if (!where.empty()) config.data_dir = where;
    config.data_dir /= std::to_string(place);
  }
  /// A sensor with a limit, and two rules: one that waits, one that stays until somebody has seen to it.
  void start_anew() {
    running.reset();
    where.clear();
    ++place;
    begin(1);
    alert_rule slow{0, 1, "slow", rule_condition::greater_than, 0, 80, severity::rule_warning, true};
    slow.options.on_delay_us = 4 * second_us;
    running->create(std::vector{slow}).value();
    alert_rule latched{0, 1, "latched", rule_condition::greater_than, 0, 110, severity::rule_warning, true};
    latched.options.latch = true;
    running->create(std::vector{latched}).value();
  }
  void store(const rows& what) {
    if (what.empty()) return;
    ingest(1, test::timed_values(what.begin(), what.end())).value();
    ASSERT_TRUE(running->settle(60'000));
  }
  /// What a kill in this moment leaves, and a start on it.
  void crash() {
    const auto name = "crash" + std::to_string(++crashes);
    auto left = running->snapshot(name);
    ASSERT_TRUE(left) << left.error().message;
    running.reset();
    const auto from = (where.empty() ? directory.path() : where) / std::to_string(place) / "snapshots" / name;
    where = directory.path() / ("after_" + std::to_string(place) + name);
    std::filesystem::create_directories(where);
    std::filesystem::rename(from, where / std::to_string(place));
    open();
  }
  alert_list alerts() {
    alert_list all;
    const auto found = running->events().alerts({}).value();
    for (const auto& each : found)
      all[{each.stated->key.source, each.stated->key.rule, each.stated->key.event_time_us}] = {
          each.open(), each.acknowledged.has_value(), each.ended ? each.ended->at_us : 0};
    return all;
  }
  event_key key_of(const alert_name& name) const {
    return {1, std::get<2>(name), std::get<0>(name), std::get<1>(name), event_kind::alert_raised};
  }

  int place = 0, crashes = 0;
  std::filesystem::path where;
};
struct engine_hand_over_test : engine_hand_over {};

rows steady(int first, int count, double value) {
  rows out;
  for (int i = first; i < first + count; ++i) out[ten_us + i * second_us] = value;
  return out;
}
std::int64_t at(int second) { return ten_us + second * second_us; }

TEST_F(engine_hand_over_test, a_correction_that_moves_the_begin_of_an_open_alert_leaves_the_moved_one_open) {
  start_anew();
  auto readings = steady(0, 400, 50);
  for (auto& [time_us, value] : readings)
    if (time_us >= at(200)) value = 95;
  store(readings);
  const alert_name old{event_source::max_threshold, 0, at(200)}, moved{event_source::max_threshold, 0, at(250)};
  ASSERT_TRUE(alerts().at(old).open);
  const auto made = correct(at(190), at(250), {replace, 50, 0});
  EXPECT_EQ(followed(made.step).alerts.withdrawn, 2U);  // of the limit, and of the rule that waits
  EXPECT_FALSE(alerts().contains(old));
  EXPECT_TRUE(alerts().at(moved).open);
  store(steady(400, 10, 50));
  EXPECT_EQ(alerts().at(moved), (standing{false, false, at(400)}));
}

TEST_F(engine_hand_over_test, an_open_alert_whose_readings_are_excluded_is_gone_and_the_next_breach_raises_another) {
  start_anew();
  auto readings = steady(0, 200, 50);
  readings.merge(steady(200, 100, 95));
  readings.merge(steady(300, 100, 50));
  readings[at(399)] = 95;
  store(readings);
  ASSERT_TRUE(alerts().at({event_source::max_threshold, 0, at(399)}).open);
  const auto made = correct(at(399), at(400), {exclude, 0, 0});
  EXPECT_EQ(followed(made.step).alerts.withdrawn, 1U);
  EXPECT_FALSE(alerts().contains({event_source::max_threshold, 0, at(399)}));
  store(rows{{at(400), 95}, {at(401), 50}});
  EXPECT_EQ(alerts().at({event_source::max_threshold, 0, at(400)}), (standing{false, false, at(401)}));
}

TEST_F(engine_hand_over_test, an_acknowledgement_stays_with_the_alert_that_stays_the_same) {
  start_anew();
  auto readings = steady(0, 200, 50);
  readings.merge(steady(200, 200, 120));
  store(readings);
  const alert_name latched{event_source::alert_rule, 2, at(200)};
  running->acknowledge(key_of(latched), "Ada", "").value();
  store(steady(400, 10, 120));
  const auto made = correct(at(210), at(220), {replace, 300, 0});
  followed(made.step);
  EXPECT_EQ(alerts().at(latched), (standing{true, true, 0}));
  const auto moved = correct(at(195), at(205), {replace, 50, 0}, "another");
  followed(moved.step);
  EXPECT_FALSE(alerts().contains(latched));
  EXPECT_EQ(alerts().at({event_source::alert_rule, 2, at(205)}), (standing{true, false, 0}));
}

TEST_F(engine_hand_over_test, what_a_correction_changes_notifies_nobody_also_where_the_live_side_tells_it) {
  start_anew();
  store(steady(0, 400, 50));
  const auto made = correct(at(395), at(399), {replace, 500, 0});
  followed(made.step);
  const auto found = running->events().alerts({}).value();
  ASSERT_FALSE(found.empty());
  for (const auto& each : found) EXPECT_TRUE(is_historical(each.stated->key));
}

/// Values that stay above or below the limits for a while.
rows wandering(std::mt19937_64& random, int count) {
  std::normal_distribution<double> noise(0, 1);
  rows out;
  double level = 50;
  int until = 30;
  for (int i = 0; i < count; ++i) {
    if (i == until) {
      const double levels[] = {50, 50, 85, 95, 120};
      level = levels[random() % 5];
      until = i + 1 + static_cast<int>(random() % 60);
    }
    out[at(i)] = level + noise(random);
  }
  return out;
}

struct order_given {
  alert_name of;
  std::int64_t behind_us;
};

void apply(const correction& made, rows& to) {
  for (auto each = to.lower_bound(made.begin_us); each != to.end() && each->first < made.end_us;) {
    if (made.change.action == exclude || made.change.action == flag) {
      each = to.erase(each);
      continue;
    }
    if (made.change.action == scale) each->second *= made.change.number;
    if (made.change.action == offset) each->second += made.change.number;
    if (made.change.action == replace) each->second = made.change.number;
    ++each;
  }
}

struct any_past : engine_hand_over, testing::WithParamInterface<unsigned> {};

/// Times of the live side are those of readings: they come as if it were ten o'clock.
TEST_P(any_past, ends_as_if_the_readings_had_come_so_at_first) {
  std::mt19937_64 random(GetParam());
  start_anew();
  const auto all = wandering(random, 1'200);
  rows stored, kept_back;
  std::vector<correction> made;
  std::vector<order_given> orders;
  auto next = all.begin();
  while (next != all.end()) {
    rows body;
    for (auto left = 1 + random() % 80; left > 0 && next != all.end(); --left, ++next)
      (stored.size() > 100 && random() % 9 == 0 ? kept_back : body).insert(*next);
    store(body);
    stored.merge(body);
    if (random() % 6 == 0) {
      store(kept_back);
      stored.merge(kept_back);
      kept_back.clear();
    }
    const auto newest_us = stored.rbegin()->first;
    const auto span = (newest_us - ten_us) / second_us;
    if (random() % 3 == 0) {
      const auto begin = static_cast<int>(random() % static_cast<std::uint64_t>(span + 1));
      const auto length = static_cast<int>(1 + random() % 15);
      const reading_change changes[] = {{exclude, 0, 0},  {scale, 0.6, 0},   {offset, 45, 0},
                                        {replace, 50, 0}, {replace, 120, 0}, {flag, 0, flag_bad}};
      auto one = correct(at(begin), at(begin + length), changes[random() % 6], "turn " + std::to_string(made.size()));
      made.push_back(std::move(one));
    }
    if (!made.empty() && random() % 4 == 0) {
      auto& back = made[random() % made.size()];
      if (!back.reverted) back = running->revert_correction(back.id, "Bob", "testing").value();
    }
    if (random() % 5 == 0) crash();
    if (random() % 8 == 0) open();
    if (random() % 3 == 0) {
      judged();
      const auto known = alerts();
      for (const auto& [name, is] : known) {
        if (is.acknowledged || random() % 2 == 0) continue;
        orders.push_back({name, stored.rbegin()->first});
        running->acknowledge(key_of(name), "Ada", "").value();
      }
    }
  }
  store(kept_back);
  stored.merge(kept_back);
  judged();
  auto ends = alerts();
  const auto digest = running->events().digest();

  for (const auto& each : made)
    if (!each.reverted) apply(each, stored);
  start_anew();
  auto from = stored.begin();
  std::set<alert_name>
      not_there;  // their readings were excluded since: it takes a later one to show that a delay had ended by then
  for (const auto& order : orders) {
    const auto until = stored.upper_bound(order.behind_us);
    store({from, until});
    from = until;
    if (!running->acknowledge(key_of(order.of), "Ada", "")) not_there.insert(order.of);
  }
  store({from, stored.end()});
  judged();
  for (const auto& name : not_there)
    if (const auto at = ends.find(name); at != ends.end()) at->second.acknowledged = false;
  EXPECT_EQ(ends, alerts());
  EXPECT_EQ(digest, running->events().digest());
}

INSTANTIATE_TEST_SUITE_P(seeds, any_past, testing::Range(1U, 25U));

/// A machine that is switched off for a while, with spikes before and behind.
rows with_a_stop(unsigned seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> noise(0, 1);
  rows out;
  for (int i = 0; i < 1'500; ++i) out[at(i)] = i >= 600 && i < 900 ? 3 + noise(random) / 100 : 50 + noise(random);
  for (const int spike : {300, 700, 1'200}) out[at(spike)] += 25;
  return out;
}

struct engine_rest : engine_hand_over {
  annotation stop(bool excludes = true) {
    annotation wanted;
    wanted.sensor = 1;
    wanted.kind = annotation_kind::planned_stop;
    wanted.begin_us = at(600);
    wanted.end_us = at(900);
    wanted.text = "lunch";
    wanted.by = "Ada";
    wanted.exclude_from_baseline = excludes;
    return wanted;
  }
  void store_in_bodies(const rows& all, int size) {
    rows body;
    for (const auto& each : all) {
      body.insert(each);
      if (static_cast<int>(body.size()) < size) continue;
      store(body);
      body.clear();
    }
    store(body);
  }
  std::size_t anomalies_within(std::int64_t begin_us, std::int64_t end_us) {
    anomaly_query asked;
    asked.range = {begin_us, end_us};
    return running->events().anomalies(asked).value().rows.size();
  }
};
struct engine_rest_test : engine_rest {};

TEST_F(engine_rest_test, readings_of_a_span_that_is_excluded_are_neither_judged_nor_learned) {
  start_anew();
  store_in_bodies(with_a_stop(1), 50);
  judged();
  EXPECT_GT(anomalies_within(at(600), at(900)), 0U);
  start_anew();
  running->annotate(stop()).value();
  judged();
  store_in_bodies(with_a_stop(1), 50);
  judged();
  EXPECT_EQ(anomalies_within(at(600), at(900)), 0U);
  EXPECT_GT(anomalies_within(at(300), at(301)), 0U);
  EXPECT_GT(anomalies_within(at(1'200), at(1'201)), 0U);
}

TEST_F(engine_rest_test, it_makes_no_difference_when_the_span_is_noted_or_what_a_crash_cuts_short) {
  const auto readings = with_a_stop(2);
  start_anew();
  store_in_bodies(readings, 50);
  judged();
  const auto without = running->events().digest();
  start_anew();
  running->annotate(stop()).value();
  store_in_bodies(readings, 50);
  judged();
  const auto noted_first = running->events().digest();
  EXPECT_NE(noted_first, without);

  for (const int at_body : {5, 14, 20, 30}) {
    SCOPED_TRACE(at_body);
    start_anew();
    int body = 0;
    annotation made;
    for (auto from = readings.begin(); from != readings.end(); ++body) {
      const auto until = std::next(from, std::min<std::ptrdiff_t>(50, std::distance(from, readings.end())));
      store({from, until});
      from = until;
      if (body + 1 != at_body) continue;
      made = running->annotate(stop()).value();
      crash();
    }
    judged();
    EXPECT_EQ(running->events().digest(), noted_first);
    ASSERT_TRUE(running->remove_annotation(made.id));
    crash();
    judged();
    EXPECT_EQ(running->events().digest(), without);
  }
}

TEST_F(engine_rest_test, a_change_of_the_span_or_of_the_member_is_followed_and_a_change_of_the_text_is_none) {
  const auto readings = with_a_stop(3);
  start_anew();
  store_in_bodies(readings, 50);
  auto made = running->annotate(stop(false)).value();
  EXPECT_EQ(made.correction, 0U);
  judged();
  const auto without = running->events().digest();
  made.exclude_from_baseline = true;
  made = running->change_annotation(made).value();
  ASSERT_NE(made.correction, 0U);
  judged();
  EXPECT_EQ(anomalies_within(at(600), at(900)), 0U);
  const auto whole = running->events().digest();
  const auto first = made.correction;
  made.text = "supper";
  EXPECT_EQ(running->change_annotation(made)->correction, first);
  EXPECT_EQ(running->revert_correction(first, "Bob", "no").error().code, errc::conflict);
  made.end_us = at(750);
  made = running->change_annotation(made).value();
  EXPECT_NE(made.correction, first);
  judged();
  EXPECT_GT(anomalies_within(at(900), at(920)), 0U);  // what comes is held against the stop again
  made.end_us = at(900);
  made = running->change_annotation(made).value();
  judged();
  EXPECT_EQ(running->events().digest(), whole);
  made.exclude_from_baseline = false;
  running->change_annotation(made).value();
  judged();
  EXPECT_EQ(running->events().digest(), without);
}

}  // namespace
}  // namespace factory
