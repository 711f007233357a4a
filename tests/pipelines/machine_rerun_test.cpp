// The past of a machine judged again: what is found is what a watch over the same readings in order finds.
#include "pipelines/machine/machine_rerun.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "pipelines/correct/historical.hpp"
#include "pipelines/machine/limits.hpp"
#include "pipelines/support/watched_press.hpp"

namespace factory::test {
namespace {

using by_time = std::map<std::pair<std::int64_t, std::size_t>, double>;

by_time counting(const std::vector<watched_reading>& rows) {
  by_time all;
  for (const auto& each : rows) all[{each.time_us, each.sensor}] = each.value;
  return all;
}

/// As a recomputation does it: the log is brought to what is found again, and the watch goes on.
void judge_again(watched& live, const by_time& now, const machine_mark* from, std::vector<machine_mark>& marks) {
  machine_watch::rerun again(live.watch, from);
  ASSERT_TRUE(again.is_sound());
  for (const auto& [at, value] : now)
    if (at.first >= again.from_us()) again.add(at.first, at.second, value);
  again.finish();
  std::map<event_key, std::vector<event>> wanted, stored;
  for (const auto& each : again.found()) wanted[with_kind(each.key, {})].push_back(each);
  for (const auto& each : live.found) stored[with_kind(each.key, {})].push_back(each);
  for (const auto& [key, events] : stored)
    if (from == nullptr || key.event_time_us >= again.from_us()) wanted.try_emplace(key);
  for (const auto& [key, events] : wanted) {
    const auto told = told_again(stored[key], events, "testing", 0);
    auto whole = stored[key];
    whole.insert(whole.end(), told.begin(), told.end());
    for (const auto& each : stored[key])
      if (!is_historical(each.key)) live.watch.has_gone(each.key, each.at_us, fold_finding(whole).open());
    live.found.insert(live.found.end(), told.begin(), told.end());
  }
  live.watch.again_is_done();
  for (auto& each : again.take_marks()) marks.push_back(std::move(each));
}

/// The newest that has seen nothing from this time on.
const machine_mark* newest_before(const std::vector<machine_mark>& marks, std::int64_t time_us) {
  const machine_mark* found = nullptr;
  for (const auto& each : marks)
    if (each.place < machine_cell::place(machine_cell::of(time_us), 0, of_press.size())) found = &each;
  return found;
}

void drop_behind(std::vector<machine_mark>& marks, std::int64_t time_us) {
  std::erase_if(marks, [&](const machine_mark& each) {
    return each.place >= machine_cell::place(machine_cell::of(time_us), 0, of_press.size());
  });
}

/// Rows with another fault from row 700 on, so that there is one before and one behind what changes.
std::vector<watched_reading> rows_with_two_faults(unsigned seed, std::size_t rows) {
  auto all = make_rows(seed, rows);
  for (std::size_t i = 0; i < all.size(); ++i)
    if (i / of_press.size() >= 2'100 && i / of_press.size() < 2'200 && all[i].sensor == 3) all[i].value += 20;
  return all;
}

constexpr std::size_t long_enough = 3'000;  // rows, a bit more than eight hours: two marks

TEST(machine_rerun, a_mark_comes_to_be_now_and_then_where_nothing_is_open) {
  watched press_watch;
  std::vector<machine_mark> marks;
  const auto rows = rows_with_two_faults(1, long_enough);
  for (std::size_t i = 0; i < rows.size(); i += 40) {
    press_watch.take(rows, i, std::min(rows.size(), i + 40));
    if (auto made = press_watch.watch.take_mark()) marks.push_back(std::move(*made));
    EXPECT_FALSE(press_watch.watch.take_mark()) << "one is one";
  }
  ASSERT_EQ(marks.size(), 2U);
  const auto apart = limits::watch_mark_us / machine_cell::length_us * static_cast<std::int64_t>(of_press.size() + 1);
  EXPECT_GE(marks[1].place - marks[0].place, apart);
  EXPECT_LT(marks[1].place - marks[0].place, apart + apart / 8);
}

TEST(machine_rerun, without_a_change_nothing_is_told_and_the_watch_goes_on_as_if_nothing_had_been) {
  for (const bool from_mark : {false, true}) {
    const auto rows = rows_with_two_faults(2, long_enough);
    watched whole, again;
    std::vector<machine_mark> marks;
    for (std::size_t i = 0; i < rows.size(); i += 500) {
      whole.take(rows, i, std::min(rows.size(), i + 500));
      again.take(rows, i, std::min(rows.size(), i + 500));
      if (auto made = again.watch.take_mark()) marks.push_back(std::move(*made));
      const auto told = again.found.size();
      const std::vector<watched_reading> seen(rows.begin(),
                                              rows.begin() + static_cast<std::ptrdiff_t>(std::min(rows.size(), i + 500)));
      std::vector<machine_mark> made_again;
      judge_again(again, counting(seen), from_mark && !marks.empty() ? &marks.back() : nullptr, made_again);
      EXPECT_EQ(again.found.size(), told) << i;
    }
    EXPECT_EQ(again.digest(), whole.digest());
    EXPECT_EQ(again.found.size(), whole.found.size());
    ASSERT_EQ(whole.holding(), 2U);
  }
}

/// Readings that never come in time, corrections of values, and changes of the sensitivity; judged again at any time, from a mark where there is one.
TEST(machine_rerun, what_holds_is_what_a_watch_over_the_readings_as_they_count_finds_in_order) {
  std::size_t holding = 0;
  for (unsigned seed = 1; seed <= 8; ++seed) {
    std::mt19937 random(seed);
    const auto rows = rows_with_two_faults(seed, long_enough);
    const auto portion = std::size_t{40} + random() % 400;
    const std::map<std::size_t, double> changes{{2, 0.5}, {random() % 20, 1.5}};
    watched live, in_order;
    std::vector<machine_mark> marks;
    by_time count_now;                     // as they count in the end
    std::vector<watched_reading> to_come;  // hours late
    std::size_t again_count = 0;
    for (std::size_t i = 0, number = 0; i < rows.size(); i += portion, ++number) {
      if (const auto change = changes.find(number); change != changes.end()) live.watch.follow(change->second, 0, live.found);
      std::vector<watched_reading> body;
      for (auto row = i; row < std::min(rows.size(), i + portion); ++row) {
        const bool is_late = random() % 16 == 0 || (seed % 2 == 0 && row > 2'000 && row < 4'000 && rows[row].sensor == 1);
        (is_late ? to_come : body).push_back(rows[row]);
      }
      for (const auto& each : body) count_now[{each.time_us, each.sensor}] = each.value;
      live.take(shuffled(body, seed, 30 * sec_us), 0, body.size());
      if (auto made = live.watch.take_mark()) marks.push_back(std::move(*made));
      auto from_us = INT64_MAX;
      if (random() % 4 == 0 && !to_come.empty()) {
        std::ranges::shuffle(to_come, random);
        for (const auto& each : to_come) count_now[{each.time_us, each.sensor}] = each.value;
        live.take(to_come, 0, to_come.size());
        to_come.clear();
        from_us = live.watch.again().first_us;
        EXPECT_NE(live.watch.counts().late, 0U);
      }
      if (random() % 6 == 0) {  // a correction
        auto at = std::next(count_now.begin(), static_cast<std::ptrdiff_t>(random() % count_now.size()));
        from_us = std::min(from_us, at->first.first);
        for (int k = 0; k < 300 && at != count_now.end(); ++k, ++at) at->second += k % 2 == 0 ? 15 : 0;
      }
      if (from_us == INT64_MAX) continue;
      ++again_count;
      from_us = std::min(from_us, live.watch.again().first_us);
      const auto from = newest_before(marks, from_us);
      const auto mark = from != nullptr ? std::optional(*from) : std::nullopt;
      drop_behind(marks, from_us);
      std::vector<machine_mark> made;
      judge_again(live, count_now, mark ? &*mark : nullptr, made);
      std::erase_if(made, [&](const machine_mark& each) { return mark && each.place <= mark->place; });
      marks.insert(marks.end(), made.begin(), made.end());
      if (random() % 2 == 0) {
        std::string bytes;
        live.watch.encode(bytes);
        auto read = fresh_watch();
        std::string_view in = bytes;
        ASSERT_TRUE(read.decode(in) && in.empty());
        live.watch = std::move(read);
      }
    }
    ASSERT_GT(again_count, 5U);
    std::vector<machine_mark> none;
    judge_again(live, count_now, nullptr, none);
    const auto judged_from_marks = live.digest();
    // The reference: each change of the sensitivity at its place, that of the newest reading then, which came in time.
    std::vector<std::pair<std::int64_t, double>> at_places;
    for (const auto& [number, sensitivity] : changes) {
      auto newest_us = INT64_MIN;
      for (std::size_t row = 0; row < std::min(rows.size(), number * portion); ++row)
        newest_us = std::max(newest_us, rows[row].time_us);
      at_places.emplace_back(newest_us, sensitivity);
    }
    std::vector<watched_reading> ordered;
    for (const auto& [at, value] : count_now) ordered.push_back({at.first, at.second, value});
    std::size_t next = 0;
    const auto take_until = [&](std::int64_t until_us) {
      auto end = next;
      while (end < ordered.size() && machine_cell::of(ordered[end].time_us) <= machine_cell::of(until_us)) ++end;
      in_order.take(ordered, next, end);
      next = end;
    };
    for (const auto& [newest_us, sensitivity] : at_places) {
      if (newest_us != INT64_MIN) take_until(newest_us);
      in_order.watch.follow(sensitivity, 0, in_order.found);
    }
    take_until(INT64_MAX / 4);
    EXPECT_EQ(judged_from_marks, in_order.digest()) << "seed " << seed;
    holding += in_order.holding();
  }
  EXPECT_GE(holding, 12U);
}

TEST(machine_rerun, so_many_changes_of_the_sensitivity_are_kept_and_older_ones_forgotten) {
  watched changed;
  const auto rows = make_rows(5, 900);
  for (std::size_t i = 0; i < rows.size(); i += 4) {
    if (i < 4 * (limits::watch_settings_kept + 20)) changed.watch.follow(i % 8 == 0 ? 0.5 : 1, 0, changed.found);
    changed.take(rows, i, i + 4);
  }
  std::string bytes, one_more;
  changed.watch.encode(bytes);
  changed.watch.follow(1.5, 0, changed.found);
  changed.watch.encode(one_more);
  EXPECT_LT(one_more.size(), bytes.size() + 30) << "one came, one went; a command waits";
  ASSERT_EQ(changed.holding(), 1U);
  const auto before = changed.digest();
  std::vector<machine_mark> none;
  judge_again(changed, counting(rows), nullptr, none);
  EXPECT_EQ(changed.digest(), before) << "what was forgotten was over before anything was found";
}

}  // namespace
}  // namespace factory::test
