#include "pipelines/backtest/rule_preview.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <utility>

#include "pipelines/alarm/alarm.hpp"

namespace factory {

namespace {

constexpr std::array margins{0.1, 0.3, 0.6};  ///< beyond the usual band, in widths of it
constexpr double deadband_share = 0.08;       ///< of the width

/// The figures of one rule of a board, from its events in their order.
class fired_so_far {
 public:
  void take(const event& said, std::vector<firing>* first) {
    if (role_of(said.key.kind) == event_role::states) {
      open_ = firing{said.key.sensor, said.key.source, said.key.rule, said.at_us, said.at_us, true};
    } else if (role_of(said.key.kind) == event_role::ends && open_) {
      open_->open = false;
      close(said.at_us, first);
    }
  }
  void finish(std::int64_t until_us, std::vector<firing>* first) {
    if (open_) close(until_us, first);
  }
  firing_figures figures;

 private:
  void close(std::int64_t at_us, std::vector<firing>* first) {
    open_->end_us = std::max(open_->begin_us, at_us);
    add(figures, *open_);
    if (first != nullptr && first->size() < limits::preview_firings) first->push_back(*open_);
    open_.reset();
  }
  std::optional<firing> open_;
};

/// Two digits that count: 77.9 of a band of 13 becomes 78.
double rounded(double value, double width) {
  if (width <= 0) return value;
  const double unit = std::pow(10.0, std::floor(std::log10(width)) - 1);
  const double whole = std::round(value / unit);
  return unit < 1 ? whole / std::round(1 / unit) : whole * unit;
}

std::optional<rule_preview::band> usual_band(const reading_run& rows) {
  if (rows.empty()) return std::nullopt;
  auto values = rows.value;
  const auto [min, max] = std::ranges::minmax_element(values);
  rule_preview::band out{0, 0, *min, *max};
  const auto at = [&](double share) {
    const auto place = values.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
    std::ranges::nth_element(values, place);
    return *place;
  };
  out.low = at((1 - usual_share) / 2);
  out.high = at(1 - (1 - usual_share) / 2);
  return out;
}

bool compares_the_reading(rule_condition c) {
  return c == rule_condition::greater_than || c == rule_condition::less_than || c == rule_condition::out_of_range;
}

/// Rules to be tried beside the drafted one, which has id 1.
std::vector<alert_rule> other_limits(const alert_rule& rule, const rule_preview::band& usual) {
  std::vector<alert_rule> out;
  const double width = usual.high - usual.low;
  if (!compares_the_reading(rule.condition) || width <= 0) return out;
  for (const double margin : margins) {
    auto& other = out.emplace_back(rule);
    other.id = static_cast<rule_id>(2 + out.size());
    if (uses_high(rule.condition)) other.high = rounded(usual.high + margin * width, width);
    if (uses_low(rule.condition)) other.low = rounded(usual.low - margin * width, width);
    other.options.deadband = rounded(deadband_share * width, width / 10);
  }
  return out;
}

std::string shortest(double value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::general, 6).ptr;
  return {text.data(), end};
}

std::string times(std::uint64_t count) { return count == 1 ? "once" : std::to_string(count) + " times"; }

std::string sentence(const rule_preview& of) {
  if (!of.usual) return "There are no readings in this range.";
  std::string out = "99.9 % of readings lie in " + shortest(of.usual->low) + " to " + shortest(of.usual->high) +
                    "; as drafted it would have fired " + times(of.fired.count);
  if (of.proposals.empty()) return out;
  const auto& shown = of.proposals[of.proposals.size() / 2];
  out += "; with ";
  if (shown.low) out += shortest(*shown.low);
  if (shown.low && shown.high) out += " and ";
  if (shown.high) out += shortest(*shown.high);
  return out + " and a deadband of " + shortest(shown.deadband) + " " + times(shown.fired.count);
}

}  // namespace

rule_preview preview_rule(const alert_rule& rule, sensor_id sensor, const reading_run& rows, std::int64_t until_us) {
  rule_preview out;
  out.readings = rows.size();
  out.usual = usual_band(rows);
  sensor_config config{sensor, {}, {}};
  auto drafted = rule;
  drafted.id = 1;
  const auto others = out.usual ? other_limits(drafted, *out.usual) : std::vector<alert_rule>();
  config.rules.emplace_back(drafted);
  for (const auto& each : others) config.rules.emplace_back(each);

  std::map<rule_id, fired_so_far> fired;
  std::vector<event> said;
  const auto take = [&] {
    for (const auto& each : said) fired[each.key.rule].take(each, each.key.rule == drafted.id ? &out.first : nullptr);
    said.clear();
  };
  alarm_board board;
  const auto begin_us = rows.empty() ? until_us : rows.event_time_us.front();
  board.configure(config, INT64_MIN, begin_us, begin_us, said);
  for (std::size_t row = 0; row < rows.size(); ++row) {
    board.observe(rows.event_time_us[row], rows.value[row], rows.event_time_us[row], said);
    if (!said.empty()) take();
  }
  board.advance(until_us, until_us, said);
  take();
  const auto end_us = rows.empty() ? until_us : std::max(until_us, rows.event_time_us.back());
  for (auto& [id, each] : fired) each.finish(end_us, id == drafted.id ? &out.first : nullptr);

  out.fired = fired[drafted.id].figures;
  for (const auto& each : others)
    out.proposals.push_back({uses_low(each.condition) ? std::optional(each.low) : std::nullopt,
                             uses_high(each.condition) ? std::optional(each.high) : std::nullopt, each.options.deadband,
                             fired[each.id].figures});
  out.text = sentence(out);
  return out;
}

}  // namespace factory
