// Rules as entries of the catalog.
#include "storage/catalog/catalog.hpp"

#include "storage/support/catalog_entries.hpp"
#include "storage/support/catalog_fixture.hpp"

#include "pipelines/model/limits.hpp"
#include "storage/base/limits.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "storage/base/rocks.hpp"
#include "storage/catalog/catalog_records.hpp"

namespace factory {
namespace {

using namespace test;

TEST(catalog, rules_are_checked) {
  catalog_fixture it;
  it.seed(1);
  const auto refused_field = [&](alert_rule rule) {
    const auto staged = it.entities().stage_create(std::vector{std::move(rule)}, 0);
    return staged ? std::string("accepted") : staged.error().field;
  };
  EXPECT_EQ(refused_field(a_rule(1)), "accepted");
  EXPECT_EQ(refused_field(a_rule(7)), "sensor_id");
  EXPECT_EQ(refused_field(a_rule(1, std::nan(""))), "high");
  alert_rule rule = a_rule(1, 1);
  rule.low = 2;
  EXPECT_EQ(refused_field(rule), "accepted");  // low is not used by GREATER_THAN
  rule.condition = rule_condition::out_of_range;
  EXPECT_EQ(refused_field(rule), "low");
  rule = a_rule(1);
  rule.level = severity::high;
  EXPECT_EQ(refused_field(rule), "severity");
}

TEST(catalog, options_of_rules_are_checked_and_kept) {
  catalog_fixture it;
  it.seed(1);
  const auto refused_field = [&](const alarm_options& options, rule_condition condition = rule_condition::greater_than) {
    alert_rule rule = a_rule(1);
    rule.condition = condition;
    rule.low = 80;
    rule.options = options;
    const auto staged = it.entities().stage_create(std::vector{std::move(rule)}, 0);
    return staged ? std::string("accepted") : staged.error().field;
  };
  EXPECT_EQ(refused_field({.deadband = -1}), "deadband");
  EXPECT_EQ(refused_field({.deadband = std::nan("")}), "deadband");
  EXPECT_EQ(refused_field({.deadband = 6}, rule_condition::out_of_range), "deadband")
      << "80 to 90 has no room for 6 on both sides";
  EXPECT_EQ(refused_field({.on_delay_us = -1}), "on_delay_ms");
  EXPECT_EQ(refused_field({.off_delay_us = 86'400'000'001}), "off_delay_ms");
  EXPECT_EQ(refused_field({.count = 3, .of = 2}), "count");
  EXPECT_EQ(refused_field({.count = 1, .of = 65}), "of");
  EXPECT_EQ(refused_field({.priority = 5}), "priority");
  EXPECT_EQ(refused_field({.message = std::string(2'049, 'x')}), "message");
  const alarm_options full{2, true, 5'000'000, 60'000'000, 2, 3, 1, "too hot", "open the valve"};
  alert_rule rule = a_rule(1);
  rule.options = full;
  it.create<alert_rule>({rule});
  it.reopen();
  EXPECT_EQ(it.entities().find_rule(1)->options, full);
}

TEST(catalog, a_rule_stored_before_there_were_options_or_templates_is_a_plain_one) {
  alert_rule rule = a_rule(1);
  rule.id = 4;
  auto record = encode(rule);
  std::string routing;
  put_routing(routing, {});
  record.resize(record.size() - routing.size() - 1);  // nor is it a template
  for (const char version : {'\2', '\1'}) {
    if (version == '\1') {
      std::string options;
      put_options(options, {});
      record.resize(record.size() - options.size());
    }
    record[0] = version;
    alert_rule back;
    back.options.deadband = 3;
    back.as_template.emplace();
    ASSERT_TRUE(decode(record, back));
    EXPECT_EQ(back, rule);
    EXPECT_FALSE(decode(record + "x", back));
  }
}

TEST(catalog, rules_of_all_kinds_are_checked) {
  catalog_fixture it;
  it.seed(2);
  const auto field = [&](const alert_rule& rule) {
    const auto staged = it.entities().stage_create(std::vector{rule}, 0);
    return staged ? std::string("taken") : staged.error().rows.at(0).field;
  };
  auto ladder = a_rule(1, 80);
  ladder.condition = rule_condition::ladder;
  ladder.low = 20;
  ladder.options.high_high = 90;
  EXPECT_EQ(field(ladder), "taken");
  ladder.options.high_high = 70;
  EXPECT_EQ(field(ladder), "low_low");
  ladder.low = ladder.options.low_low;
  ladder.high = ladder.options.high_high = std::numeric_limits<double>::infinity();
  EXPECT_EQ(field(ladder), "high");
  auto silence = a_rule(1);
  silence.condition = rule_condition::no_data;
  EXPECT_EQ(field(silence), "silence_ms");
  silence.options.silence_us = 1'000'000;
  EXPECT_EQ(field(silence), "taken");
  silence.options.of = 3;
  EXPECT_EQ(field(silence), "of");
  auto rate = a_rule(1, -1);
  rate.condition = rule_condition::rate_above;
  EXPECT_EQ(field(rate), "high");
  auto urgent = a_rule(1);
  urgent.options.re_alarm_us = 1'000;
  EXPECT_EQ(field(urgent), "re_alarm_ms");
}

TEST(catalog, a_rule_that_suppresses_is_not_suppressed) {
  catalog_fixture it;
  it.seed(2);
  it.create<alert_rule>({a_rule(1), a_rule(1), a_rule(2)});
  const auto by = [&](rule_id rule, rule_id other) {
    auto changed = *it.entities().find_rule(rule);
    changed.options.suppressed_by = other;
    return changed;
  };
  EXPECT_EQ(it.entities().stage_update(by(1, 1)).error().field, "suppressed_by") << "itself";
  EXPECT_EQ(it.entities().stage_update(by(1, 3)).error().field, "suppressed_by") << "of another sensor";
  it.update(by(1, 2));
  EXPECT_EQ(it.entities().stage_update(by(2, 1)).error().field, "suppressed_by");
  it.reopen();
  EXPECT_EQ(it.entities().find_rule(1)->options.suppressed_by, 2U);
}

TEST(catalog, a_sensor_has_a_bounded_number_of_rules) {
  catalog_fixture it;
  it.seed(2);
  it.create(std::vector<alert_rule>(limits::rules_per_sensor, a_rule(1)));
  it.create<alert_rule>({a_rule(2)});
  EXPECT_EQ(it.entities().stage_create(std::vector{a_rule(1)}, 0).error().code, errc::conflict);
  auto rule = it.entities().rules(2)[0];
  rule.sensor = 1;
  EXPECT_EQ(it.entities().stage_update(rule).error().code, errc::conflict);
  EXPECT_EQ(it.entities().stage_create(std::vector<alert_rule>(limits::rules_per_sensor, a_rule(2)), 0).error().rows[0].index,
            limits::rules_per_sensor - 1);
}

}  // namespace
}  // namespace factory
