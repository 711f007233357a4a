// The machine detector over readings in any order: what it finds is a function of the set of readings.
#include "pipelines/machine/machine_watch.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "pipelines/support/watched_press.hpp"

namespace factory::test {
namespace {

TEST(machine_watch, finds_a_state_as_one_episode_of_the_machine_and_names_who_carries_it) {
  watched press_watch;
  press_watch.take_all(make_rows(1, 900), 4);
  ASSERT_EQ(press_watch.holding(), 1U);
  const event& opened = press_watch.found.front();
  EXPECT_EQ(opened.key.kind, event_kind::anomaly_opened);
  EXPECT_EQ(opened.key.source, event_source::machine);
  EXPECT_EQ(opened.key.sensor, 0U);
  EXPECT_EQ(opened.key.rule, press);
  EXPECT_NEAR(static_cast<double>(opened.key.event_time_us - watched_from_us), 5'000e6, 200e6);
  const event& closed = press_watch.found.back();
  EXPECT_EQ(closed.key.kind, event_kind::anomaly_closed);
  const auto& detail = std::get<episode_detail>(closed.detail);
  ASSERT_GE(detail.contributions.size(), 2U);
  EXPECT_GT(detail.contributions[0].share + detail.contributions[1].share, 0.7);
  EXPECT_NE(closed.explanation.find("sensor 12"), std::string::npos) << closed.explanation;
}

TEST(machine_watch, what_is_found_is_a_function_of_the_readings_whatever_their_order_and_portions) {
  for (unsigned seed = 1; seed <= 6; ++seed) {
    const auto rows = make_rows(seed, 800);
    watched in_order;
    in_order.take_all(rows, rows.size());
    ASSERT_GE(in_order.holding(), 1U) << seed;
    for (const std::size_t portion : {1U, 7U, 400U}) {
      watched other;
      other.take_all(shuffled(rows, seed * 10 + static_cast<unsigned>(portion), 55 * sec_us), portion);
      EXPECT_EQ(other.watch.counts().late, 0U) << "seed " << seed << " portion " << portion;
      EXPECT_EQ(other.digest(), in_order.digest()) << "seed " << seed << " portion " << portion;
    }
  }
}

/// Cells that are made before, between and behind those that are there, and each of them found again: by the same reading, which is a duplicate, by
/// another value at its time, which corrects it, and by a newer one, which takes its place.
TEST(machine_watch, a_cell_stands_in_its_place_and_is_found_there_whatever_came_before) {
  const auto at = [](int cell, std::int64_t later_us = 0) { return watched_from_us + cell * 10 * sec_us + later_us; };
  const auto state_after = [&](const std::vector<int>& order) {
    watched of_it;
    for (const int cell : order) of_it.take({{at(cell), 0, 1.0 + cell}}, 0, 1);
    EXPECT_EQ(of_it.watch.counts().duplicate, 0U);
    for (int cell = 0; cell < 5; ++cell) of_it.take({{at(cell), 0, 1.0 + cell}}, 0, 1);
    EXPECT_EQ(of_it.watch.counts().duplicate, 5U);
    for (int cell = 4; cell >= 0; --cell) of_it.take({{at(cell), 0, 11.0 + cell}}, 0, 1);
    EXPECT_EQ(of_it.watch.counts().corrected, 5U);
    for (int cell = 0; cell < 5; ++cell) of_it.take({{at(cell, 10 * sec_us - 1), 0, 21.0 + cell}}, 0, 1);
    for (int cell = 0; cell < 5; ++cell) of_it.take({{at(cell), 0, 11.0 + cell}}, 0, 1);  // there is a newer one in its cell
    EXPECT_EQ(of_it.watch.counts().duplicate, 5U);
    of_it.take({{at(2), 1, 7.0}}, 0, 1);  // of another sensor
    std::string bytes;
    of_it.watch.encode(bytes);
    return bytes;
  };
  std::vector<int> order{0, 1, 2, 3, 4};
  const auto in_order = state_after(order);
  while (std::ranges::next_permutation(order).found) EXPECT_EQ(state_after(order), in_order);
}

/// Takes them in portions, in any order within them; behind each a change of the sensitivity, where there is one.
void take_with_changes(watched& to, const std::vector<watched_reading>& rows, std::size_t portion,
                       const std::map<std::size_t, double>& changes, std::mt19937* random, bool restart) {
  constexpr std::size_t part = 200;  // readings between which a change may stand
  for (std::size_t begin = 0; begin < rows.size(); begin += part) {
    if (const auto change = changes.find(begin / part); change != changes.end())
      to.watch.follow(change->second, watched_from_us + 100 * 24 * 60 * min_us, to.found);
    std::vector<watched_reading> some(rows.begin() + static_cast<std::ptrdiff_t>(begin),
                                      rows.begin() + static_cast<std::ptrdiff_t>(std::min(rows.size(), begin + part)));
    if (random != nullptr) some = shuffled(std::move(some), static_cast<unsigned>((*random)()), 20 * sec_us);
    for (std::size_t i = 0; i < some.size(); i += portion) to.take(some, i, std::min(some.size(), i + portion));
    if (!restart) continue;
    std::string bytes;
    to.watch.encode(bytes);
    auto read = fresh_watch();
    std::string_view in = bytes;
    ASSERT_TRUE(read.decode(in));
    to.watch = std::move(read);
  }
}

TEST(machine_watch, settings_changed_amid_the_readings_take_force_at_one_place_whatever_the_order_around_it) {
  for (unsigned seed = 1; seed <= 6; ++seed) {
    auto rows = make_rows(seed, 800);
    // Some of each part are readings of the part before, so that changes are overtaken.
    for (std::size_t i = 200; i + 8 < rows.size(); i += 200)
      for (std::size_t k = 0; k < 8; k += 3) std::swap(rows[i - 1 - k], rows[i + k]);
    const std::map<std::size_t, double> changes{{3, 0.5}, {11, 2}, {12, 0.25}, {13, 1.5}};
    std::mt19937 random(seed);
    watched in_order, other, again;
    take_with_changes(in_order, rows, 200, changes, nullptr, false);
    take_with_changes(other, rows, 1, changes, &random, false);
    take_with_changes(again, rows, 13, changes, &random, true);
    ASSERT_GE(in_order.holding(), 1U) << seed;
    EXPECT_EQ(in_order.watch.view().sensitivity, 1.5);
    EXPECT_EQ(other.digest(), in_order.digest()) << seed;
    EXPECT_EQ(again.digest(), in_order.digest()) << seed;
  }
}

TEST(machine_watch, less_sensitive_finds_less) {
  const auto rows = make_rows(1, 900);
  watched calm;
  calm.watch.follow(0.1, 0, calm.found);
  calm.take_all(rows, 4);
  EXPECT_EQ(calm.holding(), 0U);
}

TEST(machine_watch, readings_that_come_twice_or_are_corrected_leave_what_their_last_values_say) {
  const auto rows = make_rows(3, 800);
  watched in_order;
  in_order.take_all(rows, 40);
  watched corrected;
  std::vector<watched_reading> often;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    auto wrong = rows[i];
    wrong.value += 1'000;
    if (i % 5 == 0) often.push_back(wrong);
    if (i >= 8) often.push_back(rows[i - 8]);
    if (i % 3 == 0 && i >= 8) often.push_back(rows[i - 8]);
  }
  for (std::size_t i = rows.size() - 8; i < rows.size(); ++i) often.push_back(rows[i]);
  corrected.take_all(often, 3);
  EXPECT_EQ(corrected.digest(), in_order.digest());
}

TEST(machine_watch, goes_on_bit_for_bit_when_stored_and_read_back) {
  const auto rows = shuffled(make_rows(4, 800), 9, 50 * sec_us);
  watched whole, pieces;
  for (std::size_t i = 0; i < rows.size(); i += 16) {
    const auto to = std::min(rows.size(), i + 16);
    whole.take(rows, i, to);
    pieces.take(rows, i, to);
    std::string bytes;
    pieces.watch.encode(bytes);
    auto read = fresh_watch();
    std::string_view in = bytes;
    ASSERT_TRUE(read.decode(in));
    EXPECT_TRUE(in.empty());
    pieces.watch = std::move(read);
  }
  EXPECT_EQ(pieces.digest(), whole.digest());
  EXPECT_EQ(pieces.found.size(), whole.found.size());
}

TEST(machine_watch, a_state_of_an_older_program_goes_on_and_does_not_know_how_it_began) {
  const auto rows = make_rows(4, 800);
  watched whole;
  whole.take(rows, 0, 1'600);
  std::string bytes;
  whole.watch.encode(bytes);
  bytes.front() = 1;  // it ended before what the past needs
  std::size_t readable = 0;
  watched older;
  for (std::size_t size = 1; size < bytes.size(); ++size) {
    auto read = fresh_watch();
    std::string_view in = std::string_view(bytes).substr(0, size);
    if (!read.decode(in) || !in.empty()) continue;
    ++readable;
    older.watch = std::move(read);
  }
  ASSERT_EQ(readable, 1U);
  EXPECT_TRUE(whole.watch.knows_its_begin());
  EXPECT_FALSE(older.watch.knows_its_begin());
  older.found = whole.found;
  whole.take(rows, 1'600, rows.size());
  older.take(rows, 1'600, rows.size());
  EXPECT_EQ(older.digest(), whole.digest());
  ASSERT_EQ(whole.holding(), 1U);
}

TEST(machine_watch, a_sensor_that_is_silent_or_behind_delays_but_does_not_stop_it) {
  auto rows = make_rows(5, 900);
  std::erase_if(rows,
                [](const watched_reading& each) { return each.sensor == 3 && each.time_us > watched_from_us + 70 * min_us; });
  watched three;
  three.take_all(rows, 5);
  EXPECT_EQ(three.holding(), 1U);
  EXPECT_EQ(three.watch.counts().late, 0U);
}

TEST(machine_watch, a_sensor_that_never_moved_is_not_judged_and_says_so) {
  auto rows = make_rows(6, 600);
  for (auto& each : rows)
    if (each.sensor == 0) each.value = 4;
  watched other;
  other.take_all(rows, 4);
  const auto view = other.watch.view();
  EXPECT_TRUE(view.is_ready);
  EXPECT_FALSE(view.sensors[0].is_judged);
  EXPECT_TRUE(view.sensors[1].is_judged);
}

}  // namespace
}  // namespace factory::test
