#include "pipelines/judge/revisable.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

namespace factory {
namespace {

constexpr std::int64_t lateness_us = 600;

std::uint64_t rows_judged = 0;  ///< so far, by all judges

/// Finds values above a limit that commands set, says the mean of the rows before, and keeps a state that forgets nothing: how often it found
/// something. So a finding depends on the rows near it, on all rows before, and on commands.
struct counting_judge {
  struct found {
    std::int64_t time_us;
    double value, mean;
    std::uint64_t number;
    bool operator==(const found&) const = default;
  };
  using finding = found;
  using command = double;
  static constexpr std::size_t looks_back = 5;
  static bool order(const found& a, const found& b) { return a.time_us < b.time_us; }
  static bool same(const found& a, const found& b) { return a == b; }
  static void put_command(std::string& out, double limit) { put_double(out, limit); }
  static bool get_command(std::string_view& in, double& limit) { return get_double(in, limit); }

  double limit = 90;
  std::uint64_t count = 0, seen = 0;

  void observe(const recent_rows& rows, std::size_t begin, std::size_t end, std::int64_t, std::vector<found>& out) {
    for (auto row = begin; row < end; ++row, ++seen) {
      const auto value = rows.values()[row];
      ++rows_judged;
      if (value <= limit) continue;
      double sum = 0;
      const std::size_t before = std::min<std::size_t>(seen, looks_back);
      for (auto i = row - before; i < row; ++i) sum += rows.values()[i];
      out.push_back({rows.times_us()[row], value, sum, ++count});
    }
  }
  void apply(double to, std::int64_t, std::vector<found>&) { limit = to; }
  void encode(std::string& out) const {
    put_double(out, limit);
    put_varint(out, count);
    put_varint(out, seen);
  }
  bool decode(std::string_view& in) { return get_double(in, limit) && get_varint(in, count) && get_varint(in, seen); }
};

using rows_in_time_order = std::map<std::int64_t, double>;
using findings = std::map<std::int64_t, counting_judge::found>;

/// A revisable, and what those who hear its findings and differences believe.
struct followed {
  revisable<counting_judge> judged{counting_judge{}};
  findings known;
  std::int64_t newest_us = INT64_MIN;
  std::size_t most_rows = 0;

  /// One portion of rows as they arrived.
  void take(const std::vector<std::pair<std::int64_t, double>>& portion) {
    rows_in_time_order sorted;
    for (const auto& [time_us, value] : portion) sorted[time_us] = value;
    std::vector<std::int64_t> times_us;
    std::vector<double> values;
    for (const auto& [time_us, value] : sorted) {
      if (time_us <= newest_us) {
        judged.put({&time_us, 1}, {&value, 1});
      } else {
        times_us.push_back(time_us);
        values.push_back(value);
      }
    }
    revisable<counting_judge>::differences differences;
    judged.revise(0, differences);
    std::vector<counting_judge::found> found;
    if (!values.empty()) {
      judged.append(times_us, values, 0, found);
      newest_us = times_us.back();
    }
    apply(differences);
    for (const auto& each : found) EXPECT_TRUE(known.emplace(each.time_us, each).second) << "told twice";
    judged.settle(newest_us - lateness_us);
    most_rows = std::max(most_rows, judged.rows().size());
  }
  void command(double limit) {
    revisable<counting_judge>::differences differences;
    judged.apply(limit, newest_us, 0, differences);
    apply(differences);
  }
  void apply(const revisable<counting_judge>::differences& differences) {
    for (const auto& [before, after] : differences) {
      if (before) {
        const auto old = known.find(before->time_us);
        ASSERT_TRUE(old != known.end()) << "withdraws what was never told";
        EXPECT_EQ(old->second, *before);
        known.erase(old);
      }
      if (after) {
        EXPECT_TRUE(known.emplace(after->time_us, *after).second) << "told twice";
      }
    }
  }
  void restart_process() {
    std::string bytes;
    judged.encode(bytes);
    std::string_view in = bytes;
    judged = revisable<counting_judge>(counting_judge{});
    ASSERT_TRUE(judged.decode(in));
    EXPECT_TRUE(in.empty());
    std::string again;
    judged.encode(again);
    EXPECT_EQ(again, bytes);
  }
};

findings in_order(const rows_in_time_order& rows) {
  followed all;
  for (const auto& row : rows) all.take({row});
  return all.known;
}

/// Rows as a bad line delivers them: each as late as is allowed at most, some twice, some wrong at first.
std::vector<std::pair<std::int64_t, double>> disordered(std::mt19937& random, rows_in_time_order& last_write) {
  std::multimap<std::int64_t, std::pair<std::int64_t, double>> by_arrival;
  std::int64_t time_us = 0;
  for (int i = 0; i < 2'000; ++i) {
    time_us += static_cast<std::int64_t>(1 + random() % 10);
    const double value = static_cast<double>(random() % 100);
    const auto late = [&] { return random() % 4 == 0 ? static_cast<std::int64_t>(random() % (lateness_us / 2)) : 0; };
    const auto arrival_us = time_us + late();
    if (random() % 10 == 0) by_arrival.emplace(arrival_us, std::pair{time_us, static_cast<double>(random() % 100)});
    const auto corrected_us = arrival_us + late();
    by_arrival.emplace(corrected_us, std::pair{time_us, value});
    if (random() % 10 == 0) by_arrival.emplace(corrected_us + 1, std::pair{time_us, value});
    last_write[time_us] = value;
  }
  std::vector<std::pair<std::int64_t, double>> rows;
  for (const auto& [arrival_us, row] : by_arrival) rows.push_back(row);
  return rows;
}

struct any_stream : testing::TestWithParam<unsigned> {};

TEST_P(any_stream, gives_the_findings_of_its_rows_in_order_however_they_arrive) {
  std::mt19937 random(GetParam());
  rows_in_time_order last_write;
  const auto rows = disordered(random, last_write);
  const auto wanted = in_order(last_write);
  EXPECT_GT(wanted.size(), 100U);
  for (const std::size_t portion : {1U, 7U, 40U}) {
    followed judged;
    for (std::size_t at = 0; at < rows.size(); at += portion) {
      const auto from = rows.begin() + static_cast<std::ptrdiff_t>(at);
      judged.take({from, from + static_cast<std::ptrdiff_t>(std::min(portion, rows.size() - at))});
      if (random() % 50 == 0) judged.restart_process();
    }
    EXPECT_EQ(judged.known, wanted) << portion;
  }
}

TEST_P(any_stream, with_commands_gives_the_same_findings_however_the_rows_between_them_arrive) {
  std::mt19937 random(GetParam());
  std::vector<followed> readers(3);
  std::int64_t time_us = 0;
  for (int step = 0; step < 60; ++step) {
    std::vector<std::pair<std::int64_t, double>> rows;
    for (int i = 0; i < 20; ++i)
      rows.emplace_back(time_us + static_cast<std::int64_t>(random() % 400), static_cast<double>(random() % 100));
    std::ranges::sort(rows);
    rows.erase(std::ranges::unique(rows, {}, &std::pair<std::int64_t, double>::first).begin(), rows.end());
    time_us += 100;
    for (std::size_t reader = 0; reader < readers.size(); ++reader) {
      const std::size_t portion = reader == 0 ? rows.size() : reader;
      for (std::size_t at = 0; at < rows.size(); at += portion) {
        const auto from = rows.begin() + static_cast<std::ptrdiff_t>(at);
        readers[reader].take({from, from + static_cast<std::ptrdiff_t>(std::min(portion, rows.size() - at))});
      }
      std::ranges::shuffle(rows, random);
    }
    const auto limit = static_cast<double>(60 + random() % 40);
    for (auto& reader : readers) {
      if (step % 3 == 0) reader.command(limit);
      if (random() % 10 == 0) reader.restart_process();
    }
  }
  EXPECT_GT(readers[0].known.size(), 50U);
  EXPECT_EQ(readers[1].known, readers[0].known);
  EXPECT_EQ(readers[2].known, readers[0].known);
}

/// Findings behind a time.
findings behind(const findings& all, std::int64_t time_us) { return {all.upper_bound(time_us), all.end()}; }

TEST_P(any_stream, goes_on_from_another_past_that_it_takes_over_where_it_was_held) {
  std::mt19937 random(GetParam());
  rows_in_time_order last_write, past;
  const auto rows = disordered(random, last_write);
  followed all;
  const auto held = rows.size() / 2, taken_over = held + 10 + random() % 300;
  std::int64_t edge_us = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    all.take({rows[i]});
    if (random() % 50 == 0) all.restart_process();
    if (i == held) {
      edge_us = all.judged.floor_us() - 1;
      all.judged.hold(edge_us);
      for (const auto& [time_us, value] : last_write)
        if (time_us <= edge_us) past[time_us] = random() % 3 == 0 ? 100 - value : value;
    }
    if (i != taken_over) continue;
    followed other;
    for (const auto& row : past) other.take({row});
    recent_rows newest;
    for (auto at = std::prev(past.end(), counting_judge::looks_back); at != past.end(); ++at)
      newest.append({&at->first, 1}, {&at->second, 1});
    ASSERT_TRUE(all.judged.is_held());
    revisable<counting_judge>::differences differences;
    all.judged.take_over(other.judged.now(), newest, 0, differences);
    for (const auto& each : differences) EXPECT_GT((each.after ? each.after : each.before)->time_us, edge_us);
    all.apply(differences);
  }
  for (const auto& [time_us, value] : last_write)
    if (time_us > edge_us) past[time_us] = value;
  EXPECT_EQ(behind(all.known, edge_us), behind(in_order(past), edge_us));
}

INSTANTIATE_TEST_SUITE_P(seeds, any_stream, testing::Range(0U, 30U));

TEST(revisable, keeps_marks_as_few_as_the_logarithm_of_the_rows_that_may_change) {
  followed judged;
  for (std::int64_t time_us = 1; time_us <= 5'000; ++time_us) {
    judged.take({{time_us, 1}});
    ASSERT_LE(judged.judged.mark_count(), 11U);
  }
  EXPECT_LE(judged.most_rows, 2 * lateness_us + 64 + counting_judge::looks_back);
  EXPECT_GE(judged.judged.rows().size(), static_cast<std::size_t>(lateness_us));
}

TEST(revisable, judges_again_few_rows_where_bodies_overtake_each_other) {
  followed judged;
  constexpr std::int64_t body = 10;
  const auto take_body = [&](std::int64_t number) {
    std::vector<std::pair<std::int64_t, double>> rows;
    for (std::int64_t i = 0; i < body; ++i) rows.emplace_back(number * body + i, 1);
    judged.take(rows);
  };
  for (std::int64_t number = 1; number < 100; number += 2) {
    const auto before = rows_judged;
    take_body(number + 1);
    take_body(number);
    if (number > 20) {
      EXPECT_LE(rows_judged - before, 60U);
    }
  }
}

TEST(revisable, keeps_no_more_rows_for_long_because_it_was_stored_and_read_again) {
  followed judged;
  constexpr std::size_t most = 2 * lateness_us + 64 + counting_judge::looks_back;
  for (std::int64_t time_us = 1; time_us <= 5'000; ++time_us) {
    judged.take({{time_us, time_us % 10 == 0 ? 99.0 : 1.0}});
    if (time_us % 700 == 0) judged.restart_process();
    judged.judged.settle(INT64_MIN, INT64_MAX, most);
    ASSERT_LE(judged.judged.rows().size(), most);
  }
}

TEST(revisable, reports_a_correction_as_the_difference_it_makes) {
  followed judged;
  judged.take({{1, 10}, {2, 95}, {3, 10}, {4, 96}});
  const double calm = 10, higher = 97;
  const std::int64_t second = 2, fourth = 4;
  judged.judged.put({&second, 1}, {&calm, 1});
  judged.judged.put({&fourth, 1}, {&higher, 1});
  revisable<counting_judge>::differences differences;
  judged.judged.revise(0, differences);
  ASSERT_EQ(differences.size(), 2U);
  EXPECT_EQ(differences[0].before->time_us, 2);
  EXPECT_FALSE(differences[0].after);
  EXPECT_EQ(differences[1].before->value, 96);
  EXPECT_EQ(differences[1].after->value, 97);
  EXPECT_EQ(differences[1].after->number, 1U);
}

TEST(recent_rows, hold_what_a_map_would_hold_wherever_rows_come_and_go) {
  std::mt19937 random(5);
  std::map<std::int64_t, double> expected;
  recent_rows rows;
  for (int step = 0; step < 20'000; ++step) {
    const auto newest_us = expected.empty() ? 0 : expected.rbegin()->first;
    const auto pick = random() % 16;
    if (pick < 10 || expected.size() < 4) {
      std::vector<std::int64_t> times_us;
      std::vector<double> values;
      for (std::uint32_t i = 0; i <= random() % 9; ++i) {
        times_us.push_back(newest_us + 10 * (i + 1));
        values.push_back(static_cast<double>(random() % 1'000));
        expected[times_us.back()] = values.back();
      }
      rows.append(times_us, values);
    } else if (pick < 12) {
      const auto before = std::next(expected.begin(), static_cast<std::ptrdiff_t>(random() % expected.size()));
      const std::int64_t time_us = before->first + 5;
      const auto value = static_cast<double>(step);
      const auto row = rows.lower_bound(time_us);
      if (expected.contains(time_us))
        rows.replace(row, value);
      else
        rows.insert(row, {&time_us, 1}, {&value, 1});
      expected[time_us] = value;
    } else if (pick < 14) {
      const auto gone = std::next(expected.begin(), static_cast<std::ptrdiff_t>(random() % expected.size()));
      rows.erase(rows.lower_bound(gone->first));
      expected.erase(gone);
    } else if (expected.size() > 60) {
      rows.drop_front(20);
      expected.erase(expected.begin(), std::next(expected.begin(), 20));
    }
    if (step % 100 == 0) rows = recent_rows(rows);
    ASSERT_EQ(rows.size(), expected.size());
    auto row = 0U;
    for (const auto& [time_us, value] : expected) {
      ASSERT_EQ(rows.times_us()[row], time_us);
      ASSERT_EQ(rows.values()[row++], value);
    }
    ASSERT_EQ(rows.newest_us(), expected.rbegin()->first);
  }
}

TEST(revisable, does_not_read_what_is_damaged) {
  followed judged;
  for (std::int64_t time_us = 1; time_us <= 50; ++time_us) judged.take({{time_us, 95}});
  judged.command(50);
  std::string bytes;
  judged.judged.encode(bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    revisable<counting_judge> other{counting_judge{}};
    std::string_view in(bytes.data(), size);
    EXPECT_FALSE(other.decode(in)) << size;
  }
}

}  // namespace
}  // namespace factory
