// Bodies and names into an engine, below any protocol.
#include "actors/intake/intake.hpp"
#include "actors/engine/engine.hpp"

#include <gtest/gtest.h>

#include "actors/intake/registry.hpp"
#include "actors/intake/sensor_book.hpp"
#include "storage/support/temporary_directory.hpp"
#include "support/times.hpp"

namespace factory::test {
namespace {

struct intake_test : testing::Test {
  intake_test() {
    engine_config config;
    config.data_dir = directory.path();
    config.worker_threads = 2;
    running = engine::open(config).value();
  }
  sensor_id a_sensor() {
    engine_registry plant(*running);
    const auto factory = plant.make_factory("works").value();
    return plant.make_sensors(plant.make_machine(factory, "mill").value(), {"s"}).value().front();
  }
  intake_body body(std::string_view bytes) const {
    intake_body asked;
    asked.bytes = bytes;
    asked.known = running->known_sensors();
    return asked;
  }
  reading_run stored(sensor_id id) { return running->readings(id, {}, 100, false).value(); }

  temporary_directory directory;
  std::unique_ptr<engine> running;
};

TEST_F(intake_test, a_body_is_decoded_and_committed) {
  const auto id = a_sensor();
  auto taken = intake(*running).begin(body(R"([{"sensor_id":1,"value":2.5,"timestamp":1768816800000}])"));
  ASSERT_TRUE(taken) << taken.error().message;
  EXPECT_EQ(taken->commit.wait()->inserted, 1U);
  EXPECT_EQ(taken->refused_count, 0U);
  EXPECT_EQ(stored(id).event_time_us, std::vector{ten_us});
}

TEST_F(intake_test, a_refused_row_keeps_the_body_out_unless_it_is_partial) {
  const auto id = a_sensor();
  auto asked = body(R"([{"sensor_id":1,"value":1,"timestamp":1768816800000},{"sensor_id":9,"value":1}])");
  const auto refused = intake(*running).begin(asked);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "1 of 2 readings refused; nothing was stored");
  EXPECT_EQ(refused.error().rows.at(0).index, 1U);
  EXPECT_TRUE(stored(id).empty());
  asked.partial = true;
  auto taken = intake(*running).begin(asked);
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->refused_count, 1U);
  EXPECT_EQ(taken->refused.at(0).field, "sensor_id");
  EXPECT_EQ(taken->commit.wait()->inserted, 1U);
}

TEST_F(intake_test, names_are_resolved_where_the_body_is_of_another_system) {
  (void)a_sensor();
  engine_registry plant(*running);
  sensor_book book(plant, std::nullopt);
  ASSERT_TRUE(book.load());
  const std::function<expected<sensor_id>(std::string_view)> names = [&](std::string_view name) {
    return book.find({{}, {}, std::string(name)});
  };
  auto asked = body(R"({"sensor_id":"s","value":1,"timestamp":1768816800000})");
  asked.form = body_form::json_one;
  asked.names = &names;
  auto taken = intake(*running).begin(asked);
  ASSERT_TRUE(taken) << taken.error().message;
  EXPECT_TRUE(taken->commit.wait());
  EXPECT_EQ(stored(1).size(), 1U);
  asked.bytes = R"({"sensor_id":"t","value":1})";
  EXPECT_EQ(intake(*running).begin(asked).error().field, "sensor_id");
}

TEST_F(intake_test, missing_sensors_are_made_when_their_rows_go_out_and_not_before) {
  engine_registry plant(*running);
  sensor_book book(plant, registration{"works", "mill"});
  ASSERT_TRUE(book.load());
  batch_builder rows;
  for (const char* name : {"b", " a ", "b"})
    rows.append(book.find({{}, {}, name}).value(), ten_us + static_cast<std::int64_t>(rows.size()), 1);
  EXPECT_TRUE(running->entities().factories().empty());
  ASSERT_EQ(book.make_missing().value(), (std::vector<sensor_id>{1, 2}));
  book.replace_stand_ins(rows);
  EXPECT_EQ(std::vector<sensor_id>(rows.sensors().begin(), rows.sensors().end()), (std::vector<sensor_id>{1, 2, 1}));
  EXPECT_EQ(intake(*running).take_patiently(rows)->inserted, 3U);
  EXPECT_EQ(rows.size(), 0U);
  EXPECT_EQ(running->entities().find_sensor(2)->name, "a");
  EXPECT_EQ(stored(1).size(), 2U);
  EXPECT_TRUE(book.make_missing().value().empty());
}

}  // namespace
}  // namespace factory::test
