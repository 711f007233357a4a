#include "pipelines/alarm/limit_state.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace factory {
namespace {

using enum limit_state::standing;
using change = limit_state::change;

struct state_row {
  std::int64_t time_us;
  limit_state::standing how;
};
struct happened {
  change what;
  std::int64_t at_us;
  bool operator==(const happened&) const = default;
};
std::ostream& operator<<(std::ostream& out, const happened& h) {
  return out << (h.what == change::raised ? "raised at " : "cleared at ") << h.at_us;
}

void note(std::vector<happened>& out, const limit_state::outcome& one) {
  if (one.what != change::none) out.push_back({one.what, one.at_us});
}

/// All that happens to a limit while these readings come and time goes on to `until_us`; ticks at the given times between them.
std::vector<happened> history_of(const alarm_options& options, const std::vector<state_row>& rows, std::int64_t until_us,
                                 const std::vector<std::int64_t>& ticks = {}) {
  limit_state state;
  std::vector<happened> out;
  auto tick = ticks.begin();
  for (const auto& [time_us, how] : rows) {
    for (; tick != ticks.end() && *tick < time_us; ++tick) note(out, state.advance(options, *tick));
    note(out, state.advance_before(options, time_us));
    note(out, state.observe(options, time_us, how));
  }
  note(out, state.advance(options, until_us));
  return out;
}

/// The same by definition, looking at the whole history at once: in steps of a microsecond.
std::vector<happened> history_by_definition(const alarm_options& options, const std::vector<state_row>& rows,
                                            std::int64_t until_us) {
  std::vector<happened> out;
  bool active = false;
  std::int64_t breached_since = -1, back_since = -1;  // -1: it is not
  std::vector<bool> breaches;
  std::size_t next = 0;
  for (std::int64_t now = 0; now <= until_us; ++now) {
    if (next < rows.size() && rows[next].time_us == now) {
      const auto how = rows[next++].how;
      breaches.push_back(how == breach);
      const auto newest = std::min<std::size_t>(options.of, breaches.size());
      const bool counts = std::count(breaches.end() - static_cast<std::ptrdiff_t>(newest), breaches.end(), true) >= options.count;
      if (!counts) breached_since = -1;
      if (counts && breached_since < 0) breached_since = now;
      if (counts || how != back) back_since = -1;
      if (!counts && how == back && back_since < 0) back_since = now;
    }
    if (!active && breached_since >= 0 && now - breached_since >= options.on_delay_us) {
      active = true;
      out.push_back({change::raised, now});
    } else if (active && back_since >= 0 && now - back_since >= options.off_delay_us) {
      active = false;
      breached_since = -1;
      out.push_back({change::cleared, now});
    }
  }
  return out;
}

TEST(limit_state, a_plain_limit_is_raised_by_the_first_breach_and_cleared_by_the_first_return) {
  EXPECT_EQ(history_of({}, {{1, back}, {2, breach}, {3, breach}, {4, back}}, 9),
            (std::vector<happened>{{change::raised, 2}, {change::cleared, 4}}));
}

TEST(limit_state, the_deadband_ends_nothing_and_begins_nothing) {
  EXPECT_EQ(history_of({}, {{1, deadband}, {2, breach}, {3, deadband}, {4, breach}, {5, deadband}, {6, back}}, 9),
            (std::vector<happened>{{change::raised, 2}, {change::cleared, 6}}));
}

TEST(limit_state, an_on_delay_raises_at_first_breach_plus_delay_whatever_brings_it_to_light) {
  alarm_options slow;
  slow.on_delay_us = 10;
  const std::vector<happened> raised{{change::raised, 15}};
  EXPECT_EQ(history_of(slow, {{5, breach}}, 15), raised) << "a tick";
  EXPECT_EQ(history_of(slow, {{5, breach}, {40, breach}}, 40), raised) << "a later reading";
  EXPECT_EQ(history_of(slow, {{5, breach}}, 99, {7, 14, 15, 20}), raised) << "many ticks";
  EXPECT_EQ(history_of(slow, {{5, breach}, {14, back}}, 99), std::vector<happened>{}) << "it did not last";
  EXPECT_EQ(history_of(slow, {{5, breach}, {15, back}}, 99), std::vector<happened>{}) << "over in the same moment";
}

TEST(limit_state, an_off_delay_begins_anew_with_each_breach) {
  alarm_options slow;
  slow.off_delay_us = 10;
  EXPECT_EQ(history_of(slow, {{5, breach}, {6, back}, {10, breach}, {11, back}, {12, back}}, 21),
            (std::vector<happened>{{change::raised, 5}, {change::cleared, 21}}));
}

TEST(limit_state, counts_breaches_among_the_newest_readings) {
  alarm_options counted;
  counted.count = 2;
  counted.of = 3;
  EXPECT_EQ(
      history_of(counted, {{1, breach}, {2, back}, {3, back}, {4, breach}, {5, back}, {6, breach}, {7, back}, {8, back}}, 9),
      (std::vector<happened>{{change::raised, 6}, {change::cleared, 7}}));
}

TEST(limit_state, agrees_with_the_definition_on_random_histories_and_ticks_do_not_matter) {
  std::mt19937 random(20261128);
  const auto below = [&](unsigned n) { return static_cast<std::int64_t>(random() % n); };
  std::size_t events = 0;
  for (int round = 0; round < 20'000; ++round) {
    alarm_options options;
    options.on_delay_us = below(3) * below(12);
    options.off_delay_us = below(3) * below(12);
    options.of = static_cast<std::uint32_t>(1 + below(4));
    options.count = static_cast<std::uint32_t>(1 + below(options.of));
    std::vector<state_row> rows;
    for (std::int64_t at = 1 + below(4); at < 100; at += 1 + below(9))
      rows.push_back({at, static_cast<limit_state::standing>(below(3))});
    std::vector<std::int64_t> ticks;
    for (std::int64_t at = below(5); at < 100; at += 1 + below(20)) ticks.push_back(at);
    const auto wanted = history_by_definition(options, rows, 130);
    ASSERT_EQ(history_of(options, rows, 130), wanted) << "round " << round;
    ASSERT_EQ(history_of(options, rows, 130, ticks), wanted) << "round " << round;
    events += wanted.size();
  }
  EXPECT_GT(events, 20'000U) << "the histories must not be empty";
}

}  // namespace
}  // namespace factory
