#include "storage/catalog/catalog.hpp"

#include "storage/catalog/catalog_records.hpp"
#include "storage/support/catalog_fixture.hpp"

#include "storage/base/limits.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace factory {
namespace {

using test::catalog_fixture;

sensor_entry sensor_on(machine_id on, std::string name, std::string unit = "C") {
  sensor_entry sensor;
  sensor.machine = on;
  sensor.name = std::move(name);
  sensor.unit = std::move(unit);
  return sensor;
}
machine_entry machine_of(factory_id of, std::string name, std::string type) {
  machine_entry machine;
  machine.factory = of;
  machine.name = std::move(name);
  machine.type = std::move(type);
  return machine;
}
alert_rule a_template(selector which, double high = 80) {
  alert_rule rule;
  rule.name = "hot";
  rule.high = high;
  rule.as_template.emplace().sensors = std::move(which);
  return rule;
}

/// Two factories, each with a press (machines 1 and 3) and an oven (2 and 4); on each machine `temp` and `bearing_a`: sensors 1 to 8.
class templates : public ::testing::Test {
 protected:
  templates() {
    std::vector<factory_entry> two(2);
    two[0].name = "A";
    two[1].name = "B";
    it_.create(two);
    it_.create<machine_entry>(
        {machine_of(1, "P", "press"), machine_of(1, "O", "oven"), machine_of(2, "P", "press"), machine_of(2, "O", "oven")});
    for (machine_id machine = 1; machine <= 4; ++machine)
      it_.create<sensor_entry>({sensor_on(machine, "temp"), sensor_on(machine, "bearing_a", "K")});
  }
  catalog& entities() { return it_.entities(); }

  /// Commits a change and returns which sensors got a config, and how many rules it has: "1:2 3:0 ".
  std::string put(catalog_change change) {
    std::string text;
    for (const sensor_config& config : change.config.configs)
      text += std::to_string(config.sensor) + ":" + std::to_string(config.rules.size()) + " ";
    it_.put(std::move(change));
    return text;
  }
  template <class Entry>
  std::string make(Entry entry) {
    auto staged = catalog_fixture::must(entities().stage_create(std::vector{std::move(entry)}, 0));
    return put(std::move(staged.change));
  }
  template <class Entry>
  std::string change(const Entry& entry) {
    return put(catalog_fixture::must(entities().stage_update(entry)));
  }
  template <class Entry>
  std::string refused(const Entry& entry) {
    const auto staged = entities().stage_create(std::vector{entry}, 0);
    return staged ? "accepted" : staged.error().field;
  }
  double high_on(sensor_id sensor) { return entities().config_of(sensor).rules.at(0)->high; }

  catalog_fixture it_;
};

TEST_F(templates, are_for_all_sensors_that_match_and_share_one_rule) {
  EXPECT_EQ(make(a_template({.machine_type = "press"})), "1:1 2:1 5:1 6:1 ");
  for (int pass = 0; pass < 2; ++pass) {
    const auto one = entities().config_of(1), other = entities().config_of(6);
    ASSERT_EQ(one.rules.size(), 1U);
    EXPECT_EQ(&*one.rules[0], &*other.rules[0]) << "not copied";
    EXPECT_EQ(one.rules[0]->high, 80);
    EXPECT_FALSE(one.rules[0]->as_template) << "a sensor knows nothing of the others";
    EXPECT_TRUE(entities().config_of(3).rules.empty());
    it_.reopen();
  }
}

TEST_F(templates, are_for_sensors_that_come_later) {
  make(a_template({.machine_type = "press", .name = "bearing_*"}));
  EXPECT_EQ(make(sensor_on(1, "bearing_b")), "9:1 ");
  EXPECT_EQ(make(sensor_on(1, "speed")), "10:0 ");
  EXPECT_EQ(make(sensor_on(2, "bearing_b")), "11:0 ");
}

TEST_F(templates, follow_a_sensor_that_is_renamed_moved_or_relabelled) {
  make(a_template({.machine_type = "press", .name = "bearing_*"}));
  label_set hot;
  hot.put({"zone", "hot"});
  make(a_template({.labels = hot}, 70));
  auto sensor = *entities().find_sensor(2);
  sensor.unit = "C";
  EXPECT_EQ(change(sensor), "") << "nothing asks for the unit";
  sensor.name = "vibration";
  EXPECT_EQ(change(sensor), "2:0 ");
  sensor.name = "bearing_z";
  EXPECT_EQ(change(sensor), "2:1 ");
  sensor.machine = 4;
  EXPECT_EQ(change(sensor), "2:0 ");
  sensor.labels = hot;
  EXPECT_EQ(change(sensor), "2:1 ");
  EXPECT_EQ(high_on(2), 70);
  sensor.machine = 3;
  EXPECT_EQ(change(sensor), "2:2 ");
  sensor.labels.clear();
  EXPECT_EQ(change(sensor), "2:1 ");
}

TEST_F(templates, follow_a_machine_that_changes_its_type_factory_or_labels) {
  make(a_template({.factory = 1, .machine_type = "press"}));
  label_set line;
  line.put({"line", "3"});
  make(a_template({.name = "temp", .labels = line}));
  auto machine = *entities().find_machine(2);
  machine.name = "renamed";
  EXPECT_EQ(change(machine), "");
  machine.status = machine_status::maintenance;
  EXPECT_EQ(change(machine), "3:0 4:0 ") << "alerts of its sensors are suppressed";
  machine.type = "press";
  EXPECT_EQ(change(machine), "3:1 4:1 ");
  machine.labels = line;
  EXPECT_EQ(change(machine), "3:2 ");
  auto sensor = *entities().find_sensor(3);
  sensor.labels.put({"line", "4"});
  EXPECT_EQ(change(sensor), "3:1 ") << "its own label counts";
  machine.name = "P2";
  machine.factory = 2;
  EXPECT_EQ(change(machine), "3:0 4:0 ");
}

TEST_F(templates, can_be_different_on_some_sensors) {
  auto rule = a_template({.name = "temp"});
  rule.as_template->overrides = {{3, {.high = 90}}, {5, {.enabled = false}}};
  EXPECT_EQ(make(rule), "1:1 3:1 5:1 7:1 ");
  rule = *entities().find_rule(1);
  for (int pass = 0; pass < 2; ++pass) {
    EXPECT_EQ(high_on(1), 80);
    EXPECT_EQ(high_on(3), 90);
    EXPECT_FALSE(entities().config_of(5).rules.at(0)->enabled);
    it_.reopen();
  }
  const auto before = entities().config_of(1).rules.at(0);
  rule.as_template->overrides[3].high = 95;
  EXPECT_EQ(change(rule), "3:1 ") << "only that sensor is told";
  EXPECT_EQ(high_on(3), 95);
  EXPECT_EQ(&*entities().config_of(1).rules.at(0), &*before);
  rule.as_template->overrides.erase(3);
  rule.as_template->overrides[8].high = 1;
  EXPECT_EQ(change(rule), "3:1 ") << "sensor 8 is none of it";
  EXPECT_EQ(high_on(3), 80);
}

TEST_F(templates, that_change_tell_the_sensors_that_were_and_that_are_theirs) {
  make(a_template({.machine_type = "press"}));
  auto rule = *entities().find_rule(1);
  rule.high = 85;
  EXPECT_EQ(change(rule), "1:1 2:1 5:1 6:1 ");
  rule.name = "renamed";
  rule.options.message = "too hot";
  EXPECT_EQ(change(rule), "") << "they judge as before";
  rule.as_template->sensors = {.name = "temp"};
  EXPECT_EQ(change(rule), "2:0 6:0 3:1 7:1 ");
  rule.as_template.reset();
  rule.sensor = 2;
  EXPECT_EQ(change(rule), "1:0 3:0 5:0 7:0 2:1 ");
  rule.sensor = 0;
  rule.as_template.emplace().sensors = {.name = "*"};
  EXPECT_EQ(change(rule), "2:1 1:1 3:1 4:1 5:1 6:1 7:1 8:1 ");
  EXPECT_EQ(put(*entities().stage_delete_rule(1)), "1:0 2:0 3:0 4:0 5:0 6:0 7:0 8:0 ");
  it_.reopen();
  EXPECT_TRUE(entities().config_of(1).rules.empty());
}

TEST_F(templates, stand_beside_the_rules_of_a_sensor_itself_by_their_ids) {
  alert_rule own;
  own.sensor = 1;
  own.name = "own";
  make(own);
  make(a_template({.name = "temp"}));
  make(own);
  const auto config = entities().config_of(1);
  ASSERT_EQ(config.rules.size(), 3U);
  for (rule_id id = 1; id <= 3; ++id) EXPECT_EQ(config.rules[id - 1]->id, id);
  EXPECT_EQ(entities().rules(1).size(), 3U);
  EXPECT_EQ(entities().rules(3).size(), 1U);
  EXPECT_EQ(entities().rules(3)[0].as_template->sensors.name, "temp");
  EXPECT_EQ(entities().rules().size(), 3U);
}

TEST_F(templates, lose_the_overrides_of_sensors_that_are_deleted_together) {
  auto rule = a_template({.machine_type = "press"});
  rule.as_template->overrides = {{1, {.high = 90}}, {5, {.enabled = false}}, {6, {.high = 70}}};
  make(rule);
  EXPECT_EQ(entities().stage_delete_sensors({1, 99}).error().code, errc::not_found);
  auto change = entities().stage_delete_sensors({1, 6}).value();
  EXPECT_EQ(change.config.removed, (std::vector<sensor_id>{1, 6}));
  put(std::move(change));
  const auto left = entities().find_rule(1)->as_template->overrides;
  ASSERT_EQ(left.size(), 1U);
  EXPECT_TRUE(left.contains(5));
  EXPECT_FALSE(entities().find_sensor(1));
  EXPECT_FALSE(entities().find_sensor(6));
}

/// Sensors that are made come with other units of those that are there, which may bring these under other templates.
TEST_F(templates, count_for_sensors_that_get_another_unit_with_new_ones) {
  make(a_template({.unit = "K"}));
  auto staged = entities().stage_create({sensor_on(1, "new", "K")}, {{1, "K"}, {2, "C"}, {4, "K"}}, 0).value();
  ASSERT_EQ(staged.entries.size(), 1U);
  EXPECT_EQ(put(std::move(staged.change)), "9:1 1:1 2:0 ");
  EXPECT_EQ(entities().find_sensor(1)->unit, "K");
  EXPECT_EQ(entities().find_sensor(1)->name, "temp");
  EXPECT_EQ(entities().find_sensor(9)->name, "new");
  const auto refused = entities().stage_create({sensor_on(1, "newer")}, {{1, "C"}, {2, "a\nb"}, {99, "C"}}, 0);
  ASSERT_FALSE(refused);
  ASSERT_EQ(refused.error().rows.size(), 2U);
  EXPECT_EQ(refused.error().rows[0].index, 2U);
  EXPECT_EQ(refused.error().rows[0].field, "unit");
  EXPECT_EQ(refused.error().rows[1].index, 3U);
}

TEST_F(templates, lose_the_override_of_a_deleted_sensor) {
  auto rule = a_template({.name = "temp"});
  rule.as_template->overrides = {{3, {.high = 90}}, {5, {.enabled = false}}};
  make(rule);
  auto removed = *entities().stage_delete_sensor(3);
  EXPECT_EQ(removed.config.removed, (std::vector<sensor_id>{3}));
  EXPECT_EQ(put(std::move(removed)), "");
  it_.reopen();
  const auto left = entities().find_rule(1)->as_template->overrides;
  EXPECT_EQ(left.size(), 1U);
  EXPECT_TRUE(left.contains(5));
}

TEST_F(templates, are_checked) {
  EXPECT_EQ(refused(a_template({.name = "temp"})), "accepted");
  EXPECT_EQ(refused(a_template({})), "selector");
  EXPECT_EQ(refused(a_template({.factory = 9})), "selector.factory_id");
  EXPECT_EQ(refused(a_template({.machine = 9})), "selector.machine_id");
  EXPECT_EQ(refused(a_template({.sensors = {1, 99}})), "selector.sensor_ids");
  auto rule = a_template({.name = "temp"});
  rule.sensor = 1;
  EXPECT_EQ(refused(rule), "selector");
  rule = a_template({.name = "temp"});
  rule.as_template->overrides = {{99, {.high = 1}}};
  EXPECT_EQ(refused(rule), "overrides.99");
  rule.as_template->overrides = {{1, {.low = 1}}};
  EXPECT_EQ(refused(rule), "overrides.1.low") << "GREATER_THAN has none";
  rule.condition = rule_condition::out_of_range;
  rule.low = 70;
  rule.as_template->overrides = {{1, {.low = 81}}};
  EXPECT_EQ(refused(rule), "overrides.1.low");
  rule.as_template->overrides = {{1, {.deadband = rule_override::band{6, false}}}};
  EXPECT_EQ(refused(rule), "overrides.1.deadband");
  for (sensor_id sensor = 1; sensor <= 8; ++sensor) rule.as_template->overrides[sensor] = {.high = 90};
  EXPECT_EQ(refused(rule), "accepted");
}

TEST_F(templates, are_bounded_and_may_change_when_what_they_name_is_gone) {
  it_.create(std::vector<alert_rule>(limits::rule_templates, a_template({.machine = 2})));
  EXPECT_EQ(refused(a_template({.machine = 2})), "selector");
  it_.put(*entities().stage_delete_sensor(3));
  it_.put(*entities().stage_delete_sensor(4));
  it_.put(*entities().stage_delete_machine(2));
  auto rule = *entities().find_rule(1);
  rule.high = 90;
  EXPECT_EQ(change(rule), "");
}

/// Whatever happens in whatever order: each sensor has the rules of the templates that match it, and it was told the last time that changed.
TEST_F(templates, and_configs_agree_after_any_changes) {
  std::mt19937 random(3);
  const auto some = [&](std::uint32_t n) { return 1 + static_cast<std::uint32_t>(random() % n); };
  const auto word = [&] { return std::string(1, "ab"[random() % 2]); };
  const auto labels = [&] {
    label_set all;
    if (random() % 2 == 0) all.put({"k", word()});
    return all;
  };
  const auto which = [&] {
    selector made;
    while (made.empty()) {
      if (random() % 4 == 0) made.factory = some(2);
      if (random() % 4 == 0) made.machine_type = word();
      if (random() % 4 == 0) made.name = word() + "*";
      if (random() % 4 == 0) made.labels = labels();
      if (random() % 8 == 0) made.sensors = {some(8)};
    }
    return made;
  };
  std::map<sensor_id, sensor_config> told;
  const auto commit = [&](expected<catalog_change> staged) {
    if (!staged) return;
    for (const sensor_config& config : staged->config.configs) told[config.sensor] = config;
    for (const sensor_id gone : staged->config.removed) told.erase(gone);
    it_.put(std::move(*staged));
  };
  for (const sensor_entry& sensor : entities().sensors()) told[sensor.id] = {sensor.id, {}, {}};
  std::size_t rules_seen = 0;
  for (int run = 0; run < 600; ++run) {
    const auto action = random() % 8;
    if (action == 0) {
      auto staged = entities().stage_create(std::vector{sensor_on(some(4), word() + std::to_string(run))}, 0);
      commit(std::move(staged->change));
    } else if (action == 1) {
      auto staged = entities().stage_create(std::vector{a_template(which(), some(9))}, 0);
      if (staged) commit(std::move(staged->change));
    } else if (action == 2 && !entities().rules().empty()) {
      const auto rules = entities().rules();
      commit(entities().stage_delete_rule(rules[random() % rules.size()].id));
    } else if (action == 3 && !entities().rules().empty()) {
      const auto rules = entities().rules();
      auto rule = rules[random() % rules.size()];
      rule.as_template->sensors = which();
      rule.as_template->overrides.clear();
      const auto sensors = entities().sensors();
      if (random() % 2 == 0) rule.as_template->overrides[sensors[random() % sensors.size()].id].high = some(9);
      commit(entities().stage_update(rule));
    } else if (action == 4) {
      auto machine = *entities().find_machine(some(4));
      machine.factory = some(2);
      machine.type = word();
      machine.labels = labels();
      commit(entities().stage_update(machine));
    } else if (action == 5 && entities().sensors().size() > 4) {
      commit(entities().stage_delete_sensor(entities().sensors()[random() % 4].id));
    } else {
      const auto sensors = entities().sensors();
      auto sensor = sensors[random() % sensors.size()];
      sensor.name = word() + std::to_string(run);
      sensor.machine = some(4);
      sensor.labels = labels();
      commit(entities().stage_update(sensor));
    }
    if (run % 100 == 99) it_.reopen();
    for (const sensor_entry& sensor : entities().sensors()) {
      std::vector<std::pair<rule_id, double>> wanted, found;
      for (const alert_rule& rule : entities().rules()) {
        const auto machine = *entities().find_machine(sensor.machine);
        if (!rule.as_template->sensors.matches({sensor.id, machine.id, machine.factory, sensor.name, sensor.unit, machine.type,
                                                &sensor.labels, &machine.labels}))
          continue;
        const auto different = rule.as_template->overrides.find(sensor.id);
        wanted.emplace_back(rule.id, different == rule.as_template->overrides.end() ? rule.high : *different->second.high);
      }
      for (const alert_rule& rule : entities().config_of(sensor.id).rules) found.emplace_back(rule.id, rule.high);
      ASSERT_EQ(found, wanted) << "sensor " << sensor.id << " at change " << run;
      ASSERT_EQ(entities().config_of(sensor.id), told[sensor.id]) << "sensor " << sensor.id << " at change " << run;
      rules_seen += wanted.size();
    }
  }
  EXPECT_GT(rules_seen, 5'000U);
}

}  // namespace
}  // namespace factory
