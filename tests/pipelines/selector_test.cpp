#include "pipelines/select/selector.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "pipelines/model/limits.hpp"
#include "pipelines/select/selector_index.hpp"
#include "pipelines/select/selector_json.hpp"

namespace factory {
namespace {

label_set labels_of(std::initializer_list<label> all) {
  label_set labels;
  for (const label& one : all) labels.put(one);
  return labels;
}

expected<selector> read(const std::string& json) {
  simdjson::dom::parser parser;
  return read_selector("selector", parser.parse(json).value());
}

class a_sensor : public ::testing::Test {
 protected:
  label_set own_ = labels_of({{"zone", "hot"}, {"shift", "b"}});
  label_set machine_ = labels_of({{"line", "3"}, {"shift", "a"}});
  sensor_traits sensor_{7, 2, 1, "bearing_a", "K", "press", &own_, &machine_};

  bool takes(const std::string& json) {
    const auto which = read(json);
    EXPECT_TRUE(which) << json << (which ? "" : which.error().message);
    return which && which->matches(sensor_);
  }
};

TEST_F(a_sensor, is_matched_when_all_that_is_given_holds) {
  for (const char* json :
       {R"({"factory_id":1})", R"({"machine_id":2})", R"({"machine_type":"press"})", R"({"name":"bearing_*"})", R"({"unit":"K"})",
        R"({"labels":{"zone":"hot"}})", R"({"sensor_ids":[9,7,7]})", R"({"name":"*"})",
        R"({"factory_id":1,"machine_id":2,"machine_type":"press","name":"bearing_?","unit":"K","labels":{"zone":"hot","line":"3"},
            "sensor_ids":[7]})"})
    EXPECT_TRUE(takes(json)) << json;
  for (const char* json : {R"({"factory_id":2})", R"({"machine_id":1})", R"({"machine_type":"Press"})", R"({"name":"bearing"})",
                           R"({"unit":""})", R"({"labels":{"zone":"cold"}})", R"({"sensor_ids":[8]})",
                           R"({"factory_id":1,"name":"motor_*"})", R"({"labels":{"zone":"hot","line":"4"}})"})
    EXPECT_FALSE(takes(json)) << json;
}

TEST_F(a_sensor, has_the_labels_of_its_machine_but_where_its_own_say_otherwise) {
  EXPECT_TRUE(takes(R"({"labels":{"line":"3"}})"));
  EXPECT_TRUE(takes(R"({"labels":{"shift":"b"}})"));
  EXPECT_FALSE(takes(R"({"labels":{"shift":"a"}})"));
}

TEST(selector, names_the_member_that_is_wrong) {
  struct row {
    const char* json;
    const char* field;
  };
  const std::string long_text = R"({"unit":")" + std::string(limits::selector_text_bytes + 1, 'x') + R"("})";
  const row table[] = {
      {"[]", "selector"},
      {"null", "selector"},
      {"{}", "selector"},
      {R"({"factory_id":0})", "selector.factory_id"},
      {R"({"factory_id":"1"})", "selector.factory_id"},
      {R"({"machine_id":4294967296})", "selector.machine_id"},
      {R"({"machine_type":1})", "selector.machine_type"},
      {R"({"name":""})", "selector.name"},
      {R"({"name":"a\\"})", "selector.name"},
      {R"({"name":"a","name":"b"})", "selector.name"},
      {R"({"unit":null})", "selector.unit"},
      {R"({"labels":[]})", "selector.labels"},
      {R"({"labels":{}})", "selector"},
      {R"({"labels":{"line":3}})", "selector.labels.line"},
      {R"({"labels":{"my line":"3"}})", "selector.labels.my line"},
      {R"({"labels":{"line":""}})", "selector.labels.line"},
      {R"({"sensor_ids":[]})", "selector.sensor_ids"},
      {R"({"sensor_ids":[1,"2"]})", "selector.sensor_ids"},
      {R"({"sensor_ids":7})", "selector.sensor_ids"},
      {R"({"machinetype":"press"})", "selector.machinetype"},
      {long_text.c_str(), "selector.unit"},
  };
  for (const auto& [json, field] : table) {
    const auto refused = read(json);
    ASSERT_FALSE(refused) << json;
    EXPECT_EQ(refused.error().code, errc::invalid) << json;
    EXPECT_EQ(refused.error().field, field) << json;
    EXPECT_NE(refused.error().message.find(field), std::string::npos) << refused.error().message;
  }
}

TEST(selector, takes_a_bounded_number_of_sensors) {
  std::string ids = "1";
  for (std::size_t i = 2; i <= limits::selector_sensors; ++i) ids += "," + std::to_string(i);
  EXPECT_TRUE(read(R"({"sensor_ids":[)" + ids + "]}"));
  EXPECT_FALSE(read(R"({"sensor_ids":[)" + ids + ",1]}"));
}

TEST(selector, comes_back_from_its_bytes_and_as_text) {
  const auto full = *read(
      R"({"factory_id":1,"machine_id":2,"machine_type":"press","name":"bearing_*","unit":"","labels":{"zone":"hot","line":"3"},
          "sensor_ids":[900,7]})");
  EXPECT_EQ(to_text(full),
            "factory 1, machine 2, machine_type press, name bearing_*, unit , label line:3, label zone:hot, sensors 7 900");
  for (const selector& which : {full, *read(R"({"name":"*"})"), *read(R"({"unit":"K"})")}) {
    std::string bytes;
    put_selector(bytes, which);
    std::string_view in = bytes;
    selector back = full;
    ASSERT_TRUE(get_selector(in, back));
    EXPECT_EQ(back, which);
    EXPECT_TRUE(in.empty());
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
      in = std::string_view(bytes).substr(0, cut);
      EXPECT_FALSE(get_selector(in, back)) << cut;
    }
  }
}

TEST(labels_json, are_merged_and_null_takes_one_or_all_away) {
  simdjson::dom::parser parser;
  label_set labels = labels_of({{"line", "3"}, {"zone", "hot"}});
  ASSERT_TRUE(
      merge_labels(labels, "labels", parser.parse(std::string(R"({"line":"4","zone":null,"none":null,"new":"x"})")).value()));
  EXPECT_EQ(labels, labels_of({{"line", "4"}, {"new", "x"}}));
  ASSERT_TRUE(merge_labels(labels, "labels", parser.parse(std::string("null")).value()));
  EXPECT_TRUE(labels.empty());
  std::string many = "{";
  for (std::size_t i = 0; i <= limits::labels_per_entity; ++i) many += "\"k" + std::to_string(i) + R"(":"v",)";
  many.back() = '}';
  const auto refused = merge_labels(labels, "labels", parser.parse(many).value());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().field, "labels");
}

/// A small world, so that much matches by chance.
class selectors_by_chance {
 public:
  selector next() {
    selector which;
    while (which.empty()) {
      if (one_in(4)) which.factory = number(2);
      if (one_in(4)) which.machine = number(4);
      if (one_in(4)) which.machine_type = text();
      if (one_in(3)) which.name = one_in(2) ? text() : one_in(2) ? "*" : text() + "*";
      if (one_in(4)) which.unit = text();
      if (one_in(4)) which.labels = labels();
      if (one_in(6)) which.sensors = {number(5), 5 + number(5)};
    }
    return which;
  }
  struct made_sensor {
    sensor_id id = 0;
    machine_id machine = 0;
    factory_id factory = 0;
    std::string name, unit, type;
    label_set own, of_machine;
    sensor_traits traits() const { return {id, machine, factory, name, unit, type, &own, &of_machine}; }
  };
  made_sensor sensor() { return {number(12), number(4), number(2), text() + text(), text(), text(), labels(), labels()}; }
  bool one_in(std::uint32_t n) { return random_() % n == 0; }
  std::uint32_t number(std::uint32_t most) { return 1 + static_cast<std::uint32_t>(random_() % most); }

 private:
  std::string text() { return std::string(1, "ab"[random_() % 2]); }
  label_set labels() {
    label_set all;
    for (auto left = random_() % 3; left > 0; --left) all.put({text(), text()});
    return all;
  }
  std::mt19937 random_{11};
};

TEST(selector_index, finds_what_comparing_with_all_finds) {
  selectors_by_chance chance;
  selector_index index;
  std::map<std::uint32_t, selector> all;
  std::size_t found = 0;
  for (int run = 0; run < 3'000; ++run) {
    const auto id = chance.number(60);
    if (chance.one_in(3)) {
      index.erase(id);
      all.erase(id);
    } else {
      all[id] = chance.next();
      index.put(id, all[id]);
    }
    ASSERT_EQ(index.size(), all.size());
    const auto sensor = chance.sensor();
    std::vector<std::uint32_t> wanted;
    for (const auto& [number, which] : all)
      if (which.matches(sensor.traits())) wanted.push_back(number);
    ASSERT_EQ(index.matching(sensor.traits()), wanted);
    found += wanted.size();
  }
  EXPECT_GT(found, 3'000U);
}

}  // namespace
}  // namespace factory
