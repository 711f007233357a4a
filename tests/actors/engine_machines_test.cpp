// The machine detector at work: on the facade over everything, on a real directory.
#include <gtest/gtest.h>

#include "actors/support/press_fixture.hpp"

namespace factory::test {
namespace {

TEST_F(engine_machines, a_state_of_a_machine_is_found_once_whatever_starts_again_between) {
  const temporary_directory whole, pieces;
  constexpr auto rows = 3 * rows_of_a_day;
  std::uint64_t digest = 0;
  {
    const auto it = open(whole);
    make_press(*it);
    ingest(*it, 0, rows, 240);
    const auto found = of_machine(*it);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_FALSE(found[0].open());
    EXPECT_EQ(found[0].stated->key.rule, 1U);
    const auto& culprits = std::get<episode_detail>(found[0].ended->detail).contributions;
    ASSERT_FALSE(culprits.empty());
    EXPECT_EQ(culprits[0].sensor, 2U);
    digest = it->events().digest();
  }
  {
    auto it = open(pieces);
    make_press(*it);
    for (std::size_t row = 0; row < rows; row += 500) {
      ingest(*it, row, std::min(rows, row + 500), 7);
      if (row % 1'000 == 0) {
        ASSERT_TRUE(it->checkpoint());
      }
      it.reset();
      it = open(pieces);
    }
    ASSERT_TRUE(it->settle(deadline_ms));
    EXPECT_EQ(it->events().digest(), digest);
  }
}

TEST_F(engine_machines, a_machine_is_learned_anew_when_its_sensors_change_and_what_was_open_ends) {
  const temporary_directory directory;
  const auto it = open(directory);
  make_press(*it);
  ingest(*it, 0, 2 * rows_of_a_day + 800, 200);
  ASSERT_EQ(of_machine(*it).size(), 1U);
  EXPECT_TRUE(of_machine(*it)[0].open());
  EXPECT_TRUE(it->watch_of(1)->seen->machine->is_ready);
  it->create(std::vector{sensor_entry{0, 1, "speed", "", {}, 0}}).value();
  EXPECT_FALSE(of_machine(*it)[0].open());
  const auto watch = it->watch_of(1);
  ASSERT_TRUE(watch);
  EXPECT_EQ(watch->sources.size(), 4U);
  ASSERT_TRUE(it->remove_sensor(4));
  EXPECT_EQ(it->watch_of(1)->sources.size(), 3U);
  ASSERT_TRUE(it->remove_sensor(3));
  ASSERT_TRUE(it->remove_sensor(2));
  EXPECT_FALSE(it->watch_of(1));
}

TEST_F(engine_machines, what_a_pipeline_comes_to_fill_is_watched_no_more_and_what_it_leaves_is_at_once) {
  const temporary_directory directory;
  auto it = open(directory);
  make_press(*it);
  using sensors = std::vector<sensor_id>;
  const auto watched = [&] {
    EXPECT_TRUE(it->settle(deadline_ms));
    return it->watch_of(1).value().sources;
  };
  const auto made = it->create_pipeline(R"({"name":"means","per":"machine","sources":{"a":{"name":"current"}},"steps":[],
      "sinks":[{"sensor":{"name":"means"}}]})");
  ASSERT_TRUE(made) << made.error().message;
  ASSERT_EQ(made->instances[0].sinks, sensors{4});
  EXPECT_EQ(watched(), (sensors{1, 2, 3}));
  const auto name_sink = [&](const std::string& name) {
    ASSERT_TRUE(it->update_pipeline(made->id, R"({"sinks":[{"sensor":{"name":")" + name + R"("}}]})"));
  };
  name_sink("other");
  EXPECT_EQ(watched(), (sensors{1, 2, 3, 4}));
  name_sink("means");
  EXPECT_EQ(watched(), (sensors{1, 2, 3, 5}));
  const auto rename_source = [&](const std::string& name) {
    auto entry = it->entities().find_sensor(1).value();
    entry.name = name;
    ASSERT_TRUE(it->update(entry));
  };
  rename_source("gone");
  EXPECT_EQ(watched(), (sensors{1, 2, 3, 4, 5})) << "of an instance that ended";
  rename_source("current");
  EXPECT_EQ(watched(), (sensors{1, 2, 3, 5}));
  ASSERT_TRUE(it->remove_pipeline(made->id));
  EXPECT_EQ(watched(), (sensors{1, 2, 3, 4, 5}));
  it.reset();
  it = open(directory);
  EXPECT_EQ(watched(), (sensors{1, 2, 3, 4, 5})) << "a start finds nothing left to do";
}

void set(stream_settings& settings, setting what, double value) {
  settings.set(setting_place::of_detector(detector::machine, what), value);
}

TEST_F(engine_machines, a_machine_or_its_factory_switches_it_off_and_on) {
  const temporary_directory directory;
  {
    const auto it = open(directory);
    make_press(*it);
    ingest(*it, 0, 2 * rows_of_a_day + 800, 200);
    ASSERT_EQ(of_machine(*it).size(), 1U);
    auto works = it->entities().find_factory(1).value();
    set(works.settings, setting::on, 0);
    ASSERT_TRUE(it->update(works));
    EXPECT_FALSE(it->watch_of(1));
    EXPECT_FALSE(of_machine(*it)[0].open());
    auto press = it->entities().find_machine(1).value();
    set(press.settings, setting::on, 1);
    ASSERT_TRUE(it->update(press));
    ASSERT_TRUE(it->settle(deadline_ms));
    EXPECT_FALSE(it->watch_of(1)->seen->machine->is_ready) << "it learns anew";
  }
  const auto it = open(directory, false);
  ASSERT_TRUE(it->settle(deadline_ms));
  EXPECT_TRUE(it->watch_of(1)) << "the machine's own setting stands over the daemon's";
}

TEST_F(engine_machines, a_sensitivity_changed_amid_the_readings_stands_at_one_place_whatever_starts_again) {
  const temporary_directory whole, pieces;
  constexpr auto before = 2 * rows_of_a_day + 760, rows = 3 * rows_of_a_day;
  const auto change = [](engine& it) {
    auto press = it.entities().find_machine(1).value();
    set(press.settings, setting::sensitivity, 0.01);
    ASSERT_TRUE(it.update(press));
  };
  std::uint64_t digest = 0;
  {
    const auto it = open(whole);
    make_press(*it);
    ingest(*it, 0, before, 240);
    EXPECT_TRUE(of_machine(*it).at(0).open());
    change(*it);
    ingest(*it, before, before + 60, 60);
    ASSERT_TRUE(it->settle(deadline_ms));
    EXPECT_FALSE(of_machine(*it).at(0).open()) << "the fault goes on, and is no longer one";
    ingest(*it, before + 60, rows, 240);
    EXPECT_EQ(it->watch_of(1)->seen->machine->sensitivity, 0.01);
    digest = it->events().digest();
  }
  {
    auto it = open(pieces);
    make_press(*it);
    ingest(*it, 0, before, 500);
    ASSERT_TRUE(it->checkpoint());
    change(*it);
    it.reset();
    it = open(pieces);
    ingest(*it, before, rows, 70);
    ASSERT_TRUE(it->settle(deadline_ms));
    EXPECT_EQ(it->events().digest(), digest);
  }
}

TEST_F(engine_machines, false_alarms_make_it_less_sensitive_until_they_are_taken_back) {
  const temporary_directory directory;
  const auto it = open(directory);
  make_press(*it);
  ingest(*it, 0, 2 * rows_of_a_day + 800, 200);
  const auto state = of_machine(*it).at(0).stated->key;
  const auto judge = [&](const char* verdict) { ASSERT_TRUE(it->give_feedback(state, verdict, "", "Ann")); };
  const auto sensitivity = [&] {
    ASSERT_TRUE(it->settle(deadline_ms));
    EXPECT_EQ(it->watch_of(1)->seen->machine->sensitivity, it->entities().machine_detector_of(1).sensitivity);
  };
  judge("false_alarm");
  sensitivity();
  EXPECT_DOUBLE_EQ(it->entities().machine_detector_of(1).sensitivity, 0.9);
  judge("false_alarm");
  EXPECT_DOUBLE_EQ(it->entities().machine_detector_of(1).sensitivity, 0.9);
  judge("confirmed");
  sensitivity();
  EXPECT_DOUBLE_EQ(it->entities().machine_detector_of(1).sensitivity, 1);
  EXPECT_TRUE(it->entities().find_machine(1)->settings.empty()) << "it is inherited again";
}

TEST_F(engine_machines, one_switch_turns_it_off_and_ends_what_was_open) {
  const temporary_directory directory;
  {
    const auto it = open(directory);
    make_press(*it);
    ingest(*it, 0, 2 * rows_of_a_day + 800, 200);
    ASSERT_EQ(of_machine(*it).size(), 1U);
  }
  {
    const auto it = open(directory, false);
    EXPECT_FALSE(it->watch_of(1));
    EXPECT_FALSE(of_machine(*it)[0].open());
  }
  const auto it = open(directory);
  ASSERT_TRUE(it->settle(deadline_ms));
  EXPECT_FALSE(it->watch_of(1)->seen->machine->is_ready);
}

}  // namespace
}  // namespace factory::test
