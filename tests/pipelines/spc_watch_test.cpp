#include "pipelines/judge/spc_watch.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "pipelines/detect/state_fields.hpp"
#include "pipelines/judge/revisable.hpp"
#include "pipelines/judge/revision_book.hpp"
#include "pipelines/judge/sensor_judge.hpp"
#include "pipelines/model/finding.hpp"
#include "support/times.hpp"

namespace factory {
namespace {

/// Centre 50, sigma 1.
spc_rules both_sets(std::uint32_t subgroup = 1, std::uint32_t version = 1) {
  return {true, true, {version, subgroup, 50, range_constants_of(std::max(subgroup, 2U)).d2, 25}};
}

struct watched_points {
  spc_rules how = both_sets();
  spc_watch watch;
  std::vector<spc_watch::change> said;
  std::int64_t next_us = 0;

  void take(double value) {
    watch.observe(next_us, value, how, how.against.limits(), said);
    next_us += second_us;
  }
  void take_calm(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) take(50 + std::array{0.3, -0.2, 1.1, 0.4, -0.1, -1.2}[i % 6]);
  }
  std::vector<spc_watch::change> of(event_source set, std::uint8_t number, episode_change::kind what) const {
    std::vector<spc_watch::change> out;
    for (const auto& each : said)
      if (source_of(runs_rules()[each.rule].set) == set && runs_rules()[each.rule].number == number && each.what.what == what)
        out.push_back(each);
    return out;
  }
};
using kind = episode_change::kind;

TEST(spc_watch, a_point_beyond_three_sigma_is_an_episode_of_rule_1_over_with_the_next_calm_point) {
  watched_points points;
  points.take_calm(30);
  ASSERT_TRUE(points.said.empty()) << name_of_violation(points.said[0].rule);
  points.take(54.5);
  points.take(56);
  points.take_calm(1);
  for (const auto set : {event_source::western_electric, event_source::nelson}) {
    const auto opened = points.of(set, 1, kind::opened), closed = points.of(set, 1, kind::closed);
    ASSERT_EQ(opened.size(), 1U);
    ASSERT_EQ(closed.size(), 1U);
    EXPECT_EQ(opened[0].what.now.begin_us, 30 * second_us);
    const auto& is = closed[0].what.now;
    EXPECT_EQ(is.end_us, 31 * second_us);
    EXPECT_EQ(is.count, 2U);
    EXPECT_EQ(is.peak.value, 56);
    EXPECT_DOUBLE_EQ(is.score, 2);
    EXPECT_DOUBLE_EQ(is.peak.high, 53);
  }
}

TEST(spc_watch, a_run_begins_with_its_first_point_and_its_score_grows_with_its_length) {
  watched_points points;
  points.take_calm(30);
  for (int i = 0; i < 18; ++i) points.take(50.4);
  const auto opened = points.of(event_source::nelson, 2, kind::opened);
  ASSERT_EQ(opened.size(), 1U);
  EXPECT_EQ(opened[0].what.now.begin_us, 30 * second_us);
  EXPECT_EQ(opened[0].what.at_us, 38 * second_us) << "at the ninth point on one side";
  EXPECT_EQ(opened[0].what.now.count, 9U);
  EXPECT_EQ(opened[0].what.now.score, 1);
  const auto open = points.watch.open();
  const auto run = std::ranges::find_if(open, [](const auto& each) { return name_of_violation(each.rule) == "nelson_2"; });
  ASSERT_NE(run, open.end());
  EXPECT_EQ(run->what.now.count, 18U);
  EXPECT_EQ(run->what.now.score, 2);
  EXPECT_NE(explain_violation(run->rule, run->what.now, points.how, "mm").find("Nelson rule 2, nine points in a row"),
            std::string::npos);
}

TEST(spc_watch, an_episode_is_told_again_when_it_grows_by_a_tenth_and_what_was_told_is_known) {
  watched_points points;
  points.take_calm(30);
  double told = 0;
  for (const double value : {54.5, 54.6, 54.94, 54.96, 54.0, 56.9, 57.0}) {  // scores of rule 1: a third of the distance
    points.take(value);
    for (const auto& each : points.said)
      if (name_of_violation(each.rule) == "nelson_1") told = each.what.now.score;
    const auto now = points.watch.told();
    const auto rule_1 = std::ranges::find_if(now, [](const auto& each) { return name_of_violation(each.rule) == "nelson_1"; });
    ASSERT_NE(rule_1, now.end());
    EXPECT_EQ(rule_1->what.now.score, told);
    EXPECT_EQ(rule_1->what.now.level, severity_of_score(told));
  }
  const auto updated = points.of(event_source::nelson, 1, kind::updated);
  ASSERT_EQ(updated.size(), 2U);
  EXPECT_NEAR(updated[0].what.now.score, 4.96 / 3, 1e-9);
  EXPECT_NEAR(updated[1].what.now.score, 6.9 / 3, 1e-9);
  EXPECT_EQ(updated[1].what.now.updates, 2U);
  EXPECT_NEAR(points.watch.open()[0].what.now.score, 7.0 / 3, 1e-9);
}

TEST(spc_watch, points_of_subgroups_are_means_and_one_set_alone_says_nothing_of_the_other) {
  watched_points points;
  points.how = both_sets(4);
  points.how.nelson = false;
  for (int i = 0; i < 8; ++i) points.take(50);
  for (int i = 0; i < 4; ++i) points.take(52);  // a mean of 52 is four sigmas of a point away
  EXPECT_EQ(points.of(event_source::western_electric, 1, kind::opened).size(), 1U);
  EXPECT_TRUE(points.of(event_source::nelson, 1, kind::opened).empty());
  EXPECT_EQ(points.said[0].what.now.begin_us, 11 * second_us) << "the last reading of its subgroup";
}

TEST(spc_watch, finds_what_the_chart_of_the_same_points_shows) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    std::mt19937 random(seed);
    std::normal_distribution<double> noise(0, 1.3);
    watched_points points;
    std::vector<double> values;
    for (int i = 0; i < 400; ++i) values.push_back(50 + noise(random) + (random() % 90 == 0 ? 4 : 0));
    for (const double value : values) points.take(value);
    points.take_calm(30);
    std::map<std::size_t, std::vector<bool>> shown, found;
    for (std::size_t rule = 0; rule < runs_rule_count; ++rule) shown[rule] = found[rule] = std::vector<bool>(430);
    std::vector<double> all = values;
    for (std::size_t i = 0; i < 30; ++i) all.push_back(50 + std::array{0.3, -0.2, 1.1, 0.4, -0.1, -1.2}[i % 6]);
    for (const auto& each : find_violations(all, points.how.against.limits()))
      for (auto i = each.begin; i < each.end; ++i) shown[each.rule][i] = true;
    for (const auto& each : points.said) {
      if (each.what.what != kind::closed) continue;
      for (auto i = each.what.now.begin_us / second_us; i <= each.what.now.end_us / second_us; ++i)
        found[each.rule][static_cast<std::size_t>(i)] = true;
    }
    for (const auto& each : points.watch.open())
      for (auto i = each.what.now.begin_us / second_us; i <= each.what.now.end_us / second_us; ++i)
        found[each.rule][static_cast<std::size_t>(i)] = true;
    EXPECT_EQ(found, shown) << seed;
  }
}

TEST(spc_watch, goes_on_when_stored_and_read_back) {
  std::mt19937 random(3);
  std::normal_distribution<double> noise(50, 1.5);
  watched_points whole, pieces;
  for (int i = 0; i < 500; ++i) {
    const double value = noise(random);
    whole.take(value);
    pieces.take(value);
    if (i % 7 != 0) continue;
    std::string bytes;
    state::writer write{bytes};
    spc_watch::fields(pieces.watch, write);
    std::string_view in = bytes;
    state::reader read{in};
    spc_watch again;
    spc_watch::fields(again, read);
    ASSERT_TRUE(read.ok && in.empty());
    EXPECT_EQ(again, pieces.watch);
    pieces.watch = again;
  }
  ASSERT_EQ(pieces.said.size(), whole.said.size());
  for (std::size_t i = 0; i < whole.said.size(); ++i) EXPECT_EQ(pieces.said[i].what.now, whole.said[i].what.now);
  EXPECT_GT(whole.said.size(), 20U);
}

/// A sensor's judge as the actor runs it, with settings that change amid the readings.
struct judged_sensor {
  revisable<sensor_judge> judged{sensor_judge(7, {})};
  revision_book book;
  std::map<event_key, std::vector<event>> known;

  void keep(const std::vector<event>& said) {
    for (const auto& each : said) known[with_kind(each.key, {})].push_back(each);
  }
  void take(std::int64_t time_us, double value) {
    std::vector<event> found;
    const auto newest_us = std::max(judged.rows().empty() ? INT64_MIN : judged.rows().newest_us(), judged.newest_command_us());
    if (time_us > newest_us) {
      judged.append({&time_us, 1}, {&value, 1}, 0, found);
      book.tell(std::span(found));
      return keep(found);
    }
    judged.put({&time_us, 1}, {&value, 1});
    revisable<sensor_judge>::differences differences;
    judged.revise(0, differences);
    book.tell(differences, "a reading came late", 0, found);
    keep(found);
  }
  void follow(const stream_rules& rules, std::int64_t at_us) {
    std::vector<event> found;
    revisable<sensor_judge>::differences differences;
    judged.apply({rules, 0}, at_us, 0, differences);
    book.tell(differences, "settings were changed", 0, found);
    keep(found);
  }
  void store_and_read() {
    std::string bytes;
    judged.encode(bytes);
    std::string_view in = bytes;
    judged = revisable<sensor_judge>(sensor_judge(7, {}));
    ASSERT_TRUE(judged.decode(in));
  }
  std::string digest() const {
    std::string out;
    for (const auto& [key, events] : known) put_for_digest(out, fold_finding(events));
    return out;
  }
  std::size_t broken_rules() const {
    return static_cast<std::size_t>(std::ranges::count_if(known, [](const auto& each) {
      const auto source = each.first.source;
      return (source == event_source::nelson || source == event_source::western_electric) && fold_finding(each.second).holds();
    }));
  }
};

TEST(spc_watch, what_is_broken_is_a_function_of_the_readings_and_of_when_limits_changed_whatever_the_order) {
  for (unsigned seed = 1; seed <= 12; ++seed) {
    std::mt19937 random(seed);
    std::normal_distribution<double> noise(0, 1.4);
    judged_sensor ordered, other;
    for (int part = 0; part < 8; ++part) {
      stream_rules rules;
      rules.spc = both_sets(part % 3 == 2 ? 3 : 1, static_cast<std::uint32_t>(part + 1));
      rules.spc.nelson = part % 2 == 0;
      if (part == 5) rules.spc = {};
      const auto begin_us = part * 120 * second_us;
      ordered.follow(rules, begin_us - 1);
      other.follow(rules, begin_us - 1);
      std::vector<std::pair<std::int64_t, double>> rows;
      for (int i = 0; i < 120; ++i)
        rows.emplace_back(begin_us + i * second_us, 50 + noise(random) + (part == 3 && i > 60 ? 2 : 0));
      for (const auto& [time_us, value] : rows) ordered.take(time_us, value);
      for (std::size_t i = 0; i + 10 <= rows.size(); i += 10)
        std::shuffle(rows.begin() + static_cast<std::ptrdiff_t>(i), rows.begin() + static_cast<std::ptrdiff_t>(i + 10), random);
      for (const auto& [time_us, value] : rows) {
        if (random() % 6 == 0) other.take(time_us, value + 5);  // wrong at first
        other.take(time_us, value);
        if (random() % 50 == 0) other.store_and_read();
      }
    }
    EXPECT_GT(ordered.broken_rules(), 10U) << seed;
    EXPECT_EQ(other.broken_rules(), ordered.broken_rules()) << seed;
    EXPECT_TRUE(other.digest() == ordered.digest()) << seed;
  }
}

}  // namespace
}  // namespace factory
