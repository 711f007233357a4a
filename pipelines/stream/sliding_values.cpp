#include "pipelines/stream/sliding_values.hpp"

#include <algorithm>
#include <cmath>

namespace factory {

namespace {

constexpr double largest = 0x1p480, smallest = 0x1p-400, largest_time = 0x1p53;

struct two_parts {
  double high, low;
};

/// Dekker's product: high + low is exactly a * b.
two_parts product(double a, double b) {
  constexpr double split = 134'217'729;  // 2^27 + 1
  const auto parts = [](double of) {
    const double scaled = of * split;
    const double upper = scaled - (scaled - of);
    return two_parts{upper, of - upper};
  };
  const auto x = parts(a), y = parts(b);
  const double high = a * b;
  return {high, ((x.high * y.high - high) + x.high * y.low + x.low * y.high) + x.low * y.low};
}

/// Doubles whose sum is exactly that sum, the largest first: two of them nearly always.
std::vector<double> parts_of(exact_sum sum) {
  std::vector<double> parts;
  for (double part = sum.value(); part != 0; part = sum.value()) {
    parts.push_back(part);
    sum.take_away(part);
  }
  return parts;
}

bool is_held(aggregate_kind kind) { return kind == aggregate_kind::integral || kind == aggregate_kind::time_in_state; }
bool is_beyond(double value) {
  const double magnitude = std::abs(value);
  return magnitude > largest || (magnitude < smallest && value != 0);
}

/// What an aggregate that holds values takes over a span: value times seconds, or seconds.
double held_over(aggregate_kind kind, const sliding_values::row& from, std::int64_t since_us, std::int64_t until_us) {
  const double held = kind == aggregate_kind::integral ? from.value : from.value != 0 ? 1 : 0;
  return held * seconds_of(until_us - since_us);
}

}  // namespace

void sliding_values::join(aggregate_kind kind, const row& newest) {
  if (!rows_.empty()) count_step(kind, rows_.back(), newest, true);
  rows_.push_back(newest);
  count_row(kind, newest, true);
  if (kind == aggregate_kind::min || kind == aggregate_kind::max) {
    const bool lowest = kind == aggregate_kind::min;
    while (!extremes_.empty() && (lowest ? extremes_.back().value >= newest.value : extremes_.back().value <= newest.value))
      extremes_.pop_back();
    extremes_.push_back(newest);
  }
  if (is_quantile(kind)) quantiles_.add(newest.value);
}

void sliding_values::leave(aggregate_kind kind) {
  const auto oldest = rows_.front();
  rows_.pop_front();
  if (!rows_.empty()) count_step(kind, oldest, rows_.front(), false);
  count_row(kind, oldest, false);
  if (!extremes_.empty() && extremes_.front().time_us == oldest.time_us) extremes_.pop_front();
  if (!is_quantile(kind) || quantiles_.take_away(oldest.value)) return;
  quantiles_ = {};
  for (const auto& each : rows_) quantiles_.add(each.value);
}

/// A row comes or goes.
void sliding_values::count_row(aggregate_kind kind, const row& it, bool joins) {
  const bool is_slope = kind == aggregate_kind::slope, is_std = kind == aggregate_kind::std;
  if (!is_slope && !is_std && kind != aggregate_kind::sum && kind != aggregate_kind::mean) return;
  if (sums_.empty()) sums_.resize(is_slope || is_std ? 2 : 1);
  const auto time = static_cast<double>(it.time_us);
  if (is_beyond(it.value) || (is_slope && std::abs(time) > largest_time)) {
    beyond_ += joins ? 1 : std::size_t{0} - 1;
    return;
  }
  joins ? sums_[0].add(it.value) : sums_[0].take_away(it.value);
  if (is_std) joins ? sums_[1].add_square(it.value) : sums_[1].take_square_away(it.value);
  if (!is_slope) return;
  const auto [high, low] = product(it.value, time);
  for (const double part : {high, low}) joins ? sums_[1].add(part) : sums_[1].take_away(part);
  const auto time_us = static_cast<wide_integer>(it.time_us);
  times_ += joins ? time_us : wide_integer{0} - time_us;
  squared_times_ += joins ? time_us * time_us : wide_integer{0} - time_us * time_us;
}

/// What is between two rows comes or goes.
void sliding_values::count_step(aggregate_kind kind, const row& from, const row& to, bool joins) {
  if (from.value != to.value) changes_ += joins ? 1 : std::size_t{0} - 1;
  if (!is_held(kind)) return;
  if (sums_.empty()) sums_.resize(1);
  const double held = held_over(kind, from, from.time_us, to.time_us);
  if (!std::isfinite(held))
    beyond_ += joins ? 1 : std::size_t{0} - 1;
  else
    joins ? sums_[0].add(held) : sums_[0].take_away(held);
}

/// From the exact sums: n * sum of squares - square of the sum, which is n times the sum of squared deviations, is exact too.
double sliding_values::std_dev() const {
  if (rows_.size() < 2 || changes_ == 0) return 0;
  const auto n = static_cast<double>(rows_.size());
  exact_sum deviations;
  for (const double part : parts_of(sums_[1])) {
    const auto [high, low] = product(part, n);
    deviations.add(high);
    deviations.add(low);
  }
  const auto total = parts_of(sums_[0]);
  for (const double a : total)
    for (const double b : total) {
      const auto [high, low] = product(a, b);
      deviations.take_away(high);
      deviations.take_away(low);
    }
  return std::sqrt(std::max(0.0, deviations.value()) / n / (n - 1));
}

/// Least squares, per second: (n * sum of t v - sum of t * sum of v) / (n * sum of t t - square of the sum of t). Both differences are exact
/// and do not depend on where time begins; what goes round in the second one's terms is gone in it, since it is below 2^110.
double sliding_values::slope() const {
  const wide_integer n = rows_.size();
  const auto spread = static_cast<double>(n * squared_times_ - times_ * times_);
  if (spread == 0) return 0;
  exact_sum common;
  for (const double part : parts_of(sums_[1])) {
    const auto [high, low] = product(part, static_cast<double>(rows_.size()));
    common.add(high);
    common.add(low);
  }
  const bool is_negative = times_ >> 127U != 0;
  const auto size = is_negative ? wide_integer{0} - times_ : times_;
  const auto upper = static_cast<double>(size);
  const auto rest = static_cast<double>(static_cast<std::int64_t>(size - static_cast<wide_integer>(upper)));
  for (const double a : parts_of(sums_[0]))
    for (const double b : {upper, rest}) {
      const auto [high, low] = product(a, is_negative ? -b : b);
      common.take_away(high);
      common.take_away(low);
    }
  return common.value() / spread * 1e6;
}

double sliding_values::aggregate(aggregate_kind kind, double quantile, std::int64_t begin_us, const row& before) const {
  const auto &oldest = rows_.front(), &newest = rows_.back();
  const auto n = static_cast<double>(rows_.size());
  const bool has_before = before.time_us != INT64_MIN;
  if (beyond_ == 0) switch (kind) {
      case aggregate_kind::count: return n;
      case aggregate_kind::sum: return sums_[0].value();
      case aggregate_kind::mean: return sums_[0].value() / n;
      case aggregate_kind::std: return std_dev();
      case aggregate_kind::min:
      case aggregate_kind::max: return extremes_.front().value;
      case aggregate_kind::first: return oldest.value;
      case aggregate_kind::last: return newest.value;
      case aggregate_kind::changes: return static_cast<double>(changes_) + (has_before && before.value != oldest.value ? 1 : 0);
      case aggregate_kind::integral:
      case aggregate_kind::time_in_state: {
        auto held = sums_.empty() ? exact_sum() : sums_[0];
        if (!has_before) return held.value();
        const double until_oldest = held_over(kind, before, std::max(before.time_us, begin_us), oldest.time_us);
        if (!std::isfinite(until_oldest)) return until_oldest;
        held.add(until_oldest);
        return held.value();
      }
      case aggregate_kind::median: return quantiles_.quantile(0.5);
      case aggregate_kind::p90: return quantiles_.quantile(0.9);
      case aggregate_kind::p95: return quantiles_.quantile(0.95);
      case aggregate_kind::p99: return quantiles_.quantile(0.99);
      case aggregate_kind::quantile: return quantiles_.quantile(quantile);
      case aggregate_kind::duration: return seconds_of(newest.time_us - begin_us);
      case aggregate_kind::rate: {
        const double span = seconds_of(newest.time_us - oldest.time_us);
        return span > 0 ? (newest.value - oldest.value) / span : 0;
      }
      case aggregate_kind::slope: return slope();
    }
  return from_all_rows(kind, quantile, begin_us, before);
}

double sliding_values::from_all_rows(aggregate_kind kind, double quantile, std::int64_t begin_us, const row& before) const {
  window_values values(kind, begin_us, before);
  for (const auto& each : rows_) values.add(each.time_us, each.value);
  return values.at_end(rows_.back().time_us, quantile);
}

}  // namespace factory
