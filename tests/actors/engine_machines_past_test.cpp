// What the machine detector finds follows corrections, annotations and late readings.
#include <gtest/gtest.h>

#include <optional>
#include <random>
#include <string>
#include <thread>

#include "actors/support/press_fixture.hpp"
#include "pipelines/correct/historical.hpp"
#include "pipelines/model/coding.hpp"
#include "storage/base/rocks.hpp"
#include "support/await.hpp"

namespace factory::test {
namespace {

using enum correction_action;

constexpr std::size_t fault_begin = 2 * rows_of_a_day + 720, fault_end = fault_begin + 120, three_days = 3 * rows_of_a_day;

struct engine_machines_past : engine_machines {
  static void judged(engine& it) {
    ASSERT_TRUE(it.settle(deadline_ms));
    await([&] { return it.past_is_judged(); }, "that the past is judged");
    ASSERT_TRUE(it.settle(deadline_ms));
  }
  /// What holds of the machine, as a digest has it.
  static std::string digest_of(const engine& it) {
    std::string out;
    auto all = of_machine(it);
    std::ranges::sort(all, {}, [](const finding& each) { return each.stated->key.event_time_us; });
    for (const auto& each : all) put_for_digest(out, each);
    return out;
  }
  /// Of a plant that got these in order.
  static std::string expected_of(const std::vector<cell>& all) {
    const temporary_directory directory;
    const auto it = open(directory);
    make_press(*it);
    ingest_cells(*it, all, 720);
    judged(*it);
    return digest_of(*it);
  }
  static correction asked(sensor_id sensor, std::size_t begin_row, std::size_t end_row, reading_change change) {
    static int number = 0;
    correction asked;
    asked.sensors = {sensor};
    asked.begin_us = time_of(begin_row);
    asked.end_us = time_of(end_row);
    asked.change = change;
    asked.reason = "testing " + std::to_string(++number);
    asked.by = "Ada";
    return asked;
  }
  /// Of the machine, the newest first.
  static std::vector<event> reports(const engine& it, event_kind kind) {
    event_query asked;
    asked.kind = kind;
    auto all = it.events().query(asked).value();
    std::erase_if(all, [](const event& each) {
      return each.key.sensor != 0 || each.key.source != event_source::machine_correction || each.key.rule != 1;
    });
    return all;
  }
  static const judged_again_detail& said_of(const event& report) { return std::get<judged_again_detail>(report.detail); }
  static consequences followed(engine& it, std::uint64_t step) {
    const auto known = it.consequences_of(step, deadline_ms);
    EXPECT_TRUE(known.has_value());
    return known.value_or(consequences{});
  }
};

TEST_F(engine_machines_past, a_state_is_found_in_readings_that_come_hours_late_and_notifies_nobody) {
  const temporary_directory directory;
  const auto it = open(directory);
  make_press(*it);
  std::vector<cell> in_time, late;
  for (const auto& each : cells(0, three_days))
    (each.sensor == 1 && each.row >= fault_begin - 30 && each.row < fault_end + 30 ? late : in_time).push_back(each);
  ingest_cells(*it, in_time, 300);
  judged(*it);
  EXPECT_TRUE(of_machine(*it).empty());
  ingest_cells(*it, late, 50);
  judged(*it);
  const auto found = of_machine(*it);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_TRUE(is_historical(found[0].stated->key));
  EXPECT_FALSE(found[0].open());
  EXPECT_EQ(digest_of(*it), expected_of(cells(0, three_days)));
  const auto told = reports(*it, event_kind::backlog_judged);
  ASSERT_FALSE(told.empty());
  std::uint64_t raised = 0, withdrawn = 0;
  for (const auto& each : told) {
    EXPECT_EQ(said_of(each).what, "late readings");
    raised += said_of(each).anomalies_raised;
    withdrawn += said_of(each).anomalies_withdrawn;
  }
  EXPECT_EQ(raised - withdrawn, 1U) << "some bodies may be judged before others";
  EXPECT_LE(said_of(told.front()).changed_from_us, time_of(fault_end));
}

TEST_F(engine_machines_past, readings_that_come_newest_first_or_sensor_by_sensor_end_with_what_those_in_order_say) {
  const auto expected = expected_of(cells(0, three_days));
  auto newest_first = cells(0, three_days), by_sensor = newest_first;
  std::ranges::reverse(newest_first);
  std::ranges::stable_sort(by_sensor, {}, &cell::sensor);
  for (const auto& all : {newest_first, by_sensor}) {
    const temporary_directory directory;
    const auto it = open(directory);
    make_press(*it);
    ingest_cells(*it, all, 750);
    judged(*it);
    EXPECT_EQ(of_machine(*it).size(), 1U);
    EXPECT_EQ(digest_of(*it), expected);
  }
}

TEST_F(engine_machines_past, a_correction_withdraws_a_state_and_its_revert_brings_it_back) {
  const temporary_directory directory;
  auto it = open(directory);
  make_press(*it);
  ingest_cells(*it, cells(0, three_days), 300);
  const auto before = digest_of(*it);
  ASSERT_EQ(of_machine(*it).size(), 1U);
  const auto holding = [&] { return it->events().anomalies({}).value().rows.size(); };
  const auto held = holding();
  const auto what = asked(2, fault_begin, fault_end, {offset, -25, 0});
  const auto preview = it->preview(what).value();
  EXPECT_EQ(digest_of(*it), before);
  const auto made = it->correct(what).value();
  const auto all = followed(*it, made.step);
  EXPECT_TRUE(of_machine(*it).empty());
  EXPECT_EQ(preview.anomalies, all.anomalies);
  EXPECT_EQ(all.machines_not_followed, 0U);
  const auto withdrawn = all.anomalies.withdrawn;
  EXPECT_EQ(withdrawn, held - holding()) << "those of its sensors and its own";
  const auto told = reports(*it, event_kind::readings_corrected);
  ASSERT_EQ(told.size(), 1U) << "and the preview reports nothing";
  EXPECT_EQ(said_of(told[0]).correction, made.id);
  EXPECT_EQ(said_of(told[0]).anomalies_withdrawn, 1U);
  EXPECT_EQ(told[0].who, "Ada");
  EXPECT_NE(told[0].explanation.find("1 anomaly withdrawn"), std::string::npos) << told[0].explanation;
  it.reset();
  it = open(directory);
  judged(*it);
  EXPECT_TRUE(of_machine(*it).empty());
  const auto back = it->revert_correction(made.id, "Bob", "testing").value();
  EXPECT_EQ(followed(*it, back.reverted->step).anomalies.raised, withdrawn);
  EXPECT_EQ(digest_of(*it), before);
  const auto told_back = reports(*it, event_kind::readings_corrected);
  ASSERT_EQ(told_back.size(), 2U);
  EXPECT_EQ(said_of(told_back[0]).what, "revert of offset");
  EXPECT_EQ(said_of(told_back[0]).anomalies_raised, 1U);
  EXPECT_EQ(told_back[0].who, "Bob");
}

/// As a crash leaves it that comes when all is done but the consequences of the step are not stored.
void forget_consequences(const std::filesystem::path& directory, std::uint64_t step) {
  const auto db = database::open(directory, {}).value();
  std::string key = "q";
  put_key64(key, step);
  auto& disk = db->raw();
  std::string record;
  ASSERT_TRUE(disk.db->Get({}, disk.at(column::catalog), key, &record).ok());
  rocksdb::WriteBatch batch;
  batch.Delete(disk.at(column::catalog), key);
  ASSERT_TRUE(disk.write(batch, true, "testing"));
}

TEST_F(engine_machines_past, what_a_step_changed_before_a_crash_is_counted_among_its_consequences) {
  const temporary_directory directory;
  auto it = open(directory);
  make_press(*it);
  ingest_cells(*it, cells(0, three_days), 300);
  const auto made = it->correct(asked(2, fault_begin, fault_end, {offset, -25, 0})).value();
  auto step = made.step;
  for (const bool is_revert : {false, true}) {
    if (is_revert) step = it->revert_correction(made.id, "Bob", "testing").value().reverted->step;
    const auto all = followed(*it, step);
    EXPECT_NE(is_revert ? all.anomalies.raised : all.anomalies.withdrawn, 0U);
    const auto last = it->events().last_sequence();
    const auto told = reports(*it, event_kind::readings_corrected).size();
    it.reset();
    forget_consequences(directory.path(), step);
    it = open(directory);
    EXPECT_EQ(followed(*it, step), all);
    EXPECT_EQ(reports(*it, event_kind::readings_corrected).size(), told) << "nothing is told twice";
    EXPECT_EQ(it->events().last_sequence(), last);
  }
}

TEST_F(engine_machines_past, marks_stand_where_the_past_can_be_judged_from_and_go_with_their_watch) {
  const temporary_directory directory;
  auto it = open(directory);
  make_press(*it);
  ingest_cells(*it, cells(0, three_days), 300);
  const auto mark_before = [&](std::size_t row) { return it->mark_before(1, time_of(row)).value(); };
  const auto row_of = [&](const machine_mark& mark) {
    return static_cast<std::size_t>((machine_cell::begin_us(machine_cell::of_place(mark.place, presses_sensors)) - ten_us) /
                                    minute_us);
  };
  EXPECT_FALSE(mark_before(2 * rows_of_a_day)) << "it is still learning";
  ASSERT_TRUE(mark_before(fault_begin));
  EXPECT_GT(row_of(*mark_before(fault_begin)), fault_begin - 6 * 60);
  ASSERT_TRUE(mark_before(three_days));
  EXPECT_GT(row_of(*mark_before(three_days)), fault_end);
  EXPECT_LT(row_of(*mark_before(fault_end)), fault_begin + 1) << "none where a state is open";
  const auto newest = mark_before(three_days)->place;
  it.reset();
  it = open(directory);
  ASSERT_TRUE(mark_before(three_days));
  EXPECT_EQ(mark_before(three_days)->place, newest);
  followed(*it, it->correct(asked(1, fault_begin - 30, fault_begin - 20, {offset, 1, 0})).value().step);
  EXPECT_TRUE(mark_before(three_days)->place > mark_before(fault_begin - 30)->place) << "made anew";
  it->create(std::vector{sensor_entry{0, 1, "speed", "", {}, 0}}).value();
  EXPECT_FALSE(mark_before(three_days));
}

TEST_F(engine_machines_past, what_is_still_open_goes_on_from_what_the_correction_has_left) {
  const temporary_directory directory;
  const auto it = open(directory);
  make_press(*it);
  ingest_cells(*it, cells(0, fault_begin + 60), 300);
  ASSERT_TRUE(of_machine(*it).at(0).open());
  followed(*it, it->correct(asked(2, fault_begin, fault_begin + 20, {offset, -25, 0})).value().step);
  EXPECT_TRUE(of_machine(*it).at(0).open());
  ingest_cells(*it, cells(fault_begin + 60, three_days), 300);
  judged(*it);
  auto as_corrected = cells(0, three_days);
  for (auto& each : as_corrected)
    if (each.sensor == 1 && each.row >= fault_begin && each.row < fault_begin + 20) each.value -= 25;
  EXPECT_EQ(digest_of(*it), expected_of(as_corrected));
}

TEST_F(engine_machines_past, a_state_that_a_correction_opens_again_ends_with_what_comes_behind_it) {
  const temporary_directory directory;
  const auto it = open(directory);
  make_press(*it);
  constexpr auto until = fault_end + 60;
  ingest_cells(*it, cells(0, until), 300);
  ASSERT_FALSE(of_machine(*it).at(0).open());
  followed(*it, it->correct(asked(2, fault_end, until, {offset, 25, 0})).value().step);
  EXPECT_TRUE(of_machine(*it).at(0).open());
  ingest_cells(*it, cells(until, three_days), 300);
  judged(*it);
  EXPECT_FALSE(of_machine(*it).at(0).open());
  auto as_they_count = cells(0, three_days);
  for (auto& each : as_they_count)
    if (each.sensor == 1 && each.row >= fault_end && each.row < until) each.value += 25;
  EXPECT_EQ(digest_of(*it), expected_of(as_they_count));
}

TEST_F(engine_machines_past, a_planned_stop_that_is_kept_out_of_the_baseline_is_no_state) {
  const temporary_directory directory;
  const auto it = open(directory);
  make_press(*it);
  ingest_cells(*it, cells(0, three_days), 300);
  const auto before = digest_of(*it);
  annotation stop;
  stop.machine = 1;
  stop.kind = annotation_kind::planned_stop;
  stop.begin_us = time_of(fault_begin - 5);
  stop.end_us = time_of(fault_end + 5);
  stop.text = "tool change";
  stop.by = "Ada";
  stop.exclude_from_baseline = true;
  const auto noted = it->annotate(stop).value();
  judged(*it);
  EXPECT_TRUE(of_machine(*it).empty());
  EXPECT_EQ(said_of(reports(*it, event_kind::readings_corrected).at(0)).anomalies_withdrawn, 1U);
  ASSERT_TRUE(it->remove_annotation(noted.id));
  judged(*it);
  EXPECT_EQ(digest_of(*it), before);
  EXPECT_EQ(said_of(reports(*it, event_kind::readings_corrected).at(0)).anomalies_raised, 1U);
}

TEST_F(engine_machines_past, a_reading_that_comes_into_time_that_is_corrected_counts_as_corrected) {
  const temporary_directory directory;
  const auto it = open(directory);
  make_press(*it);
  std::vector<cell> in_time, late;
  for (const auto& each : cells(0, three_days))
    (each.sensor == 1 && each.row >= fault_begin && each.row < fault_end ? late : in_time).push_back(each);
  ingest_cells(*it, in_time, 300);
  followed(*it, it->correct(asked(2, fault_begin, fault_end, {offset, -25, 0})).value().step);
  ingest_cells(*it, late, 300);
  judged(*it);
  EXPECT_TRUE(of_machine(*it).empty());
}

TEST_F(engine_machines_past, readings_that_come_in_order_into_time_that_is_corrected_count_as_corrected) {
  const temporary_directory directory;
  const auto it = open(directory);
  make_press(*it);
  ingest_cells(*it, cells(0, fault_begin - 30), 300);
  followed(*it, it->correct(asked(2, fault_begin, fault_end, {offset, -25, 0})).value().step);
  ingest_cells(*it, cells(fault_begin - 30, three_days), 300);
  judged(*it);
  EXPECT_TRUE(of_machine(*it).empty());
}

TEST_F(engine_machines_past, readings_that_come_while_the_past_is_judged_again_are_taken_in_behind_it) {
  const temporary_directory directory;
  const auto it = open(directory);
  make_press(*it);
  const auto before = fault_begin - 200;
  ingest_cells(*it, cells(0, before), 300);
  std::thread feeder([&] {
    for (auto row = before; row < three_days; row += 5) {
      reading_batch batch;
      for (std::size_t sensor = 0; sensor < presses_sensors; ++sensor) {
        const auto first = static_cast<std::uint32_t>(batch.value.size());
        for (auto i = row; i < std::min(row + 5, three_days); ++i) {
          batch.event_time_us.push_back(time_of(i));
          batch.value.push_back(value_at(i, sensor));
        }
        batch.slices.push_back({static_cast<sensor_id>(sensor + 1), first, static_cast<std::uint32_t>(batch.value.size())});
      }
      EXPECT_TRUE(it->ingest(std::move(batch), durability::buffered));
    }
  });
  auto as_they_count = cells(0, three_days);
  for (std::size_t begin = 1'500; begin < 1'520; ++begin) {
    followed(*it, it->correct(asked(1, begin, begin + 1, {offset, 0.5, 0})).value().step);
    as_they_count[begin * presses_sensors].value += 0.5;
  }
  feeder.join();
  judged(*it);
  EXPECT_EQ(digest_of(*it), expected_of(as_they_count));
}

TEST_F(engine_machines_past, readings_that_are_sent_again_as_bad_do_not_count_any_more) {
  const temporary_directory directory;
  const auto it = open(directory);
  make_press(*it);
  ingest_cells(*it, cells(0, three_days), 300);
  ASSERT_EQ(of_machine(*it).size(), 1U);
  std::vector<cell> others;
  reading_batch bad;
  for (const auto& each : cells(0, three_days)) {
    if (each.sensor != 1 || each.row < fault_begin || each.row >= fault_end) {
      others.push_back(each);
      continue;
    }
    bad.event_time_us.push_back(time_of(each.row));
    bad.value.push_back(each.value);
    bad.flags.push_back(flag_bad);
  }
  bad.slices.push_back({2, 0, static_cast<std::uint32_t>(bad.value.size())});
  ASSERT_TRUE(it->ingest(std::move(bad), durability::buffered));
  judged(*it);
  EXPECT_EQ(digest_of(*it), expected_of(others));
  EXPECT_TRUE(of_machine(*it).empty());
}

TEST_F(engine_machines_past, what_another_watch_over_the_machine_has_found_stays) {
  const temporary_directory directory;
  const auto it = open(directory);
  make_press(*it);
  ingest_cells(*it, cells(0, three_days), 300);
  const auto before = digest_of(*it);
  ASSERT_EQ(of_machine(*it).size(), 1U);
  it->create(std::vector{sensor_entry{0, 1, "speed", "", {}, 0}}).value();  // a watch over four sensors from now on
  ingest_cells(*it, cells(three_days, three_days + 300), 300);
  ingest_cells(*it, cells(fault_begin, fault_begin + 1), 1);  // hours late
  judged(*it);
  followed(*it, it->correct(asked(2, fault_begin, fault_end, {offset, -25, 0})).value().step);
  EXPECT_EQ(digest_of(*it), before) << "the watch that found it is no more";
}

/// Any order, corrections and reverts, feedback that changes the sensitivity, kills: what holds is what a plant finds that got the readings in order, as they
/// count.
TEST_F(engine_machines_past, what_holds_is_a_function_of_the_readings_as_they_count) {
  const auto first = static_cast<unsigned>(GTEST_FLAG_GET(random_seed));  // another series: --gtest_random_seed=N
  for (unsigned seed = first + 1; seed <= first + 3; ++seed) {
    std::mt19937 random(seed);
    const temporary_directory directory;
    auto it = open(directory);
    make_press(*it);
    std::vector<cell> to_come, body;
    std::vector<correction> made;
    const auto all = cells(0, three_days + 600);
    for (std::size_t i = 0; i < all.size(); i += 600) {
      body.clear();
      for (auto k = i; k < std::min(all.size(), i + 600); ++k) (random() % 20 == 0 ? to_come : body).push_back(all[k]);
      ingest_cells(*it, body, 1 + random() % 300);
      if (random() % 3 == 0) {
        std::ranges::shuffle(to_come, random);
        ingest_cells(*it, to_come, 64);
        to_come.clear();
      }
      const auto newest = (i + 600) / presses_sensors;
      if (random() % 4 == 0) {
        const auto begin = random() % newest;
        const auto sensor = static_cast<sensor_id>(1 + random() % presses_sensors);
        made.push_back(it->correct(asked(sensor, begin, begin + 1 + random() % 200,
                                         {random() % 2 == 0 ? offset : exclude, 5.0 * static_cast<double>(random() % 4), 0}))
                           .value());
      }
      if (random() % 8 == 0 && !made.empty()) {
        const auto which = random() % made.size();
        ASSERT_TRUE(it->revert_correction(made[which].id, "Bob", "testing"));
        made.erase(made.begin() + static_cast<std::ptrdiff_t>(which));
      }
      if (random() % 6 == 0) {
        if (random() % 2 == 0) {
          ASSERT_TRUE(it->checkpoint());
        }
        it.reset();
        it = open(directory);
      }
    }
    ingest_cells(*it, to_come, 64);
    judged(*it);
    std::vector<cell> as_they_count;
    for (auto each : all) {
      bool is_excluded = false;
      for (const auto& one : made) {
        if (one.sensors.front() != each.sensor + 1 || time_of(each.row) < one.begin_us || time_of(each.row) >= one.end_us)
          continue;
        is_excluded = is_excluded || one.change.action == exclude;
        each.value += one.change.action == offset ? one.change.number : 0;
      }
      if (!is_excluded) as_they_count.push_back(each);
    }
    EXPECT_EQ(digest_of(*it), expected_of(as_they_count)) << "seed " << seed;
  }
}

}  // namespace
}  // namespace factory::test
