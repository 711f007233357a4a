#include "actors/sensors/sensor_state.hpp"

#include "actors/sensors/sensor.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "actors/engine/limits.hpp"
#include "actors/sensors/limits.hpp"
#include "actors/support/messages.hpp"
#include "pipelines/model/coding.hpp"
#include "pipelines/model/limits.hpp"
#include "storage/base/limits.hpp"
#include "storage/support/runs.hpp"
#include "support/times.hpp"

namespace factory::test {
namespace {

constexpr sensor_id stated = 7;

/// A state and a shorter way to feed it. Under a limit that everything passes, each reading that is judged is an alarm row.
struct fed_state {
  fed_state() { state.watch(needs_of({stated, {{}, -1e9}, {}}), ten_us); }

  sensor_state state{stated, stream_rules{}};

  sensor_state::findings apply(const timed_values& rows, std::int64_t received_at_us) {
    const auto batch = batch_of(stated, rows);
    return state.apply(received_at_us, *batch, batch->slices.front());
  }
  std::string bytes() const {
    std::string out;
    state.encode(out);
    return out;
  }
};

struct one_reading {
  const char* name;
  std::int64_t offset_us;  ///< to the watermark, which is when it is received
  double value;
  std::uint64_t sensor_status::*counted;  ///< null: none but accepted
  std::uint8_t flags;
  bool judged;
};
void PrintTo(const one_reading& row, std::ostream* out) { *out << row.name; }

/// On a sensor that has a reading of value 1 each second up to the watermark.
struct a_reading : testing::TestWithParam<one_reading> {};

TEST_P(a_reading, is_counted_and_flagged_by_its_time_alone) {
  const auto& row = GetParam();
  constexpr std::int64_t watermark_us = ten_us + 119 * second_us;
  fed_state fed;
  timed_values before = calm(0, 120);
  for (auto& each : before) each.second = 1;
  fed.apply(before, watermark_us);
  const auto counts_before = fed.state.status();
  const auto found = fed.apply({{watermark_us + row.offset_us, row.value}}, watermark_us);
  const auto counts = fed.state.status();
  EXPECT_EQ(counts.accepted, 121U);
  for (const auto each : {&sensor_status::duplicate, &sensor_status::corrected, &sensor_status::out_of_order,
                          &sensor_status::late, &sensor_status::future})
    EXPECT_EQ(counts.*each - counts_before.*each, each == row.counted ? 1U : 0U);
  EXPECT_EQ(!found.alarm_rows.empty(), row.judged);
  EXPECT_EQ(counts.watermark_us, watermark_us) << "it never passes the time of arrival";
  const auto head = fed.state.cut({watermark_us + row.offset_us, watermark_us + row.offset_us + 1}).head;
  ASSERT_EQ(head.size(), 1U);
  EXPECT_EQ(head.value[0], row.value) << "stored whatever it is";
  EXPECT_EQ(head.flags[0], row.flags);
}

constexpr auto nothing = static_cast<std::uint64_t sensor_status::*>(nullptr);
INSTANTIATE_TEST_SUITE_P(
    times, a_reading,
    testing::Values(one_reading{"next", 1, 5, nothing, flag_none, true},
                    one_reading{"as far ahead as is allowed", 300 * second_us, 5, nothing, flag_none, true},
                    one_reading{"future", 300 * second_us + 1, 5, &sensor_status::future, flag_future, false},
                    one_reading{"the newest again", 0, 1, &sensor_status::duplicate, flag_none, false},
                    one_reading{"the newest corrected", 0, 5, &sensor_status::corrected, flag_none, true},
                    one_reading{"an older one again", -40 * second_us, 1, &sensor_status::duplicate, flag_none, false},
                    one_reading{"an older one corrected", -40 * second_us, 5, &sensor_status::corrected, flag_none, true},
                    one_reading{"out of order", -second_us / 2, 5, &sensor_status::out_of_order, flag_none, true},
                    one_reading{"as late as is allowed", -60 * second_us, 5, &sensor_status::corrected, flag_none, true},
                    one_reading{"late", -60 * second_us - 1, 5, &sensor_status::late, flag_late, false},
                    one_reading{"late correction", -61 * second_us, 5, &sensor_status::late, flag_late, false}));

TEST(sensor_state, a_correction_within_the_lateness_revises_the_windows_and_a_late_one_does_not) {
  fed_state fed;
  fed.apply({{ten_us, 10}, {ten_us + 100 * second_us, 20}, {ten_us + 110 * second_us, 30}}, ten_us + 110 * second_us);
  fed.apply({{ten_us + 100 * second_us, 40}}, ten_us + 110 * second_us);
  EXPECT_DOUBLE_EQ(fed.state.status().count_window.mean, 80.0 / 3);
  fed.apply({{ten_us, 1'000}}, ten_us + 110 * second_us);
  EXPECT_DOUBLE_EQ(fed.state.status().count_window.mean, 80.0 / 3);
}

TEST(sensor_state, sensors_that_are_read_out_together_do_not_fill_their_heads_in_the_same_moment) {
  std::set<std::size_t> sizes;
  for (sensor_id each = 1; each <= 100; ++each) {
    sensor_state state(each, stream_rules{});
    for (std::size_t second = 0; !state.head_is_full(); ++second) {
      const auto batch = batch_of(each, calm(second, 1));
      state.apply(ten_us + 1'000'000 * second_us, *batch, batch->slices.front());
    }
    sizes.insert(state.head_size());
  }
  EXPECT_GT(sizes.size(), 50U);
  EXPECT_GT(*sizes.begin(), limits::head_readings - limits::head_readings_spread);
  EXPECT_LE(*sizes.rbegin(), limits::head_readings);
}

TEST(sensor_state, late_readings_in_a_row_that_come_as_time_passes_set_the_watermark_anew) {
  fed_state fed;
  fed.apply(calm(0, 120), ten_us + 120 * second_us);
  const std::int64_t year_us = 365 * 86'400 * second_us;
  std::vector<event> said;
  for (std::int64_t second = 121; second <= 200; ++second) {
    const auto found = fed.apply({{ten_us + second * second_us - year_us, 20}}, ten_us + second * second_us);
    said.insert(said.end(), found.events.begin(), found.events.end());
    EXPECT_EQ(found.alarms_restart, !found.events.empty());
  }
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].key.kind, event_kind::watermark_reanchored);
  EXPECT_EQ(said[0].at_us, ten_us + 181 * second_us - year_us) << "after a minute";
  EXPECT_EQ(fed.state.status().late, 60U);
  EXPECT_EQ(fed.state.latest()->event_time_us, ten_us + 200 * second_us - year_us);
}

TEST(sensor_state, a_backlog_that_is_sent_faster_than_it_was_measured_is_late_and_sets_nothing_anew) {
  fed_state fed;
  fed.apply({{ten_us, 20}}, ten_us);
  for (std::int64_t minute = 0; minute < 120; ++minute)
    EXPECT_TRUE(fed.apply({{ten_us + (minute - 300) * 60 * second_us, 20}}, ten_us + minute * second_us).events.empty());
  EXPECT_EQ(fed.state.status().late, 120U);
}

TEST(sensor_state, a_body_is_judged_in_time_order_whatever_its_own) {
  fed_state rising, falling;
  timed_values rows = calm(0, 300);
  rows[250].second = 500;
  const auto in_order = rising.apply(rows, ten_us + 300 * second_us);
  std::ranges::reverse(rows);
  const auto reversed = falling.apply(rows, ten_us + 300 * second_us);
  ASSERT_EQ(in_order.events.size(), 1U);
  ASSERT_EQ(reversed.events.size(), 1U);
  EXPECT_EQ(reversed.events[0].detail, in_order.events[0].detail);
  EXPECT_EQ(falling.bytes(), rising.bytes());
}

TEST(sensor_state, a_reading_with_too_many_newer_ones_to_judge_again_is_late_however_short_the_time) {
  fed_state fed;
  for (std::int64_t i = 1; i <= 2'000; ++i) fed.apply({{ten_us + i * 10, 20}}, ten_us + i * 10);
  fed.apply({{ten_us + (2'000 - 440) * 10 + 5, 20}}, ten_us + second_us);
  EXPECT_EQ(fed.state.status().late, 0U);
  fed.apply({{ten_us + (2'000 - 460) * 10 + 5, 20}}, ten_us + second_us);
  EXPECT_EQ(fed.state.status().late, 1U);
  EXPECT_LE(fed.state.status().time_window.count, limits::time_window_readings);
}

TEST(sensor_state, a_reading_from_the_future_is_never_the_latest) {
  fed_state fed;
  fed.apply({{ten_us + 600 * second_us, 1}}, ten_us);
  EXPECT_FALSE(fed.state.latest());
  fed.apply({{ten_us, 2}}, ten_us);
  EXPECT_EQ(fed.state.latest()->event_time_us, ten_us);
}

/// Readings as they may really come: mostly in order, some repeated, corrected, out of order (alone, or some that others have
/// overtaken), late or from the future.
timed_values untidy(std::mt19937& random, std::size_t count) {
  timed_values rows;
  std::int64_t now_us = ten_us;
  for (std::size_t i = 0; i < count; ++i) {
    const auto value = static_cast<double>(random() % 1'000) / 10 + (random() % 60 == 0 ? 500 : 0);
    switch (random() % 13) {
      case 0: rows.push_back(rows.empty() ? std::pair{now_us, value} : rows[random() % rows.size()]); break;
      case 1: rows.emplace_back(rows.empty() ? now_us : rows[random() % rows.size()].first, value); break;
      case 2: rows.emplace_back(now_us - static_cast<std::int64_t>(random() % 200) * second_us / 2, value); break;
      case 3: rows.emplace_back(now_us + 4'000'000 * second_us + static_cast<std::int64_t>(random() % 50), value); break;
      case 4: {
        const std::int64_t overtaken_us = now_us;
        rows.emplace_back(now_us += 40 * second_us, value);
        for (std::size_t k = 1, most = random() % 60; k < most; ++k)
          rows.emplace_back(overtaken_us + static_cast<std::int64_t>(k) * second_us, value + static_cast<double>(random() % 10));
        break;
      }
      default: rows.emplace_back(now_us += static_cast<std::int64_t>(1 + random() % 3) * second_us, value);
    }
  }
  return rows;
}

constexpr std::int64_t received_us = ten_us + 1'000'000 * second_us;

struct any_readings : testing::TestWithParam<unsigned> {};

TEST_P(any_readings, survive_encode_and_decode_at_any_place) {
  std::mt19937 random(GetParam());
  const auto rows = untidy(random, 1'000);
  const auto middle = rows.begin() + static_cast<std::ptrdiff_t>(random() % rows.size());
  fed_state straight, before, after;
  straight.apply({rows.begin(), middle}, received_us);
  before.apply({rows.begin(), middle}, received_us);
  const auto bytes = before.bytes();
  std::string_view in = bytes;
  ASSERT_TRUE(after.state.decode(in));
  EXPECT_TRUE(in.empty());
  EXPECT_EQ(after.bytes(), bytes);
  for (auto row = middle; row != rows.end(); ++row) {
    const auto found = straight.apply({*row}, received_us), found_after = after.apply({*row}, received_us);
    ASSERT_EQ(found_after.alarm_rows, found.alarm_rows);
    ASSERT_EQ(found_after.events.size(), found.events.size());
    for (std::size_t i = 0; i < found.events.size(); ++i) {
      EXPECT_EQ(found_after.events[i].key, found.events[i].key);
      EXPECT_EQ(found_after.events[i].detail, found.events[i].detail);
    }
  }
  EXPECT_EQ(after.state.floor_us(), straight.state.floor_us());
}

TEST_P(any_readings, are_all_in_blocks_and_head_with_the_last_write_of_each_time) {
  std::mt19937 random(GetParam());
  fed_state fed;
  std::map<std::int64_t, double> stored, sent;
  const auto write_over = [&stored](const reading_run& run) {
    for (std::size_t i = 0; i < run.size(); ++i) stored[run.event_time_us[i]] = run.value[i];
  };
  std::uint32_t last_number = 0;
  const auto rows = untidy(random, 3'000);
  for (const auto& row : rows) {
    fed.apply({row}, received_us);
    sent[row.first] = row.second;
    if (random() % 400 != 0) continue;
    fed.state.seal_head();
    for (const auto& each : fed.state.take_unstored()) {
      EXPECT_EQ(each->number, last_number + 1) << "numbers rise, without gaps";
      last_number = each->number;
      write_over(open_block(each->bytes).value());
    }
  }
  write_over(fed.state.cut({}).head);
  EXPECT_EQ(stored, sent);
}

TEST_P(any_readings, on_disk_end_by_the_time_that_a_cut_tells_also_after_a_restart) {
  std::mt19937 random(GetParam());
  fed_state fed;
  EXPECT_EQ(fed.state.cut({}).on_disk_until_us, INT64_MIN);
  std::int64_t on_disk_until_us = INT64_MIN;
  for (const auto& row : untidy(random, 3'000)) {
    fed.apply({row}, received_us);
    if (random() % 200 != 0) continue;
    fed.state.seal_head();
    for (const auto& each : fed.state.take_unstored()) {
      fed.state.written(each->number);
      on_disk_until_us = std::max(on_disk_until_us, each->values.last_us);
    }
    EXPECT_EQ(fed.state.cut({}).on_disk_until_us, on_disk_until_us);
    sensor_state restarted(stated, stream_rules{});
    const auto bytes = fed.bytes();
    std::string_view in = bytes;
    ASSERT_TRUE(restarted.decode(in));
    EXPECT_GE(restarted.cut({}).on_disk_until_us, on_disk_until_us);
  }
}

TEST_P(any_readings, in_a_damaged_encoding_are_refused_or_read_but_never_more) {
  std::mt19937 random(GetParam());
  fed_state fed;
  fed.apply(untidy(random, 300), received_us);
  const auto bytes = fed.bytes();
  for (std::size_t cut = 0; cut < bytes.size(); cut += 1 + random() % 50) {
    sensor_state other(stated, stream_rules{});
    std::string_view in(bytes.data(), cut);
    EXPECT_FALSE(other.decode(in)) << cut;
  }
}

/// A state as version 1 stored it: two windows, no rows to judge again.
std::string state_of_version_1(const timed_values& rows) {
  std::string out;
  put_byte(out, 1);
  put_varint(out, 3);  // next block
  put_byte(out, 1);    // seen
  put_zigzag(out, rows.back().first);
  put_double(out, rows.back().second);
  put_zigzag(out, 0);
  put_double(out, 0);
  put_zigzag(out, INT64_MIN);
  put_zigzag(out, rows.front().first);
  for (const std::uint64_t count : {rows.size(), std::size_t{2}, std::size_t{0}, std::size_t{0}, std::size_t{1}, std::size_t{0}})
    put_varint(out, count);
  for (const auto& [most, span_us] : {std::pair{100, std::int64_t{0}}, std::pair{4096, 60 * second_us}}) {
    put_byte(out, 1);
    put_varint(out, static_cast<std::uint64_t>(most));
    put_zigzag(out, span_us);
    put_varint(out, rows.size());
    put_varint(out, 0);
    put_varint(out, 0);
    for (int sum = 0; sum < 4; ++sum) put_double(out, 0);
    put_zigzag(out, rows.front().first);
    for (std::size_t i = 1; i < rows.size(); ++i) put_varint(out, static_cast<std::uint64_t>(rows[i].first - rows[i - 1].first));
    for (const auto& [time_us, value] : rows) put_double(out, value);
  }
  put_varint(out, 0);  // the head is empty
  return out;
}

TEST(sensor_state, of_version_1_is_read_and_goes_on_where_it_stood) {
  const auto rows = calm(0, 50);
  const auto bytes = state_of_version_1(rows);
  fed_state fed;
  std::string_view in = bytes;
  ASSERT_TRUE(fed.state.decode(in));
  EXPECT_TRUE(in.empty());
  const auto status = fed.state.status();
  EXPECT_EQ(status.accepted, 50U);
  EXPECT_EQ(status.duplicate, 2U);
  EXPECT_EQ(status.late, 1U);
  EXPECT_EQ(status.watermark_us, rows.back().first);
  EXPECT_EQ(status.count_window.count, 50U);
  EXPECT_EQ(fed.state.latest()->value, rows.back().second);
  const auto found = fed.apply({{ten_us + 50 * second_us, 500}}, ten_us + 50 * second_us);
  ASSERT_EQ(found.events.size(), 1U);
  EXPECT_EQ(found.events.front().key.source, event_source::z_score);
}

INSTANTIATE_TEST_SUITE_P(seeds, any_readings, testing::Range(0U, 8U));

/// Of 100,000 sensors most are idle. `factory-bench cardinality` shows all that one takes; the goal is under 3 KiB.
TEST(sensor_state, is_as_small_as_the_memory_of_an_idle_sensor_is_reckoned_with) {
  EXPECT_LE(sizeof(sensor_state), 448U);
  EXPECT_LE(sizeof(sensor_judge), 40U);  // two and more in each sensor
  EXPECT_LE(sizeof(sensor_actor_state), 176U);
}

}  // namespace
}  // namespace factory::test
