#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "pipelines/machine/machine_watch.hpp"
#include "pipelines/model/finding.hpp"

/// A press with four sensors, and a watch over it.
namespace factory::test {

inline constexpr std::int64_t sec_us = 1'000'000, min_us = 60 * sec_us, watched_from_us = 1'767'225'600 * sec_us;
inline constexpr std::uint32_t press = 7;
inline const std::vector<sensor_id> of_press{11, 12, 13, 14};
inline constexpr machine_settings at_once{0, 1};
inline const stream_times usual_times;

struct watched_reading {
  std::int64_t time_us;
  std::size_t sensor;
  double value;
};

/// Four sensors that follow one load, a reading of each every ten seconds; from row 500 to 640 two of them do not go with it.
inline std::vector<watched_reading> make_rows(unsigned seed, std::size_t rows) {
  std::mt19937 random(seed);
  std::normal_distribution<double> noise(0, 1);
  std::vector<watched_reading> all;
  double load = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    load = 0.9 * load + noise(random);
    for (std::size_t s = 0; s < of_press.size(); ++s) {
      const double fault = row >= 500 && row < 640 ? (s == 1 ? 14.0 : s == 2 ? -14.0 : 0.0) : 0.0;
      all.push_back({watched_from_us + static_cast<std::int64_t>(row) * 10 * sec_us + static_cast<std::int64_t>(s) * 137'000, s,
                     50 + 3 * load + noise(random) + fault});
    }
  }
  return all;
}

[[gnu::noinline]] inline machine_watch fresh_watch() { return {press, of_press, usual_times, at_once}; }

struct watched {
  machine_watch watch = fresh_watch();
  std::vector<event> found;

  void take(const std::vector<watched_reading>& rows, std::size_t from, std::size_t to) {
    std::map<std::size_t, std::pair<std::vector<std::int64_t>, std::vector<double>>> by_sensor;
    for (auto i = from; i < to; ++i) {
      by_sensor[rows[i].sensor].first.push_back(rows[i].time_us);
      by_sensor[rows[i].sensor].second.push_back(rows[i].value);
    }
    std::vector<source_rows> body;
    for (const auto& [sensor, columns] : by_sensor) body.push_back({sensor, columns.first, columns.second});
    watch.apply(watched_from_us + 100 * 24 * 60 * min_us, body, found);
  }
  void take_all(const std::vector<watched_reading>& rows, std::size_t portion) {
    for (std::size_t i = 0; i < rows.size(); i += portion) take(rows, i, std::min(rows.size(), i + portion));
  }
  /// What holds in the end.
  std::string digest() const { return digest_of(found); }
  static std::string digest_of(const std::vector<event>& events_of_all) {
    std::map<event_key, std::vector<event>> findings;
    for (const event& each : events_of_all) findings[with_kind(each.key, {})].push_back(each);
    std::string out;
    for (const auto& [key, events] : findings) put_for_digest(out, fold_finding(events));
    return out;
  }
  std::size_t holding() const {
    std::map<event_key, std::vector<event>> findings;
    for (const event& each : found) findings[with_kind(each.key, {})].push_back(each);
    return static_cast<std::size_t>(
        std::ranges::count_if(findings, [](const auto& each) { return fold_finding(each.second).holds(); }));
  }
};

/// Each reading goes back or forth by less than the lateness.
inline std::vector<watched_reading> shuffled(std::vector<watched_reading> rows, unsigned seed, std::int64_t most_us) {
  std::mt19937 random(seed);
  std::uniform_int_distribution<std::int64_t> delay(0, most_us);
  std::vector<std::pair<std::int64_t, watched_reading>> delayed;
  for (const auto& each : rows) delayed.push_back({each.time_us + delay(random), each});
  std::ranges::stable_sort(delayed, {}, [](const auto& each) { return each.first; });
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = delayed[i].second;
  return rows;
}

}  // namespace factory::test
