// The table of states in the reference against the code.
#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "pipelines/alarm/judged_alarms.hpp"
#include "pipelines/model/finding.hpp"
#include "support/paths.hpp"

namespace factory {
namespace {

using table_row = std::array<std::string, 5>;  // state, input, rule, next state, event
using order_of = limit_order::action;
constexpr std::int64_t delay_us = 50, reminder_after_us = 5'000, shift_us = 10'000;

/// The rows of the table under "## States", cells without blanks around them.
std::vector<table_row> documented_states() {
  std::ifstream page(test::source_file("docs/reference/alarms.md"));
  std::vector<table_row> rows;
  bool within = false;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("## ")) within = line == "## States";
    if (!within || !line.starts_with("| ") || line.starts_with("| state")) continue;
    std::istringstream cells(line.substr(1));
    table_row row;
    for (auto& cell : row) {
      std::getline(cells, cell, '|');
      cell.erase(0, cell.find_first_not_of(' '));
      cell.erase(cell.find_last_not_of(' ') + 1);
    }
    rows.push_back(row);
  }
  return rows;
}

/// One rule (above 80, back below 75) of one sensor, which the table's inputs move. Its rule 2 is above 1000 and suppresses where asked.
class documented_alarm {
 public:
  explicit documented_alarm(const alarm_options& options) : options_(options) {
    options_.deadband = 5;
    configure();
  }

  void reach(const std::string& state) {
    if (state == "normal") return;
    if (state == "off shift") return input("shift ends");
    const auto starts = [&](std::string_view with) { return state.starts_with(with); };
    input("breach");
    if (state == "pending") return;
    if (options_.on_delay_us != 0) input("time");
    if (starts("returning") || starts("returned") || starts("latched")) input("back");
    if (!starts("returning") && options_.off_delay_us != 0 && (starts("returned") || starts("latched"))) input("time");
    if (state == "shelved") input("shelve");
    if (state == "suppressed") input("machine stops");
    if (state == "out of service") input("take out");
    if (state.ends_with(" acknowledged")) input("acknowledge");
    told_.clear();
  }

  void input(const std::string& what) {
    static const std::map<std::string, double> values{
        {"breach", 90}, {"deadband", 78}, {"back", 20}, {"other rule breaches", 2'000}};
    static const std::map<std::string, order_of> orders{
        {"reset", order_of::reset},       {"shelve", order_of::shelve},     {"unshelve", order_of::unshelve},
        {"take out", order_of::take_out}, {"put back", order_of::put_back},
    };
    const auto before = said_.size();
    now_us_ += 10;
    if (values.contains(what)) {
      const alarm_row row{now_us_, values.at(what)};
      alarms_.observe({&row, 1}, INT64_MIN, now_us_, said_);
    } else if (orders.contains(what)) {
      give(orders.at(what));
    } else if (what == "acknowledge") {
      give(order_of::acknowledge);
      event seen = *newest().stated;
      seen.key.kind = event_kind::alert_acknowledged;
      said_.push_back(seen);
    } else if (what == "shift ends" || what == "shift begins") {
      now_us_ = what == "shift ends" ? shift_us : 86'400'000'000 * 7;
      alarms_.advance(now_us_, now_us_, said_);
    } else if (what == "time") {
      if (alarms_.due_us() != INT64_MAX) now_us_ = alarms_.due_us();
      alarms_.advance(now_us_, now_us_, said_);
    } else {
      ASSERT_TRUE(what == "machine stops" || what == "machine starts") << what;
      is_stopped_ = what == "machine stops";
      configure();
    }
    for (auto i = before; i < said_.size(); ++i)
      if (said_[i].key.rule == 1 && said_[i].key.kind != event_kind::alert_escalated)
        told_.push_back(std::string(to_text(said_[i].key.kind)).substr(6));
  }

  std::string state() const {
    const auto phase = alarms_.phase_of(event_source::alert_rule, 1);
    const auto alert = newest();
    if (phase == limit_state::phase::pending) return "pending";
    if (!options_.schedule.always() && !options_.schedule.covers(now_us_) && !alert.open())
      return alert.stated && !alert.acknowledged ? "off shift, returned unacknowledged" : "off shift";
    if (!alert.stated) return "normal";
    std::string name(to_text(state_of(alert)));
    if (name == "cleared") return "normal";
    for (auto& c : name)
      if (c == '_') c = ' ';
    if (phase == limit_state::phase::returning && name.starts_with("active")) name.replace(0, 6, "returning");
    return name;
  }
  /// The events of the last input, without their "alert_".
  std::string told() const {
    std::string all;
    for (const auto& each : told_) all += (all.empty() ? "" : ", ") + each;
    return all;
  }

 private:
  void configure() {
    alert_rule rule{1, 7, "hot", rule_condition::greater_than, 0, 80, severity::rule_warning, true, options_};
    alert_rule other{2, 7, "worse", rule_condition::greater_than, 0, 1'000, severity::rule_warning, true};
    alarms_.configure({7, {}, {rule, other}, {}, is_stopped_}, now_us_, INT64_MIN, now_us_, said_);
  }
  void give(order_of what) {
    limit_order order;
    order.what = what;
    order.alert = newest().stated->key;
    order.until_us = now_us_ + 1'000;
    alarms_.obey(order, now_us_, INT64_MIN, now_us_, said_);
  }
  finding newest() const {
    finding it;
    std::int64_t raised_us = INT64_MIN;
    for (const auto& each : said_)
      if (each.key.rule == 1) raised_us = std::max(raised_us, each.key.event_time_us);
    for (const auto& each : said_)
      if (each.key.rule == 1 && each.key.event_time_us == raised_us) apply(it, each);
    return it;
  }

  alarm_options options_;
  judged_alarms alarms_;
  std::vector<event> said_;
  std::vector<std::string> told_;
  std::int64_t now_us_ = 0;
  bool is_stopped_ = false;
};

void expect_as_documented(const table_row& row, const alarm_options& options) {
  const auto& [from, input, rule, to, told] = row;
  SCOPED_TRACE(from + " on " + input + ", rule " + rule);
  documented_alarm alarm(options);
  alarm.reach(from);
  ASSERT_EQ(alarm.state(), from);
  alarm.input(input);
  EXPECT_EQ(alarm.state(), to);
  EXPECT_EQ(alarm.told(), told);
}

TEST(limit_state, does_what_the_table_in_the_reference_says) {
  const auto rows = documented_states();
  EXPECT_EQ(rows.size(), 60U);
  for (const auto& row : rows) {
    const auto& rule = row[2];
    alarm_options options;
    if (rule == "on_delay" || rule == "any") options.on_delay_us = delay_us;
    if (rule == "off_delay" || rule == "any") options.off_delay_us = delay_us;
    options.latch = rule == "latch";
    if (rule == "re_alarm") options.re_alarm_us = reminder_after_us;
    if (rule == "suppressed_by") options.suppressed_by = 2;
    if (rule.starts_with("schedule")) options.schedule.shifts = {{1U << 3U, 0, shift_us}};  // on the Thursday on which 1970 began
    options.latch = options.latch || rule == "schedule, latch";
    if (rule == "schedule, on_delay") options.on_delay_us = 2 * shift_us;
    expect_as_documented(row, options);
    if (rule == "any") expect_as_documented(row, {});
  }
}

}  // namespace
}  // namespace factory
