// Within the allowed lateness the findings of a sensor are a function of its readings, not of how they came.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <map>
#include <random>
#include <set>

#include "actors/sensors/sensor_state.hpp"
#include "pipelines/alarm/judged_alarms.hpp"
#include "pipelines/model/finding.hpp"
#include "support/times.hpp"

namespace factory {
namespace {

constexpr sensor_id ordered = 1;
const stream_rules rules{.z_min_readings = 10, .z_threshold = 2.5, .spc = {true, true, {1, 1, 50, 8, 25}}};

using rows = std::vector<std::pair<std::int64_t, double>>;

/// A sensor and its alarms as the actors run them, and what the event log keeps of what they say.
struct followed_sensor {
  sensor_state state{ordered, rules};
  judged_alarms alarms;
  std::map<event_key, std::vector<event>> known;  ///< what was said of each finding
  std::size_t events = 0, alarm_rows = 0, corrections = 0;
  bool (*is_bad)(double value) = nullptr;  ///< readings of bad quality

  void configure(const sensor_config& config, std::int64_t received_at_us) {
    const auto place = state.watch(needs_of(config), received_at_us);
    std::vector<event> said;
    alarms.observe(place.newer, state.floor_us(), received_at_us, said, state.take_anomaly_changes());
    alarms.configure(config, place.at_us, state.floor_us(), received_at_us, said);
    keep(said);
  }
  void take(const rows& body, std::int64_t received_at_us) {
    reading_batch batch;
    for (const auto& [time_us, value] : body) {
      batch.event_time_us.push_back(time_us);
      batch.value.push_back(value);
      if (is_bad) batch.flags.push_back(is_bad(value) ? flag_bad : flag_none);
    }
    batch.slices.push_back({ordered, 0, static_cast<std::uint32_t>(body.size())});
    auto found = state.apply(received_at_us, batch, batch.slices.front());
    keep(found.events);
    if (found.alarms_restart) alarms.begin_anew();
    std::vector<event> said;
    const auto anomalies = state.take_anomaly_changes();
    if (!found.alarm_rows.empty() || !anomalies.empty())
      alarms.observe(found.alarm_rows, state.floor_us(), received_at_us, said, anomalies);
    keep(said);
    alarm_rows += found.alarm_rows.size();
  }
  void let_time_pass(std::int64_t until_us) {
    std::vector<event> said;
    alarms.advance(until_us, until_us, said);
    keep(said);
  }
  void keep(const std::vector<event>& said) {
    for (const auto& each : said) {
      EXPECT_TRUE(keys.insert(each.key).second) << finding_id(each.key) << " is told twice: " << to_text(each.key.kind);
      known[with_kind(each.key, {})].push_back(each);
      ++events;
      if (role_of(each.key.kind) == event_role::corrects) ++corrections;
    }
  }
  void store_and_read() {
    std::string bytes;
    state.encode(bytes);
    const auto size = bytes.size();
    alarms.encode(bytes);
    std::string_view in = bytes;
    state = sensor_state(ordered, rules);
    alarms = judged_alarms();
    ASSERT_TRUE(state.decode(in));
    ASSERT_EQ(in.size(), bytes.size() - size);
    ASSERT_TRUE(alarms.decode(in));
    EXPECT_TRUE(in.empty());
    state.watch_again(alarms.needs());
  }
  std::string digest() const {
    std::string out;
    for (const auto& [key, events_of_it] : known) put_for_digest(out, fold_finding(events_of_it));
    return out;
  }
  std::size_t holding() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(known, [](const auto& each) { return fold_finding(each.second).holds(); }));
  }

  std::set<event_key> keys;
};

/// A plant's signal: noise around a level that jumps now and then, spikes, and stretches that do not move.
rows signal(std::mt19937& random, std::int64_t begin_us, std::size_t count) {
  std::normal_distribution<double> noise(0, 2);
  rows made;
  double level = 50;
  for (std::size_t i = 0; i < count; ++i) {
    if (random() % 60 == 0) level = 30 + static_cast<double>(random() % 40);
    const double value = random() % 25 == 0 ? level + 30 : random() % 3 == 0 ? level : level + noise(random);
    made.emplace_back(begin_us + static_cast<std::int64_t>(i) * second_us, value);
  }
  return made;
}

sensor_config limits_of(std::mt19937& random) {
  sensor_config config{ordered, {}, {}};
  if (random() % 4 != 0) config.thresholds.max = 60.0 + static_cast<double>(random() % 20);
  if (random() % 2 != 0) config.thresholds.min = 25.0 + static_cast<double>(random() % 20);
  if (random() % 2 != 0)
    config.rules.push_back(alert_rule{1, ordered, "r", rule_condition::greater_than, 0, 65, severity::rule_warning, true});
  for (rule_id number = 2; number < 4; ++number) {
    if (random() % 3 == 0) continue;
    alert_rule about{number, ordered, "a", rule_condition::anomaly, 0, 0, severity::rule_warning, true};
    about.options.anomalies.score = 1 + static_cast<double>(random() % 3) / 2;
    if (random() % 2 == 0)
      about.options.anomalies.detectors = detector_bit(detector::level_shift) | detector_bit(detector::stuck);
    about.options.on_delay_us = static_cast<std::int64_t>(random() % 3) * second_us;
    about.options.off_delay_us = static_cast<std::int64_t>(random() % 3) * second_us;
    config.rules.push_back(about);
  }
  return config;
}

/// Each reading as late as is allowed at most, some twice, some wrong at first.
rows disordered(std::mt19937& random, const rows& in_order, std::int64_t most_late_us) {
  std::multimap<std::int64_t, std::pair<std::int64_t, double>> by_arrival;
  for (const auto& [time_us, value] : in_order) {
    const auto late = [&] { return random() % 5 == 0 ? static_cast<std::int64_t>(random() % (most_late_us / 2)) : 0; };
    const auto arrival_us = time_us + late(), corrected_us = arrival_us + late();
    if (random() % 10 == 0) by_arrival.emplace(arrival_us, std::pair{time_us, value + static_cast<double>(random() % 40)});
    by_arrival.emplace(corrected_us, std::pair{time_us, value});
    if (random() % 10 == 0) by_arrival.emplace(corrected_us + 1, std::pair{time_us, value});
  }
  rows out;
  for (const auto& [arrival_us, row] : by_arrival) out.push_back(row);
  return out;
}

template <class Take>
void in_bodies(const rows& all, std::size_t size, Take take) {
  for (std::size_t at = 0; at < all.size(); at += size) {
    const auto from = all.begin() + static_cast<std::ptrdiff_t>(at);
    take({from, from + static_cast<std::ptrdiff_t>(std::min(size, all.size() - at))});
  }
}

struct any_order : testing::TestWithParam<unsigned> {};

TEST_P(any_order, of_arrival_gives_the_same_findings) {
  std::mt19937 random(GetParam());
  const auto readings = signal(random, ten_us, 3'000);
  const auto config = limits_of(random);
  constexpr std::int64_t received_us = ten_us + 1'000'000 * second_us;

  followed_sensor ordered;
  ordered.configure(config, received_us);
  ordered.take(readings, received_us);
  EXPECT_GT(ordered.holding(), 20U);
  EXPECT_EQ(ordered.corrections, 0U);
  for (const std::size_t size : {1U, 13U, 200U}) {
    followed_sensor other;
    other.configure(config, received_us);
    in_bodies(disordered(random, readings, rules.allowed_lateness_us), size, [&](const rows& body) {
      other.take(body, received_us);
      if (random() % 40 == 0) other.store_and_read();
    });
    EXPECT_EQ(other.state.status().late, 0U);
    EXPECT_TRUE(other.digest() == ordered.digest()) << "bodies of " << size;
    EXPECT_TRUE(size > 1 || other.corrections > 0);
  }
}

/// So that a correction often is of another quality.
bool has_bad_bits(double value) { return (std::bit_cast<std::uint64_t>(value) * 0x9E3779B97F4A7C15U >> 32U) % 6 == 0; }

TEST_P(any_order, of_readings_of_which_some_are_bad_gives_the_findings_of_the_good_ones) {
  std::mt19937 random(GetParam());
  const auto readings = signal(random, ten_us, 2'000);
  const auto config = limits_of(random);
  constexpr std::int64_t received_us = ten_us + 1'000'000 * second_us;
  auto good = readings;
  std::erase_if(good, [](const auto& row) { return has_bad_bits(row.second); });
  ASSERT_LT(good.size(), readings.size());

  followed_sensor ordered;
  ordered.configure(config, received_us);
  ordered.take(good, received_us);
  EXPECT_GT(ordered.holding(), 10U);
  for (const std::size_t size : {1U, 13U, 200U}) {
    followed_sensor other;
    other.is_bad = has_bad_bits;
    other.configure(config, received_us);
    in_bodies(disordered(random, readings, rules.allowed_lateness_us), size, [&](const rows& body) {
      other.take(body, received_us);
      if (random() % 40 == 0) other.store_and_read();
    });
    EXPECT_EQ(other.state.status().late, 0U);
    EXPECT_GE(other.state.status().left_out, readings.size() - good.size());
    EXPECT_TRUE(other.digest() == ordered.digest()) << "bodies of " << size;
  }
}

TEST_P(any_order, of_readings_of_which_some_are_bad_gives_the_same_alerts_about_their_quality) {
  std::mt19937 random(GetParam());
  const auto readings = signal(random, ten_us, 2'000);
  sensor_config config{ordered, {}, {}};
  alert_rule stale{1, ordered, "q", rule_condition::stale_quality, 0, 0, severity::rule_warning, true};
  stale.options.silence_us = 2 * second_us;
  stale.options.on_delay_us = static_cast<std::int64_t>(random() % 2) * second_us / 2;
  config.rules.push_back(stale);
  constexpr std::int64_t received_us = ten_us + 1'000'000 * second_us;
  followed_sensor in_line;
  in_line.is_bad = has_bad_bits;
  in_line.configure(config, received_us);
  in_line.take(readings, received_us);
  in_line.let_time_pass(received_us);
  EXPECT_GT(std::ranges::count_if(in_line.known, [](const auto& each) { return each.first.source == event_source::alert_rule; }),
            20);
  for (const std::size_t size : {1U, 13U, 200U}) {
    followed_sensor other;
    other.is_bad = has_bad_bits;
    other.configure(config, received_us);
    in_bodies(disordered(random, readings, rules.allowed_lateness_us), size, [&](const rows& body) {
      other.take(body, received_us);
      if (random() % 40 == 0) other.store_and_read();
    });
    other.let_time_pass(received_us);
    EXPECT_TRUE(other.digest() == in_line.digest()) << "bodies of " << size;
  }
}

TEST_P(any_order, of_readings_between_two_changes_of_limits_gives_the_same_findings) {
  std::mt19937 random(GetParam());
  std::vector<followed_sensor> sensors(3);
  const std::vector<std::size_t> sizes{1'000, 1, 7};
  auto config = limits_of(random);
  for (int round = 0; round < 30; ++round) {
    const auto begin_us = ten_us + round * 40 * second_us;
    rows fresh = signal(random, begin_us, 40);
    for (int i = 0; i < 10 && round > 0; ++i)  // behind the change of limits, for times before it
      fresh.emplace_back(begin_us - static_cast<std::int64_t>(random() % 15) * second_us - 1,
                         40.0 + static_cast<double>(random() % 50));
    std::ranges::sort(fresh);
    fresh.erase(std::ranges::unique(fresh, {}, &rows::value_type::first).begin(), fresh.end());
    const auto received_us = begin_us + 40 * second_us;
    const bool change = round % 4 == 0, store = round % 5 == 0;
    if (change) config = limits_of(random);
    for (std::size_t i = 0; i < sensors.size(); ++i) {
      if (change) sensors[i].configure(config, begin_us);
      in_bodies(fresh, sizes[i], [&](const rows& body) { sensors[i].take(body, received_us); });
      if (store && i > 0) sensors[i].store_and_read();
      std::ranges::shuffle(fresh, random);
    }
  }
  EXPECT_GT(sensors[0].holding(), 5U);
  EXPECT_EQ(sensors[0].state.status().late, 0U);
  EXPECT_TRUE(sensors[1].digest() == sensors[0].digest());
  EXPECT_TRUE(sensors[2].digest() == sensors[0].digest());
}

TEST_P(any_order, of_readings_ahead_of_the_clock_that_receives_them_gives_the_same_findings) {
  std::mt19937 random(GetParam());
  const auto readings = signal(random, ten_us, 600);
  const auto config = limits_of(random);
  followed_sensor ordered, shuffled;
  ordered.configure(config, ten_us);
  shuffled.configure(config, ten_us);
  for (const auto& row : readings) ordered.take({row}, ten_us + 610 * second_us);
  auto mixed = readings;
  for (auto at = mixed.begin(); at != mixed.end(); at += 200)  // one that is 199 s ahead, then those before it
    std::rotate(at, at + 199, at + 200);
  for (std::size_t i = 0; i < mixed.size(); ++i) shuffled.take({mixed[i]}, readings[i].first);
  EXPECT_EQ(shuffled.state.status().late, 0U);
  EXPECT_TRUE(shuffled.digest() == ordered.digest());
}

INSTANTIATE_TEST_SUITE_P(seeds, any_order, testing::Range(0U, 20U));

}  // namespace
}  // namespace factory
