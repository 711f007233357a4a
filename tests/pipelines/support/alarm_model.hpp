#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <tuple>
#include <vector>

#include "pipelines/alarm/limit_order.hpp"
#include "pipelines/alarm/thresholds.hpp"

/// Alarms by their definition: one unit of time after the other over all readings and orders, which are known beforehand. Slow, plain,
/// and without any of the code that it is held against.
namespace factory::test {

/// An order, or another state of the machine, behind the readings and delays of its time.
struct placed_order {
  std::int64_t at = 0;
  limit_order order;
  bool is_machine = false, machine_stops = false;
};

/// An anomaly over time.
struct modelled_anomaly {
  struct telling {
    std::int64_t at = 0;
    detector what{};
    double score = 0;
  };
  std::int64_t begin = 0;         ///< its name, with the next
  rule_id rule = 0;               ///< of Nelson's rules for control charts; 0: detectors say it
  std::vector<telling> tellings;  ///< by time, the first one opens it
  std::int64_t closed = INT64_MAX;
};

/// A reading that is not bad has a value.
struct modelled_reading {
  std::optional<double> value;
  bool is_good = true;
};

/// What became of one alert.
struct modelled_alert {
  std::int64_t raised = 0, ended = -1;
  bool latched = false;
  std::string hushed_at_raise, hushed;  ///< of one that is open
  double peak = 0;                      ///< of one that is open, as far as it is told
  std::int64_t peak_at = 0;
  auto operator<=>(const modelled_alert&) const = default;
  friend std::ostream& operator<<(std::ostream& out, const modelled_alert& it) {
    return out << it.raised << ".." << it.ended << (it.latched ? " latched" : "") << " [" << it.hushed_at_raise << "]["
               << it.hushed << "] " << it.peak << " at " << it.peak_at;
  }
};

class alarm_model {
 public:
  alarm_model(std::vector<alert_rule> rules, std::map<std::int64_t, modelled_reading> readings,
              std::vector<modelled_anomaly> anomalies, std::vector<placed_order> orders)
      : rules_(std::move(rules)), readings_(std::move(readings)), anomalies_(std::move(anomalies)), orders_(std::move(orders)) {
    for (const auto& rule : rules_) states_[rule.id];
  }

  void run_to(std::int64_t end) {
    for (std::int64_t now = 1; now <= end; ++now) live_through(now);
    for (auto& [id, it] : states_)
      if (it.raised >= 0) alerts_[id].back() = as_it_stands(id);
  }
  const std::vector<modelled_alert>& alerts_of(rule_id id) { return alerts_[id]; }

 private:
  struct extreme {
    double value = 0, excess = 0;
    std::int64_t at = 0;
  };
  struct state {
    std::int64_t breach_since = -1, back_since = -1, raised = -1;
    double newest_breach = 0;
    extreme peak, told;
    bool latched = false, acknowledged = false, silent = false;
    std::deque<bool> newest;
    std::string hushed_at_raise;
  };
  struct shelf_on {
    std::int64_t until;
    bool once;
  };

  const alert_rule& rule_of(rule_id id) const {
    return *std::find_if(rules_.begin(), rules_.end(), [id](const auto& rule) { return rule.id == id; });
  }
  bool in_breach(rule_id id) const {
    const auto& it = states_.at(id);
    return it.raised >= 0 && !it.latched;
  }
  std::string hush(rule_id id) const {
    if (out_of_service_.contains(id)) return "out_of_service";
    const auto by = rule_of(id).options.suppressed_by;
    if (machine_stopped_ || (by != 0 && in_breach(by))) return "suppressed";
    return shelves_.contains(id) ? "shelved" : "";
  }
  modelled_alert as_it_stands(rule_id id) const {
    const auto& it = states_.at(id);
    return {it.raised, -1, it.latched, it.hushed_at_raise, hush(id), it.told.value, it.told.at};
  }
  static bool is_of_silence(const alert_rule& rule) {
    return rule.condition == rule_condition::no_data || rule.condition == rule_condition::stale_quality;
  }
  std::int64_t silent_since(const alert_rule& rule) const {
    return rule.condition == rule_condition::no_data ? silent_since_ : good_since_;
  }
  static double limit_of(const alert_rule& rule) {
    if (is_of_silence(rule)) return static_cast<double>(rule.options.silence_us) / 1e6;
    if (rule.condition == rule_condition::anomaly) return rule.options.anomalies.score;
    return rule.condition == rule_condition::greater_than ? rule.high : rule.low;
  }
  static void grow(const alert_rule& rule, state& it, std::int64_t now, double value, bool is_told) {
    const double limit = limit_of(rule), excess = std::abs(value - limit);
    if (excess <= it.peak.excess) return;
    it.peak = {value, excess, now};
    if (is_told && excess >= 1.5 * std::max(it.told.excess, std::abs(limit) / 100)) it.told = it.peak;
  }

  /// Shifts of these tests are all on the Thursday on which 1970 began, by UTC.
  static std::int64_t shift_begin(const alert_rule& rule, std::int64_t now) {
    if (rule.options.schedule.shifts.empty()) return 0;
    for (const auto& each : rule.options.schedule.shifts)
      if (now >= each.from_us && now < each.to_us) return each.from_us;
    return -1;
  }

  void live_through(std::int64_t now) {
    std::vector<rule_id> raised;
    std::vector<alert_rule> on_shift;
    for (const auto& rule : rules_) {
      if (shift_begin(rule, now) >= 0) {
        on_shift.push_back(rule);
        continue;
      }
      auto& it = states_[rule.id];
      if (it.raised >= 0) end(rule.id, it, now);
      it = {};
    }
    for (const auto& rule : on_shift)
      if (rule.condition == rule_condition::anomaly) look(rule, states_[rule.id], now);
    if (const auto found = readings_.find(now); found != readings_.end()) {
      const auto& [value, is_good] = found->second;
      for (const auto& rule : on_shift) {
        const bool concerns =
            rule.condition != rule_condition::anomaly && (rule.condition != rule_condition::stale_quality || is_good);
        if (value && concerns) read(rule, states_[rule.id], now, *value);
      }
      if (value) silent_since_ = now;
      if (is_good) good_since_ = now;
      newest_poor_ = is_good ? newest_poor_ : now;
    }
    for (const auto& rule : on_shift) let_pass(rule, states_[rule.id], now, raised);
    for (const auto id : raised) {
      states_[id].hushed_at_raise = hush(id);
      alerts_[id].push_back(as_it_stands(id));
    }
    std::erase_if(shelves_, [now](const auto& each) { return each.second.until <= now; });
    for (; next_order_ < orders_.size() && orders_[next_order_].at == now; ++next_order_) obey(orders_[next_order_]);
  }

  double worst_anomaly(const anomaly_filter& which, std::int64_t now) const {
    double worst = 0;
    for (const auto& each : anomalies_) {
      if (now >= each.closed) continue;
      modelled_anomaly::telling newest;
      for (const auto& telling : each.tellings)
        if (telling.at <= now) newest = telling;
      const bool counts =
          newest.score >= which.score && severity_of_score(newest.score) >= which.level &&
          (which.detectors == 0 || (which.detectors & (each.rule != 0 ? nelson_bit : detector_bit(newest.what))) != 0);
      if (counts) worst = std::max(worst, newest.score);
    }
    return worst;
  }

  void look(const alert_rule& rule, state& it, std::int64_t now) const {
    const double worst = worst_anomaly(rule.options.anomalies, now);
    const bool goes_on = it.raised >= 0 && !it.latched;
    if (worst > 0) it.newest_breach = worst;
    if (worst > 0 && goes_on) grow(rule, it, now, worst, true);
    if (!goes_on && worst == 0) it.breach_since = -1;
    if (!goes_on && worst > 0 && it.breach_since < 0) it.breach_since = now;
    if (goes_on && worst > 0) it.back_since = -1;
    if (goes_on && worst == 0 && it.back_since < 0) it.back_since = now;
  }

  void read(const alert_rule& rule, state& it, std::int64_t now, double value) const {
    const bool goes_on = it.raised >= 0 && !it.latched;
    if (it.silent && goes_on) grow(rule, it, now, static_cast<double>(now - silent_since(rule)) / 1e6, false);
    it.silent = false;
    const bool silence = is_of_silence(rule);
    const bool beyond = !silence && (rule.condition == rule_condition::greater_than ? value > rule.high : value < rule.low);
    const double margin = rule.options.deadband;
    const bool back =
        silence || (rule.condition == rule_condition::greater_than ? value <= rule.high - margin : value >= rule.low + margin);
    if (beyond) it.newest_breach = value;
    if (beyond && goes_on) grow(rule, it, now, value, true);
    it.newest.push_front(beyond);
    if (it.newest.size() > rule.options.of) it.newest.pop_back();
    const bool breaches = static_cast<std::uint32_t>(std::count(it.newest.begin(), it.newest.end(), true)) >= rule.options.count;
    if (it.raised < 0 || it.latched) {
      if (!breaches) it.breach_since = -1;
      if (breaches && it.breach_since < 0) it.breach_since = now;
    } else {
      if (breaches || !back) it.back_since = -1;
      if (!breaches && back && it.back_since < 0) it.back_since = now;
    }
  }

  void let_pass(const alert_rule& rule, state& it, std::int64_t now, std::vector<rule_id>& raised) {
    const auto silent_for = now - std::max(silent_since(rule), shift_begin(rule, now));
    const bool counts = rule.condition == rule_condition::no_data || newest_poor_ > good_since_;
    if (is_of_silence(rule) && counts && !it.silent && silent_for >= rule.options.silence_us) {
      it.silent = true;
      it.newest_breach = limit_of(rule);
      it.back_since = -1;
      if ((it.raised < 0 || it.latched) && it.breach_since < 0) it.breach_since = now;
    }
    if ((it.raised < 0 || it.latched) && it.breach_since >= 0 && now - it.breach_since >= rule.options.on_delay_us) {
      if (it.latched) end(rule.id, it, now);
      it.raised = now;
      it.peak = it.told = {it.newest_breach, std::abs(it.newest_breach - limit_of(rule)), now};
      it.breach_since = it.back_since = -1;
      it.latched = it.acknowledged = false;
      raised.push_back(rule.id);
    } else if (it.raised >= 0 && !it.latched && it.back_since >= 0 && now - it.back_since >= rule.options.off_delay_us) {
      it.back_since = -1;
      if (rule.options.latch)
        it.latched = true;
      else
        end(rule.id, it, now);
    }
  }

  void end(rule_id id, state& it, std::int64_t now) {
    auto& alert = alerts_[id].back();
    alert.ended = now;
    alert.latched = false;
    alert.hushed_at_raise = it.hushed_at_raise;
    alert.hushed.clear();
    alert.peak = it.peak.value;
    alert.peak_at = it.peak.at;
    it.raised = -1;
    it.latched = false;
    if (const auto on = shelves_.find(id); on != shelves_.end() && on->second.once) shelves_.erase(on);
  }

  void obey(const placed_order& what) {
    using enum limit_order::action;
    if (what.is_machine) {
      machine_stopped_ = what.machine_stops;
      return;
    }
    const auto id = what.order.alert.rule;
    auto& it = states_[id];
    const bool is_this = it.raised == what.order.alert.event_time_us;
    switch (what.order.what) {
      case acknowledge: it.acknowledged = it.acknowledged || is_this; break;
      case reset:
        if (is_this && it.latched && it.acknowledged) end(id, it, what.at);
        break;
      case shelve: shelves_[id] = {what.order.until_us, what.order.once}; break;
      case unshelve: shelves_.erase(id); break;
      case take_out: out_of_service_[id] = true; break;
      case put_back: out_of_service_.erase(id); break;
    }
  }

  std::vector<alert_rule> rules_;
  std::map<std::int64_t, modelled_reading> readings_;
  std::vector<modelled_anomaly> anomalies_;
  std::vector<placed_order> orders_;
  std::size_t next_order_ = 0;
  std::map<rule_id, state> states_;
  std::map<rule_id, shelf_on> shelves_;
  std::map<rule_id, bool> out_of_service_;
  bool machine_stopped_ = false;
  std::int64_t silent_since_ = 0, good_since_ = 0, newest_poor_ = -1;
  std::map<rule_id, std::vector<modelled_alert>> alerts_;
};

}  // namespace factory::test
