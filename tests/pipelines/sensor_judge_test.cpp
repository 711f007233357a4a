#include "pipelines/judge/sensor_judge.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <utility>
#include <vector>

#include "pipelines/judge/revisable.hpp"
#include "support/times.hpp"

namespace factory {
namespace {

constexpr std::int64_t judge_lateness_us = 600 * second_us;
using rows_of_sensor = std::vector<std::pair<std::int64_t, double>>;
using known_events = std::map<event_key, event>;

/// Hours of readings with faults of all kinds, gaps among them.
rows_of_sensor troubled(unsigned seed, std::size_t count) {
  std::mt19937 random(seed);
  std::normal_distribution<double> noise(0, 1);
  std::uniform_int_distribution<int> chance(0, 999);
  rows_of_sensor out;
  std::int64_t time_us = 1'767'225'600 * second_us;
  double off = 0, stuck_at = 0;
  int stuck = 0;
  while (out.size() < count) {
    time_us += chance(random) < 2 ? 400 * second_us : 10 * second_us;
    if (chance(random) < 5) off = off == 0 ? 25 : 0;
    if (chance(random) < 3) stuck = 40;
    double value = 50 + off + noise(random) + (chance(random) < 5 ? 40 : 0);
    if (stuck-- > 0) value = stuck_at;
    stuck_at = value;
    out.emplace_back(time_us, value);
  }
  return out;
}

void expect_same(const known_events& known, const known_events& wanted) {
  EXPECT_EQ(known.size(), wanted.size());
  for (const auto& [key, is] : wanted) {
    const auto at = known.find(key);
    ASSERT_NE(at, known.end()) << finding_id(key);
    EXPECT_TRUE(event_judge::same(at->second, is)) << finding_id(key);
  }
}

known_events in_order(const rows_of_sensor& rows, std::size_t portion) {
  revisable<sensor_judge> judged(sensor_judge(7, {}));
  known_events out;
  for (std::size_t i = 0; i < rows.size(); i += portion) {
    std::vector<std::int64_t> times_us;
    std::vector<double> values;
    for (std::size_t k = i; k < std::min(rows.size(), i + portion); ++k) {
      times_us.push_back(rows[k].first);
      values.push_back(rows[k].second);
    }
    std::vector<event> found;
    judged.append(times_us, values, 0, found);
    judged.settle(times_us.back() - judge_lateness_us);
    for (const auto& each : found)
      EXPECT_TRUE(out.emplace(each.key, each).second) << "two events of one key: " << finding_id(each.key);
  }
  return out;
}

TEST(sensor_judge, portions_do_not_matter_and_no_two_events_share_a_key) {
  for (const unsigned seed : {1U, 2U, 3U}) {
    const auto rows = troubled(seed, 4'000);
    const auto one_by_one = in_order(rows, 1);
    EXPECT_GT(one_by_one.size(), 50U);
    expect_same(in_order(rows, 97), one_by_one);
    expect_same(in_order(rows, rows.size()), one_by_one);
  }
}

TEST(sensor_judge, the_order_of_arrival_does_not_matter_within_the_lateness) {
  for (const unsigned seed : {11U, 12U, 13U}) {
    const auto rows = troubled(seed, 3'000);
    auto arriving = rows;
    std::mt19937 random(seed);
    for (std::size_t i = 0; i + 20 < arriving.size(); i += 20)
      if (random() % 4 == 0)
        std::shuffle(arriving.begin() + static_cast<std::ptrdiff_t>(i), arriving.begin() + static_cast<std::ptrdiff_t>(i) + 20,
                     random);
    revisable<sensor_judge> judged(sensor_judge(7, {}));
    known_events known;
    std::int64_t newest_us = INT64_MIN;
    for (const auto& [time_us, value] : arriving) {
      revisable<sensor_judge>::differences differences;
      std::vector<event> found;
      if (time_us > newest_us) {
        judged.append({&time_us, 1}, {&value, 1}, 0, found);
        newest_us = time_us;
      } else {
        judged.put({&time_us, 1}, {&value, 1});
        judged.revise(0, differences);
      }
      for (const auto& [before, after] : differences) {
        if (before) {
          EXPECT_EQ(known.erase(before->key), 1U) << "withdraws what was never told";
        }
        if (after) {
          EXPECT_TRUE(known.emplace(after->key, *after).second);
        }
      }
      for (const auto& each : found) EXPECT_TRUE(known.emplace(each.key, each).second);
      judged.settle(newest_us - judge_lateness_us);
    }
    expect_same(known, in_order(rows, 1));
  }
}

TEST(sensor_judge, an_episode_is_told_with_its_figures_and_a_sentence) {
  auto rows = troubled(5, 0);
  for (int i = 0; i < 1'000; ++i)
    rows.emplace_back(1'767'225'600 * second_us + i * 10 * second_us, i == 900 ? 90 : 20 + i * 7 % 5);
  std::vector<event> found;
  for (const auto& [key, is] : in_order(rows, 1'000)) found.push_back(is);
  const auto opened =
      std::find_if(found.begin(), found.end(), [](const event& e) { return e.key.kind == event_kind::anomaly_opened; });
  ASSERT_NE(opened, found.end());
  EXPECT_EQ(opened->key.source, event_source::spike);
  EXPECT_EQ(opened->value, 90);
  const auto& detail = std::get<episode_detail>(opened->detail);
  EXPECT_EQ(detail.what, "spike");
  EXPECT_EQ(detail.begin_us, rows[900].first);
  EXPECT_GE(detail.score, 1);
  EXPECT_TRUE(opened->explanation.starts_with("Spike: 90 where ")) << opened->explanation;
}

/// Findings of rows in order by a judge that rests in a span, observed in portions, and stored between.
known_events resting(const rows_of_sensor& rows, const time_range& span, std::size_t portion) {
  sensor_judge judge(7, {});
  judge.rest({span});
  recent_rows all;
  std::vector<event> found;
  for (std::size_t i = 0; i < rows.size(); i += portion) {
    const auto first = all.size();
    for (std::size_t k = i; k < std::min(rows.size(), i + portion); ++k) all.append({&rows[k].first, 1}, {&rows[k].second, 1});
    judge.observe(all, first, all.size(), 0, found);
    std::string bytes;
    judge.encode(bytes);
    judge = sensor_judge(7, {});
    std::string_view in = bytes;
    EXPECT_TRUE(judge.decode(in));
    EXPECT_TRUE(in.empty());
  }
  known_events out;
  for (const auto& each : found) out[each.key] = each;
  return out;
}

TEST(sensor_judge, neither_judges_nor_learns_where_it_rests_whatever_the_values_and_the_portions) {
  for (unsigned seed = 1; seed <= 3; ++seed) {
    auto rows = troubled(seed, 4'000);
    const time_range span{rows[1'500].first, rows[2'200].first};
    const auto wanted = resting(rows, span, 4'000);
    for (const auto& [key, each] : wanted)
      if (each.key.source != event_source::silent && role_of(key.kind) == event_role::states) {
        EXPECT_FALSE(each.at_us >= span.begin_us && each.at_us < span.end_us);
      }
    for (const std::size_t portion : {1U, 7U, 512U}) expect_same(resting(rows, span, portion), wanted);
    for (std::size_t row = 1'500; row < 2'200; ++row) rows[row].second = 1e6 * static_cast<double>(row % 13);
    expect_same(resting(rows, span, 100), wanted);
  }
}

}  // namespace
}  // namespace factory
