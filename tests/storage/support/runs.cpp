#include "storage/support/runs.hpp"

#include <bit>
#include <cmath>

namespace factory::test {
namespace {

constexpr std::int64_t start_us = 1'700'000'000'000'000;

/// Readings at a regular cadence, values from `next(i)`.
template <class Next>
reading_run regular(std::size_t count, Next next) {
  reading_run rows;
  for (std::size_t i = 0; i < count; ++i) rows.push_back(start_us + static_cast<std::int64_t>(i) * 100'000, next(i), flag_none);
  return rows;
}

reading_run decimals(std::size_t count, std::mt19937_64& random, int digits) {
  const double scale = std::pow(10, digits);
  std::normal_distribution<double> step(0, 3);
  double level = 20 * scale;
  return regular(count, [&](std::size_t) { return std::round(level += step(random)) / scale; });
}

reading_run jittered(std::size_t count, std::mt19937_64& random) {
  reading_run rows;
  std::int64_t time = -start_us;
  for (std::size_t i = 0; i < count; ++i) {
    time += 900'000 + static_cast<std::int64_t>(random() % 200'000);
    rows.push_back(time, static_cast<double>(i % 17), static_cast<std::uint8_t>(random() % 20 == 0 ? flag_late : flag_none));
  }
  return rows;
}

reading_run any_doubles(std::size_t count, std::mt19937_64& random) {
  return regular(count, [&](std::size_t) {
    const auto v = std::bit_cast<double>(random());
    return std::isfinite(v) ? v : 0.0;
  });
}

}  // namespace

const std::vector<signal>& signals() {
  static const std::vector<signal> all = {
      {"decimals with 1 digit", [](std::size_t n, auto& random) { return decimals(n, random, 1); }},
      {"decimals with 2 digits", [](std::size_t n, auto& random) { return decimals(n, random, 2); }},
      {"decimals with 3 digits", [](std::size_t n, auto& random) { return decimals(n, random, 3); }},
      {"decimals with 4 digits", [](std::size_t n, auto& random) { return decimals(n, random, 4); }},
      {"decimals with 5 digits", [](std::size_t n, auto& random) { return decimals(n, random, 5); }},
      {"decimals with 6 digits", [](std::size_t n, auto& random) { return decimals(n, random, 6); }},
      {"integers", [](std::size_t n, auto& random) { return decimals(n, random, 0); }},
      {"a constant", [](std::size_t n, auto&) { return regular(n, [](std::size_t) { return 0.1; }); }},
      {"steps of 0.25",
       [](std::size_t n, auto& random) {
         return regular(n, [&](std::size_t) { return static_cast<double>(random() % 40) * 0.25 - 5; });
       }},
      {"a sine in full precision",
       [](std::size_t n, auto&) { return regular(n, [](std::size_t i) { return 50 * std::sin(static_cast<double>(i) / 40); }); }},
      {"floats made double",
       [](std::size_t n, auto& random) {
         std::normal_distribution<float> value(3, 1);
         return regular(n, [&](std::size_t) { return static_cast<double>(value(random)); });
       }},
      {"random walk in full precision",
       [](std::size_t n, auto& random) {
         std::normal_distribution<double> step(0, 0.01);
         double level = 1;
         return regular(n, [&](std::size_t) { return level += step(random); });
       }},
      {"random finite doubles", any_doubles},
      {"jittered times, some late", jittered},
      {"decimals off by a bit",
       [](std::size_t n, auto& random) {
         return regular(n, [&](std::size_t) { return static_cast<double>(random() % 10'000) * 0.001; });
       }},
      {"mostly one value with spikes",
       [](std::size_t n, auto& random) { return regular(n, [&](std::size_t) { return random() % 100 == 0 ? 1e9 : -0.0; }); }},
  };
  return all;
}

bool same_bits(const reading_run& a, const reading_run& b) {
  if (a.event_time_us != b.event_time_us || a.flags != b.flags || a.value.size() != b.value.size()) return false;
  for (std::size_t i = 0; i < a.value.size(); ++i)
    if (std::bit_cast<std::uint64_t>(a.value[i]) != std::bit_cast<std::uint64_t>(b.value[i])) return false;
  return true;
}

}  // namespace factory::test
