// Pipelines and machines in backtests: those in force as live, drafts as they would have been.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "actors/backtest/backtest.hpp"
#include "actors/backtest/source_merge.hpp"
#include "actors/support/engine_fixture.hpp"
#include "support/times.hpp"

namespace factory::test {
namespace {

constexpr std::size_t machine_sensors = 3, streamed_day = 1'440, rows = 3 * streamed_day;

const std::string apart = R"json({"name":"apart","sources":{"a":{"sensor_id":1},"b":{"sensor_id":2}},
  "steps":[{"align":{"tolerance_ms":60000}},{"compute":"abs(a - b)"},{"window":{"tumbling_ms":600000},"aggregate":"mean"}],
  "sinks":[{"sensor":{"name":"apart","unit":"C"}},{"event":{"severity":"WARNING","when":"value > 10"}}]})json";

std::string renamed(std::string pipeline, const std::string& name) {
  for (auto at = pipeline.find("\"apart\""); at != std::string::npos; at = pipeline.find("\"apart\"", at + 1))
    pipeline.replace(at, 7, "\"" + name + "\"");
  return pipeline;
}

/// Three sensors of a machine that follow one load, a reading a minute; for two hours of the third day the second does not.
struct backtest_streams : engine_test {
  backtest_streams() { begin(machine_sensors); }
  void change(engine_config& config) const override { config.in_flight_readings = 1'000'000; }

  static double value_at(std::size_t row, std::size_t sensor) {
    std::mt19937 noise(static_cast<unsigned>(row * machine_sensors + sensor) * 2'654'435'761U);
    const bool faulty = sensor == 1 && row >= 2 * streamed_day + 720 && row < 2 * streamed_day + 840;
    return 50 + 4 * std::sin(static_cast<double>(row) / 20) + static_cast<double>(noise() % 1'000) / 1'000 + (faulty ? 25 : 0);
  }
  void load(std::size_t portion) {
    for (std::size_t row = 0; row < rows; row += portion) {
      reading_batch batch;
      for (std::size_t sensor = 0; sensor < machine_sensors; ++sensor) {
        const auto first = static_cast<std::uint32_t>(batch.size());
        for (auto i = row; i < std::min(rows, row + portion); ++i) {
          batch.event_time_us.push_back(ten_us + static_cast<std::int64_t>(i) * minute_us);
          batch.value.push_back(value_at(i, sensor));
        }
        batch.slices.push_back({static_cast<sensor_id>(sensor + 1), first, static_cast<std::uint32_t>(batch.size())});
      }
      running->ingest(std::move(batch), durability::buffered).value();
    }
    ASSERT_TRUE(running->settle(60'000));
  }
  backtest_result result_of(const backtest_request& asked) {
    const auto begun = running->backtests().begin(asked, 0);
    if (!begun) {
      ADD_FAILURE() << begun.error().message;
      return {};
    }
    backtest_info now;
    await([&] { return (now = running->backtests().find(begun->id).value()).state > backtest_state::running; }, "the backtest");
    EXPECT_EQ(now.state, backtest_state::done) << now.failure;
    return now.result ? *now.result : backtest_result();
  }
  static draft_pipeline draft_of(const std::string& json, pipeline_id instead_of = 0) {
    return {parse_pipeline(json).value(), instead_of};
  }
  std::uint64_t stored_of(sensor_id sensor) {
    std::uint64_t count = 0;
    EXPECT_TRUE(running->scan(sensor, {}, [&](const reading_run& run) {
      count += run.size();
      return true;
    }));
    return count;
  }
  static const backtest_line* line_of(const backtest_result& in, bool draft, event_source source) {
    const auto found =
        std::ranges::find_if(in.lines, [&](const auto& each) { return each.draft == draft && each.source == source; });
    return found == in.lines.end() ? nullptr : &*found;
  }
};

TEST_F(backtest_streams, what_pipelines_and_machines_found_live_is_found_again) {
  running->create_pipeline(apart).value();
  load(240);
  const auto live = running->events().digest();
  const auto result = result_of({});
  EXPECT_EQ(result.digest, live);
  const auto* const machine = line_of(result, false, event_source::machine);
  ASSERT_NE(machine, nullptr);
  EXPECT_EQ(machine->all.count, 1U);
  EXPECT_EQ(machine->by_machine.at(1).count, 1U);
  EXPECT_EQ(result.machine_names.at(1), "mill");
  const auto* const events = line_of(result, false, event_source::pipeline);
  ASSERT_NE(events, nullptr);
  EXPECT_EQ(events->all.count, 1U);
  EXPECT_EQ(events->pipeline->name, "apart");
}

TEST_F(backtest_streams, a_machine_is_judged_as_sensitively_as_it_is_set) {
  auto mill = running->entities().find_machine(1).value();
  mill.settings.set(setting_place::of_detector(detector::machine, setting::sensitivity), 0.2);
  ASSERT_TRUE(running->update(mill));
  load(240);
  const auto result = result_of({});
  EXPECT_EQ(result.digest, running->events().digest()) << "scores are in it";
}

TEST_F(backtest_streams, other_settings_of_the_machine_detector_are_tried_beside_those_in_force) {
  load(240);
  const auto digest = running->events().digest();
  backtest_request asked;
  asked.machine_detection = [](detector_setting& how) { how.sensitivity = 0.01; };
  const auto result = result_of(asked);
  EXPECT_EQ(result.digest, digest);
  const auto *const now = line_of(result, false, event_source::machine), *const tried =
                                                                             line_of(result, true, event_source::machine);
  ASSERT_NE(now, nullptr);
  ASSERT_NE(tried, nullptr);
  EXPECT_EQ(now->all.count, 1U);
  EXPECT_EQ(now->sensors, 1U);
  EXPECT_EQ(tried->all.count, 0U);
  EXPECT_EQ(tried->sensors, 1U);
  EXPECT_EQ(result.differences.size(), 1U);
  EXPECT_EQ(line_of(result, true, event_source::spike), nullptr) << "of sensors nothing is tried";
  asked.machine_detection = [](detector_setting&) {};
  EXPECT_EQ(line_of(result_of(asked), true, event_source::machine), nullptr) << "it says what it says now";
}

TEST_F(backtest_streams, a_machine_that_is_not_watched_now_is_by_a_draft) {
  auto mill = running->entities().find_machine(1).value();
  mill.settings.set(setting_place::of_detector(detector::machine, setting::on), 0);
  ASSERT_TRUE(running->update(mill));
  load(240);
  backtest_request asked;
  asked.machine_detection = [](detector_setting& how) { how.on = true; };
  const auto result = result_of(asked);
  EXPECT_EQ(result.digest, running->events().digest());
  const auto* const tried = line_of(result, true, event_source::machine);
  ASSERT_NE(tried, nullptr);
  EXPECT_EQ(tried->all.count, 1U);
  EXPECT_EQ(tried->by_machine.at(1).count, 1U);
  EXPECT_EQ(result.machine_names.at(1), "mill");
}

TEST_F(backtest_streams, a_draft_says_what_the_same_pipeline_said_live) {
  running->create_pipeline(apart).value();
  load(240);
  const auto stored = stored_of(4);
  backtest_request asked;
  asked.pipelines = {draft_of(renamed(apart, "other"))};
  const auto result = result_of(asked);
  const auto *const live = line_of(result, false, event_source::pipeline), *const tried =
                                                                               line_of(result, true, event_source::pipeline);
  ASSERT_TRUE(live != nullptr && tried != nullptr);
  EXPECT_EQ(tried->all.count, live->all.count);
  EXPECT_EQ(tried->all.first_us, live->all.first_us);
  EXPECT_EQ(tried->all.total_us, live->all.total_us);
  ASSERT_EQ(result.drafted.size(), 1U);
  EXPECT_EQ(result.drafted[0].sensor, "mill/other");
  EXPECT_EQ(result.drafted[0].all.count, rows / 10) << "the last window too: its end has passed";
  EXPECT_EQ(result.differences[0], "draft of the pipeline other: 1 event");
  const auto* const shift = line_of(result, true, event_source::level_shift);
  if (shift != nullptr) {
    EXPECT_EQ(shift->pipeline->name, "other");
    EXPECT_TRUE(result.drafted_names.contains(shift->by_sensor.begin()->first));
  }
  EXPECT_EQ(running->entities().sensors().size(), machine_sensors + 1) << "nothing is made";
  EXPECT_EQ(stored_of(4), stored);
}

TEST_F(backtest_streams, a_draft_of_a_change_is_held_against_what_is_in_force) {
  const auto made = running->create_pipeline(apart).value();
  alert_rule far;
  far.sensor = made.instances[0].sinks[0];
  far.name = "far";
  far.condition = rule_condition::greater_than;
  far.high = 10;
  running->create(std::vector{far}).value();
  load(240);
  auto blind = apart;
  blind.replace(blind.find("abs(a - b)"), 10, "abs(a - a)");
  backtest_request asked;
  asked.pipelines = {draft_of(blind, made.id)};
  asked.faults = {{2, ten_us + (2 * 1'440 + 720) * minute_us, ten_us + (2 * 1'440 + 840) * minute_us, "bearing"}};
  const auto result = result_of(asked);
  const auto said = [&](const std::string& wanted) {
    return std::ranges::any_of(result.differences, [&](const std::string& each) { return each.starts_with(wanted); });
  };
  const auto missed = ", 1 of 1 known fault missed instead of 0";
  EXPECT_TRUE(said("draft of the pipeline apart: 0 events instead of 1" + std::string(missed)))
      << testing::PrintToString(result.differences);
  EXPECT_TRUE(said("draft of the pipeline apart, rule 1 (far): 0 alarms instead of 1"))
      << testing::PrintToString(result.differences);
}

TEST_F(backtest_streams, drafts_of_rules_judge_what_drafts_of_pipelines_fill) {
  load(240);
  draft_rule far;
  far.rule.name = "far";
  far.rule.condition = rule_condition::greater_than;
  far.rule.high = 10;
  far.rule.as_template.emplace().sensors.name = "apart";
  backtest_request asked;
  asked.pipelines = {draft_of(apart)};
  asked.rules = {far};
  const auto result = result_of(asked);
  const auto* const tried = line_of(result, true, event_source::alert_rule);
  ASSERT_NE(tried, nullptr);
  EXPECT_EQ(tried->all.count, 1U);
  EXPECT_EQ(result.sensors, 2U) << "those from which the draft computes";
}

TEST_F(backtest_streams, a_draft_computes_from_another_in_the_order_of_time) {
  const auto against_mean = std::string(
      R"({"name":"against","sources":{"a":{"sensor_id":2},"m":{"name":"apart"}},"steps":[{"align":{"tolerance_ms":3600000}},
         {"compute":"a - m"}],"sinks":[{"sensor":{"name":"against"}}]})");
  load(240);
  backtest_request asked;
  asked.pipelines = {draft_of(apart), draft_of(against_mean)};
  const auto result = result_of(asked);
  ASSERT_EQ(result.drafted.size(), 2U);
  double sum = 0, mean = 0;
  std::uint64_t count = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    if (row % 10 == 0) mean = 0;
    if (row % 10 == 0)
      for (auto i = row; i < row + 10; ++i) mean += std::abs(value_at(i, 0) - value_at(i, 1)) / 10;
    sum += value_at(row, 1) - mean;
    ++count;
  }
  EXPECT_EQ(result.drafted[1].all.count, count);
  EXPECT_NEAR(result.drafted[1].all.mean(), sum / static_cast<double>(count), 1e-9);
}

TEST_F(backtest_streams, drafts_are_refused_for_what_would_refuse_them_live) {
  running->create_pipeline(apart).value();
  const auto why = [&](const draft_pipeline& draft) {
    backtest_request asked;
    asked.pipelines = {draft};
    const auto begun = running->backtests().begin(asked, 0);
    return begun ? std::string("taken") : begun.error().field + "|" + begun.error().message;
  };
  EXPECT_TRUE(why(draft_of(apart)).starts_with("pipelines[0].sinks[0].sensor.name|")) << why(draft_of(apart));
  EXPECT_EQ(why(draft_of(apart, 7)), "pipelines[0].id|pipelines[0]: Pipeline not found");
  auto elsewhere = renamed(apart, "x");
  elsewhere.replace(elsewhere.find("\"sensor_id\":2"), 13, "\"sensor_id\":99");
  EXPECT_TRUE(why(draft_of(elsewhere)).starts_with("pipelines[0].sources.b.sensor_id|")) << why(draft_of(elsewhere));
}

TEST_F(backtest_streams, a_draft_fills_the_sensor_that_the_change_would_fill_live) {
  const auto made = running->create_pipeline(apart).value();
  running->create(std::vector{machine_entry{0, 1, "lathe", "CNC", {}, 0}}).value();
  load(240);
  const auto filled_by = [&](std::string_view changes) {
    backtest_request asked;
    asked.pipelines = {draft_of(merge_pipeline(apart, changes).value(), made.id)};
    const auto result = result_of(asked);
    EXPECT_EQ(result.drafted.size(), 1U);
    return result.drafted.empty() ? std::string() : result.drafted[0].sensor;
  };
  EXPECT_EQ(filled_by(R"({"per":"machine","sources":{"a":{"name":"s0"},"b":{"name":"s1"}}})"), "mill/apart");
  EXPECT_EQ(filled_by(R"({"sinks":[{"sensor":{"name":"apart","machine_id":2}}]})"), "lathe/apart");
}

TEST(source_merge, a_row_waits_until_each_source_has_been_seen_as_far) {
  source_merge merge({false, true});
  const auto times_of = [](const stream_entries& from) { return from.times_us; };
  const std::vector<std::int64_t> times{1, 2, 3, 4};
  const std::vector<double> values{10, 20, 30, 40};
  merge.put(0, times, values, {});
  merge.pass_time(9);
  stream_entries first, second, rest;
  EXPECT_FALSE(merge.take(1, 0, first));
  merge.put(1, std::span(times).subspan(1, 1), std::span(values).subspan(1, 1), {});
  EXPECT_TRUE(merge.take(2, 0, second));
  EXPECT_EQ(times_of(second), (std::vector<std::int64_t>{1, 2, 2}));
  EXPECT_TRUE(merge.take_all(3, 0, rest));
  EXPECT_EQ(times_of(rest), (std::vector<std::int64_t>{3, 4}));
  EXPECT_FALSE(merge.take_all(4, 0, rest));
}

}  // namespace
}  // namespace factory::test
