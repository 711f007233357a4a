// Alarms under operators, late readings, ticks and crashes, against a plain model.
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "pipelines/alarm/judged_alarms.hpp"
#include "pipelines/model/finding.hpp"
#include "pipelines/support/alarm_model.hpp"

namespace factory::test {
namespace {

constexpr std::int64_t end_of_time = 260, lateness = 40;
using generator = std::mt19937;

std::int64_t below(generator& random, unsigned n) { return static_cast<std::int64_t>(random() % n); }

std::vector<alert_rule> any_rules(generator& random) {
  std::vector<alert_rule> rules;
  for (rule_id id = 1; id <= 3; ++id) {
    const auto condition = random() % 4 == 0   ? rule_condition::no_data
                           : random() % 4 == 0 ? rule_condition::anomaly
                           : random() % 4 == 0 ? rule_condition::stale_quality
                           : random() % 3 == 0 ? rule_condition::less_than
                                               : rule_condition::greater_than;
    alert_rule rule{id, 7, "rule", condition, -2, 2, severity::rule_warning, true};
    auto& options = rule.options;
    options.deadband = static_cast<double>(below(random, 3));
    options.on_delay_us = below(random, 3) * below(random, 8);
    options.off_delay_us = below(random, 3) * below(random, 8);
    options.latch = random() % 3 == 0;
    if (condition == rule_condition::no_data || condition == rule_condition::stale_quality) {
      options.silence_us = 5 + below(random, 20);
    } else if (condition == rule_condition::anomaly) {
      options.anomalies.score = 1 + static_cast<double>(below(random, 3)) / 2;
      if (random() % 3 == 0) options.anomalies.level = severity::high;
      if (random() % 3 == 0) options.anomalies.detectors = detector_bit(detector::spike) | detector_bit(detector::stuck);
      if (random() % 4 == 0) options.anomalies.detectors |= nelson_bit;
    } else if (random() % 3 == 0) {
      options.of = static_cast<std::uint32_t>(2 + below(random, 3));
      options.count = static_cast<std::uint32_t>(1 + below(random, options.of));
    }
    if (id == 2 && random() % 2 == 0) options.suppressed_by = 1;
    if (random() % 3 == 0) {
      const auto middle = 60 + below(random, 60);
      options.schedule.shifts = {{1U << 3U, below(random, 30), middle - below(random, 20)},
                                 {1U << 3U, middle + 1 + below(random, 20), middle + 40 + below(random, 60)}};
    }
    rules.push_back(rule);
  }
  return rules;
}

double any_value(generator& random) { return static_cast<double>(below(random, 41) - 20) / 4; }

modelled_reading reading_of(double value, row_quality quality) {
  return {quality == row_quality::bad ? std::nullopt : std::optional(value), quality == row_quality::good};
}
alarm_row row_of(std::int64_t at, double value, row_quality quality) {
  return quality == row_quality::bad ? alarm_row{at, 0, true, quality} : alarm_row{at, value, false, quality};
}

struct drawn_reading {
  double value = 0;
  row_quality quality{};
};
/// Those that are not good come in stretches.
std::map<std::int64_t, drawn_reading> any_readings(generator& random) {
  std::map<std::int64_t, drawn_reading> readings;
  bool is_poor = false;
  for (std::int64_t at = 1 + below(random, 6); at < end_of_time - 60; at += 1 + below(random, random() % 8 == 0 ? 30 : 6)) {
    if (random() % 8 == 0) is_poor = !is_poor;
    const auto quality = !is_poor || random() % 10 == 0 ? row_quality::good
                         : random() % 4 == 0            ? row_quality::uncertain
                                                        : row_quality::bad;
    readings[at] = {any_value(random), quality};
  }
  return readings;
}
std::map<std::int64_t, modelled_reading> modelled(const std::map<std::int64_t, drawn_reading>& readings) {
  std::map<std::int64_t, modelled_reading> out;
  for (const auto& [at, it] : readings) out[at] = reading_of(it.value, it.quality);
  return out;
}

detector any_detector(generator& random) {
  constexpr std::array those{detector::spike, detector::level_shift, detector::stuck, detector::silent};
  return those.at(random() % those.size());
}

/// Also at times without a reading, and several at a time.
std::vector<modelled_anomaly> any_anomalies(generator& random) {
  std::vector<modelled_anomaly> all;
  for (std::int64_t begin = 1 + below(random, 40); begin < end_of_time - 80; begin += 1 + below(random, 50)) {
    auto& it = all.emplace_back();
    it.begin = begin;
    it.rule = random() % 3 == 0 ? 1 + static_cast<rule_id>(below(random, 8)) : 0;
    double score = 1 + static_cast<double>(below(random, 8)) / 4;
    auto what = any_detector(random);
    auto at = begin + below(random, 4);
    for (auto tellings = 1 + below(random, 4); tellings > 0; --tellings, at += 1 + below(random, 12)) {
      it.tellings.push_back({at, what, score});
      score *= 1 + static_cast<double>(below(random, 4)) / 4;
      if (random() % 3 == 0) what = any_detector(random);
    }
    if (random() % 5 != 0) it.closed = at;
  }
  return all;
}

/// Its events, as the detectors say them.
std::vector<anomaly_note> notes_of(const modelled_anomaly& it) {
  std::vector<anomaly_note> all;
  for (const auto& [at, what, score] : it.tellings) {
    const auto number = static_cast<std::uint32_t>(all.size());
    const auto kind = number == 0 ? event_kind::anomaly_opened : event_kind::anomaly_updated;
    const auto source = it.rule != 0 ? event_source::nelson : event_source::spike;
    all.push_back({at, it.begin, source, kind, number == 0 ? 0 : number - 1, it.rule != 0 ? detector{} : what, score,
                   severity_of_score(score), it.rule});
  }
  if (it.closed == INT64_MAX) return all;
  all.push_back(all.back());
  all.back().at_us = it.closed;
  all.back().kind = event_kind::anomaly_closed;
  all.back().revision = 0;
  return all;
}

/// Each names the newest alert that its rule had at its time, as an operator would.
std::vector<placed_order> any_orders(generator& random, const std::vector<alert_rule>& rules,
                                     const std::map<std::int64_t, modelled_reading>& readings,
                                     const std::vector<modelled_anomaly>& anomalies) {
  using enum limit_order::action;
  std::vector<placed_order> orders;
  for (std::int64_t at = 10; at < end_of_time - 50; at += 1 + below(random, 25)) {
    placed_order next{at, {}, random() % 8 == 0, random() % 2 == 0};
    alarm_model so_far(rules, readings, anomalies, orders);
    so_far.run_to(at);
    const rule_id rule = 1 + static_cast<rule_id>(below(random, 3));
    const auto& alerts = so_far.alerts_of(rule);
    next.order.what = static_cast<limit_order::action>(below(random, 6));
    if (next.order.what == acknowledge || next.order.what == reset)
      if (alerts.empty()) continue;
    next.order.alert = {7, alerts.empty() ? 0 : alerts.back().raised, event_source::alert_rule, rule, event_kind::alert_raised};
    next.order.until_us = at + 1 + below(random, 60);
    next.order.once = random() % 3 == 0;
    next.order.who = "Ann";
    orders.push_back(next);
  }
  return orders;
}

/// One thing that reaches the alarms: a reading, an order, a tick, or what detectors say.
struct property_arrival {
  std::int64_t clock = 0;
  enum class kind { reading, order, tick, anomaly } what{};
  alarm_row row{};
  std::size_t order = 0;
  std::vector<anomaly_change> changes = {};
};

/// Each as late as is allowed at most, some another way at first, some that are taken back.
void add_anomalies(generator& random, const std::vector<modelled_anomaly>& anomalies, std::vector<property_arrival>& all) {
  const auto late = [&] { return random() % 3 == 0 ? below(random, lateness / 2) : 0; };
  const auto add = [&](std::int64_t clock, std::vector<anomaly_change> changes) {
    all.push_back({clock, property_arrival::kind::anomaly, {}, 0, std::move(changes)});
  };
  for (const auto& anomaly : anomalies) {
    for (const auto& note : notes_of(anomaly)) {
      const auto first = note.at_us + late(), second = first + late();
      auto wrong = note;
      wrong.at_us = std::max(first - lateness / 2, note.at_us - below(random, 8));
      wrong.score = 1 + static_cast<double>(below(random, 12)) / 4;
      wrong.level = severity_of_score(wrong.score);
      if (wrong.rule == 0) wrong.what = any_detector(random);
      std::vector<anomaly_change> changes;
      if (random() % 3 == 0) {
        add(first, {{wrong}});
        if (random() % 2 == 0) changes.push_back({wrong, true});
      }
      changes.push_back({note});
      add(second, changes);
    }
  }
  for (std::int64_t at = 5 + below(random, 60); at < end_of_time - 80; at += 1 + below(random, 90)) {
    const anomaly_note taken_back{
        at, at, event_source::drift, event_kind::anomaly_opened, 0, any_detector(random), 3, severity::critical};
    const auto first = at + late();
    add(first, {{taken_back}});
    add(first + below(random, lateness / 2), {{taken_back, true}});
  }
}

/// Readings each late as is allowed at most, some wrong at first, some twice.
std::vector<property_arrival> any_arrivals(generator& random, const std::map<std::int64_t, drawn_reading>& readings,
                                           const std::vector<modelled_anomaly>& anomalies,
                                           const std::vector<placed_order>& orders) {
  std::vector<property_arrival> all;
  for (const auto& [at, drawn] : readings) {
    const auto late = [&] { return random() % 3 == 0 ? below(random, lateness / 2) : 0; };
    const auto first = at + late(), second = first + late();
    if (random() % 6 == 0)
      all.push_back({first, property_arrival::kind::reading,
                     row_of(at, any_value(random), random() % 2 == 0 ? row_quality::bad : row_quality::good)});
    else if (random() % 6 == 0)
      all.push_back({first, property_arrival::kind::reading, row_of(at, drawn.value, drawn.quality)});
    all.push_back({second, property_arrival::kind::reading, row_of(at, drawn.value, drawn.quality)});
  }
  add_anomalies(random, anomalies, all);
  for (std::int64_t at = 1 + below(random, 9); at < end_of_time; at += 1 + below(random, 15))
    all.push_back({at, property_arrival::kind::tick});
  std::ranges::stable_sort(all, {}, &property_arrival::clock);
  for (std::size_t i = 0; i < orders.size();
       ++i) {  // places never fall, also among ticks: each comes before the tick of its time
    const auto place = std::ranges::lower_bound(all, orders[i].at, {}, [](const property_arrival& a) { return a.clock; });
    all.insert(place, {orders[i].at, property_arrival::kind::order, {}, i});
  }
  return all;
}

/// The alarms as an actor runs them over a journal, and the event log behind them.
class run {
 public:
  run(const std::vector<alert_rule>& rules, const std::vector<placed_order>& orders) : rules_(rules), orders_(orders) {
    alarms_.configure({7, {}, {rules_.begin(), rules_.end()}, {}, false}, INT64_MIN, INT64_MIN, 0, said_);
    store();
  }

  void take(const property_arrival& what) {
    journal_.push_back(what);
    apply_to_alarms(what);
    keep();
  }
  void store() {
    stored_.clear();
    alarms_.encode(stored_);
    journal_.clear();
  }
  /// Goes back to what was stored, and works the journal in again.
  void crash() {
    std::string_view bytes = stored_;
    alarms_ = judged_alarms();
    ASSERT_TRUE(alarms_.decode(bytes));
    ASSERT_TRUE(bytes.empty());
    for (const auto& each : journal_) apply_to_alarms(each);
    is_again_ = true;
    keep();
    is_again_ = false;
  }

  const std::map<event_key, finding>& findings() const { return findings_; }
  std::vector<modelled_alert> alerts_of(rule_id rule) const {
    std::vector<modelled_alert> out;
    for (const auto& [key, it] : findings_) {
      if (key.rule != rule || !it.holds()) continue;
      const auto* const hush = hush_of(it);
      const auto* const at_raise = it.stated->alarm();
      out.push_back({it.stated->at_us, it.ended ? it.ended->at_us : -1, it.latched(), at_raise != nullptr ? at_raise->hushed : "",
                     hush != nullptr ? hush->hushed : "", peak_of(it).value, peak_of(it).at_us});
    }
    std::ranges::sort(out);
    return out;
  }
  /// Each alert of a rule about anomalies names one that was open when it was raised.
  void expect_named(rule_id rule, const std::vector<modelled_anomaly>& anomalies) const {
    for (const auto& [key, it] : findings_) {
      if (key.rule != rule || !it.holds()) continue;
      event_key named;
      const auto id = anomaly_named_in(it.stated->explanation);
      ASSERT_TRUE(id && parse_finding_id(*id, named)) << it.stated->explanation;
      EXPECT_TRUE(std::ranges::any_of(anomalies,
                                      [&](const modelled_anomaly& each) {
                                        return each.begin == named.event_time_us && each.rule == named.rule &&
                                               each.tellings.front().at <= it.stated->at_us && it.stated->at_us < each.closed;
                                      }))
          << *id << " at " << it.stated->at_us;
    }
  }
  std::size_t events() const { return keys_.size(); }
  std::size_t most_open() const { return most_open_; }

 private:
  void apply_to_alarms(const property_arrival& what) {
    const auto floor = what.clock - lateness;
    if (what.what == property_arrival::kind::reading) {
      alarms_.observe({&what.row, 1}, floor, what.clock, said_);
    } else if (what.what == property_arrival::kind::anomaly) {
      alarms_.observe({}, floor, what.clock, said_, what.changes);
    } else if (what.what == property_arrival::kind::tick) {
      alarms_.advance(what.clock, what.clock, said_);
    } else if (const auto& order = orders_[what.order]; order.is_machine) {
      alarms_.configure({7, {}, {rules_.begin(), rules_.end()}, {}, order.machine_stops}, order.at, floor, what.clock, said_);
    } else {
      alarms_.obey(order.order, order.at, floor, what.clock, said_);
    }
  }

  void keep() {
    for (const auto& each : said_) {
      const bool fresh = keys_.insert(each.key).second;
      EXPECT_TRUE(fresh || is_again_) << to_text(each.key.kind) << " is told twice of " << finding_id(each.key);
      EXPECT_FALSE(fresh && is_again_) << to_text(each.key.kind) << " is told only after a crash";
      if (fresh) apply(findings_[with_kind(each.key, {})], each);
    }
    said_.clear();
    std::map<rule_id, std::size_t> open;
    for (const auto& [key, it] : findings_)
      if (it.open()) most_open_ = std::max(most_open_, ++open[key.rule]);
  }

  std::vector<alert_rule> rules_;
  std::vector<placed_order> orders_;
  judged_alarms alarms_;
  std::vector<event> said_;
  std::string stored_;
  std::vector<property_arrival> journal_;
  std::set<event_key> keys_;
  std::map<event_key, finding> findings_;
  std::size_t most_open_ = 0;
  bool is_again_ = false;
};

struct counted {
  std::size_t events = 0, alerts = 0, orders = 0, crashes = 0;
};

void expect_as_modelled(unsigned seed, counted& counts) {
  generator random(seed);
  const auto rules = any_rules(random);
  const auto readings = any_readings(random);
  const auto anomalies = any_anomalies(random);
  const auto orders = any_orders(random, rules, modelled(readings), anomalies);
  alarm_model model(rules, modelled(readings), anomalies, orders);
  model.run_to(end_of_time);
  counts.orders += orders.size();
  for (int permutation = 0; permutation < 3; ++permutation) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", permutation " + std::to_string(permutation));
    run it(rules, orders);
    for (const auto& each : any_arrivals(random, readings, anomalies, orders)) {
      it.take(each);
      if (random() % 12 == 0) it.store();
      if (random() % 15 == 0) ++counts.crashes, it.crash();
    }
    it.take({end_of_time, property_arrival::kind::tick});
    for (const auto& rule : rules) {
      EXPECT_EQ(it.alerts_of(rule.id), model.alerts_of(rule.id)) << "rule " << rule.id;
      counts.alerts += model.alerts_of(rule.id).size();
      if (rule.condition == rule_condition::anomaly) it.expect_named(rule.id, anomalies);
    }
    EXPECT_LE(it.most_open(), 1U) << "two alerts of one rule and sensor";
    counts.events += it.events();
  }
}

TEST(alarms, are_those_of_the_plain_model_over_orders_late_readings_ticks_and_crashes) {
  constexpr unsigned first_seed = 1, seeds = 150;
  counted counts;
  for (unsigned seed = first_seed; seed < first_seed + seeds && !HasFailure(); ++seed) expect_as_modelled(seed, counts);
  RecordProperty("seeds", static_cast<int>(seeds));
  std::cout << "seeds " << first_seed << " to " << first_seed + seeds - 1 << ", each in 3 orders of arrival: " << counts.orders
            << " orders, " << counts.alerts << " alerts, " << counts.events << " events, " << counts.crashes << " crashes\n";
  EXPECT_GT(counts.alerts, 3'000U);
}

}  // namespace
}  // namespace factory::test
