// A simulated week of alarms, and /api/alarms/performance against the same figures counted the slow way from what was simulated.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <random>

#include "integration/support/alarms.hpp"
#include "integration/support/daemon.hpp"
#include "pipelines/model/time.hpp"
#include "support/times.hpp"

namespace factory::test {
namespace {

constexpr std::int64_t span_us = 10 * minute_us;
constexpr std::size_t sensor_count = 30, spans_of_week = 7 * 144;

std::int64_t last_midnight_us() {
  using namespace std::chrono;
  return duration_cast<microseconds>(floor<days>(system_clock::now()).time_since_epoch()).count();
}

/// Half-open; the alarm of a sensor while it is too hot.
struct stretch {
  std::size_t sensor = 0;
  std::int64_t begin_us = 0, end_us = 0;
};

/// Seven days that end with the last midnight: quiet sensors, one that chatters, a flood, four that stand for more than a day.
struct simulated_week {
  const std::int64_t begin_us = last_midnight_us() - 7 * day_us, end_us = begin_us + 7 * day_us;
  std::vector<stretch> alarms;
  std::mt19937_64 random{20260119};

  simulated_week() {
    for (std::size_t sensor = 4; sensor < sensor_count; ++sensor) add_some(sensor, 2 + random() % 6);
    for (int burst = 0; burst < 9; ++burst)
      for (int i = 0; i < 4; ++i) add(0, 15 * burst * hour_us + i * 10'000'000, 5'000'000);
    for (std::size_t sensor = 1; sensor < 4; ++sensor) add(sensor, static_cast<std::int64_t>(sensor) * 8 * hour_us, 40 * hour_us);
    add(1, -2 * day_us, 2 * day_us + 3 * hour_us);  // it stood before the week
    for (std::size_t sensor = 4; sensor < 24; ++sensor)
      add(sensor, 3 * day_us + static_cast<std::int64_t>(sensor) * 30'000'000, 25 * minute_us);
  }
  std::vector<stretch> of(std::size_t sensor) const {
    std::vector<stretch> out;
    std::ranges::copy_if(alarms, std::back_inserter(out), [&](const stretch& each) { return each.sensor == sensor; });
    std::ranges::sort(out, {}, &stretch::begin_us);
    return out;
  }
  /// One every ten minutes, and those where an alarm begins and ends.
  std::vector<reading> readings(std::size_t sensor, std::uint32_t id) {
    std::map<std::int64_t, double> values;
    const auto hot = of(sensor);
    const auto is_hot = [&](std::int64_t us) {
      return std::ranges::any_of(hot, [us](const stretch& each) { return each.begin_us <= us && us < each.end_us; });
    };
    const auto put = [&](std::int64_t us) { values[us] = (is_hot(us) ? 91 : 60) + static_cast<double>(random() % 80) / 10; };
    for (std::int64_t us = begin_us - 3 * day_us; us < end_us; us += span_us) put(us);
    for (const stretch& each : hot) {
      put(each.begin_us);
      put(each.end_us);
    }
    std::vector<reading> out;
    for (const auto& [us, value] : values) out.push_back({id, us, value});
    return out;
  }

 private:
  void add(std::size_t sensor, std::int64_t after_us, std::int64_t long_us) {
    alarms.push_back({sensor, begin_us + after_us, begin_us + after_us + long_us});
  }
  /// Apart from one another and from the flood of the fourth day.
  void add_some(std::size_t sensor, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const auto day = static_cast<std::int64_t>(i < 3 ? i : i + 1);
      if (day < 7)
        add(sensor, day * day_us + static_cast<std::int64_t>(random() % 1'300) * minute_us,
            (5 + static_cast<std::int64_t>(random() % 100)) * minute_us);
    }
  }
};

std::uint32_t priority_of(std::size_t sensor) { return sensor == 29 ? 1 : sensor > 24 ? 2 : sensor % 2 == 0 ? 3 : 4; }

std::string verdict_below(double value, double good, double manageable) {
  return value < good ? "good" : value <= manageable ? "manageable" : "bad";
}

/// The figures of docs/reference/alarms.md, each counted by itself over all alarms.
struct counted {
  const simulated_week& week;
  std::vector<stretch> raised;
  std::vector<std::size_t> in_span;

  explicit counted(const simulated_week& of) : week(of) {
    for (const stretch& each : week.alarms)
      if (each.begin_us >= week.begin_us && each.begin_us < week.end_us) raised.push_back(each);
    for (std::size_t span = 0; span < spans_of_week; ++span)
      in_span.push_back(static_cast<std::size_t>(std::ranges::count_if(raised, [&](const stretch& each) {
        const auto from = week.begin_us + static_cast<std::int64_t>(span) * span_us;
        return from <= each.begin_us && each.begin_us < from + span_us;
      })));
  }
  double average() const { return static_cast<double>(raised.size()) / spans_of_week; }
  std::size_t peak() const { return std::ranges::max(in_span); }
  double above_ten() const {
    return static_cast<double>(std::ranges::count_if(in_span, [](auto n) { return n > 10; })) / spans_of_week;
  }
  double flood() const {
    std::size_t flooded = 0;
    for (std::size_t span = 0; span < spans_of_week; ++span) {
      std::size_t back = span;  // to the newest span that decides
      while (back > 0 && in_span[back] >= 5 && in_span[back] <= 10) --back;
      if (in_span[back] > 10) ++flooded;
    }
    return static_cast<double>(flooded) / spans_of_week;
  }
  double top_ten() const {
    std::vector<std::size_t> of_sensor;
    for (std::size_t sensor = 0; sensor < sensor_count; ++sensor)
      of_sensor.push_back(static_cast<std::size_t>(std::ranges::count(raised, sensor, &stretch::sensor)));
    std::ranges::sort(of_sensor, std::greater());
    double sum = 0;
    for (std::size_t i = 0; i < 10; ++i) sum += static_cast<double>(of_sensor[i]);
    return sum / static_cast<double>(raised.size());
  }
  std::size_t chattering() const {
    std::size_t out = 0;
    for (std::size_t sensor = 0; sensor < sensor_count; ++sensor) {
      const bool chatters = std::ranges::any_of(raised, [&](const stretch& one) {
        return one.sensor == sensor && std::ranges::count_if(raised, [&](const stretch& other) {
                                         return other.sensor == sensor && other.begin_us / minute_us == one.begin_us / minute_us;
                                       }) >= 3;
      });
      if (chatters) ++out;
    }
    return out;
  }
  std::size_t standing_at_once() const {
    std::size_t most = 0;
    for (std::int64_t us = week.begin_us; us < week.end_us; us += minute_us)
      most = std::max(most, static_cast<std::size_t>(std::ranges::count_if(week.alarms, [&](const stretch& each) {
                        return each.begin_us + day_us <= us && us < each.end_us;
                      })));
    return most;
  }
  std::array<std::size_t, 4> by_priority() const {
    std::array<std::size_t, 4> out{};
    for (const stretch& each : raised) ++out.at(priority_of(each.sensor) - 1);
    return out;
  }
};

TEST(performance, of_a_simulated_week_is_what_counting_its_alarms_one_by_one_gives) {
  simulated_week week;
  fresh_daemon daemon;
  http_client api(daemon->api_port());
  const auto sensors = add_sensors(api, sensor_count);
  std::string rules;
  for (std::size_t i = 0; i < sensor_count; ++i)
    rules += fmt::format(R"({}{{"sensor_id":{},"name":"hot","condition":"GREATER_THAN","high":90,"priority":{}}})",
                         i == 0 ? "[" : ",", sensors[i], priority_of(i));
  ASSERT_EQ(api.post("/api/rules", rules + "]").status, 201U);
  for (std::size_t i = 0; i < sensor_count; ++i) store(api, week.readings(i, sensors[i]));
  await([&] { return metric(api, "factory_processed_readings_total") == metric(api, "factory_committed_readings_total"); },
        "all readings");
  await([&] { return get_json(api, "/api/alerts?active=false&limit=10000")["alerts"].Size() == week.alarms.size(); },
        "all alerts");

  // Somebody acknowledges one in three; that is at the real time.
  const auto page = get_json(api, "/api/alerts?limit=10000");
  std::vector<std::string> seen;
  for (rapidjson::SizeType i = 0; i < page["alerts"].Size(); i += 3) seen.emplace_back(page["alerts"][i]["id"].GetString());
  for (const auto& id : seen) ASSERT_EQ(api.post("/api/alerts/" + id + "/acknowledge", R"({"by":"Ada"})").status, 200U);

  const auto report =
      get_json(api, fmt::format("/api/alarms/performance?from={}&to={}", week.begin_us / 1'000, week.end_us / 1'000));
  const counted expected(week);
  const auto expect = [&](const char* name, double value, const std::string& verdict) {
    EXPECT_NEAR(report["figures"][name]["value"].GetDouble(), value, 1e-9 * std::max(1.0, value)) << name;
    EXPECT_EQ(std::string(report["figures"][name]["verdict"].GetString()), verdict) << name << " " << value;
    EXPECT_FALSE(std::string(report["figures"][name]["recommended"].GetString()).empty());
  };
  EXPECT_EQ(report["alarms"].GetUint64(), expected.raised.size());
  EXPECT_GE(expected.raised.size(), 100U) << "fewer are not judged by their shares";
  expect("average_per_10_minutes", expected.average(), expected.average() <= 1 ? "good" : "bad");
  expect("peak_in_10_minutes", static_cast<double>(expected.peak()), "bad");
  EXPECT_GT(expected.peak(), 10U);
  expect("share_of_10_minutes_above_10", expected.above_ten(), verdict_below(expected.above_ten(), 0.01, 0.05));
  expect("share_of_time_in_flood", expected.flood(), verdict_below(expected.flood(), 0.01, 0.05));
  EXPECT_GT(expected.flood(), 0);
  expect("share_of_top_ten", expected.top_ten(), verdict_below(expected.top_ten(), 0.05, 0.2));
  expect("chattering_limits", static_cast<double>(expected.chattering()), "bad");
  EXPECT_EQ(expected.chattering(), 1U);
  expect("standing_over_24_h", static_cast<double>(expected.standing_at_once()),
         expected.standing_at_once() < 5 ? "good" : "bad");
  EXPECT_GE(expected.standing_at_once(), 2U);
  const auto priorities = expected.by_priority();
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_EQ(report["figures"]["by_priority"]["value"][std::to_string(i + 1).c_str()].GetUint64(), priorities.at(i)) << i + 1;

  std::vector<double> waited;
  const auto after = get_json(api, "/api/alerts?acknowledged=true&limit=10000");
  for (const auto& each : after["alerts"].GetArray()) {
    const auto at = [&](const char* member) { return *parse_time_us(each[member].GetString()); };
    if (at("raised_at") >= week.begin_us) waited.push_back(static_cast<double>(at("acknowledged_at") - at("raised_at")) / 1e6);
  }
  std::ranges::sort(waited);
  EXPECT_EQ(report["acknowledged"].GetUint64(), waited.size());
  expect("median_seconds_to_acknowledge", waited.at((waited.size() - 1) / 2), "bad");
}

}  // namespace
}  // namespace factory::test
