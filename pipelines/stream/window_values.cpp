#include "pipelines/stream/window_values.hpp"

#include <algorithm>

#include "pipelines/model/coding.hpp"

namespace factory {

namespace {

void put_summary(std::string& out, const summary& it) {
  put_varint(out, it.count);
  for (const double each : {it.min, it.max, it.sum, it.sum_error, it.m2, it.first, it.last}) put_double(out, each);
  put_zigzag(out, it.first_us);
  put_zigzag(out, it.last_us);
}
bool get_summary(std::string_view& in, summary& it) {
  if (!get_varint(in, it.count)) return false;
  for (double* const each : {&it.min, &it.max, &it.sum, &it.sum_error, &it.m2, &it.first, &it.last})
    if (!get_double(in, *each)) return false;
  return get_zigzag(in, it.first_us) && get_zigzag(in, it.last_us);
}

}  // namespace

void window_values::add(std::int64_t time_us, double value) {
  const bool has_before = newest_.time_us != INT64_MIN;
  if (has_before) {
    integral_ += held() * seconds_of(time_us - std::max(newest_.time_us, begin_us_));
    if (value != newest_.value) ++changes_;
  }
  if (kind_ == aggregate_kind::slope) {
    const auto t = seconds_of(time_us - begin_us_);
    sum_t_ += t;
    sum_tt_ += t * t;
    sum_tv_ += t * value;
  }
  if (is_quantile(kind_)) quantiles_.add(value);
  values_.add(time_us, value);
  newest_ = {time_us, value};
}

/// Least squares, per second; 0 for rows of one time.
double window_values::slope() const {
  const auto n = static_cast<double>(values_.count);
  const auto spread = n * sum_tt_ - sum_t_ * sum_t_;
  return spread > 0 ? (n * sum_tv_ - sum_t_ * values_.total()) / spread : 0;
}

/// What holds since the newest row.
double window_values::held() const {
  if (kind_ == aggregate_kind::time_in_state) return newest_.value != 0 ? 1 : 0;
  return newest_.value;
}

double window_values::at_end(std::int64_t end_us, double quantile) const {
  switch (kind_) {
    case aggregate_kind::count: return static_cast<double>(values_.count);
    case aggregate_kind::sum: return values_.total();
    case aggregate_kind::mean: return values_.mean();
    case aggregate_kind::std: return values_.std_dev();
    case aggregate_kind::min: return values_.min;
    case aggregate_kind::max: return values_.max;
    case aggregate_kind::first: return values_.first;
    case aggregate_kind::last: return values_.last;
    case aggregate_kind::median: return quantiles_.quantile(0.5);
    case aggregate_kind::p90: return quantiles_.quantile(0.9);
    case aggregate_kind::p95: return quantiles_.quantile(0.95);
    case aggregate_kind::p99: return quantiles_.quantile(0.99);
    case aggregate_kind::quantile: return quantiles_.quantile(quantile);
    case aggregate_kind::time_in_state:
    case aggregate_kind::integral: return integral_ + held() * seconds_of(end_us - newest_.time_us);
    case aggregate_kind::duration: return seconds_of(end_us - begin_us_);
    case aggregate_kind::slope: return slope();
    case aggregate_kind::rate: {
      const auto span = seconds_of(values_.last_us - values_.first_us);
      return span > 0 ? (values_.last - values_.first) / span : 0;
    }
    case aggregate_kind::changes: return static_cast<double>(changes_);
  }
  return 0;
}

void window_values::encode(std::string& out) const {
  put_byte(out, static_cast<std::uint8_t>(kind_));
  put_zigzag(out, begin_us_);
  put_zigzag(out, newest_.time_us);
  put_double(out, newest_.value);
  put_summary(out, values_);
  for (const double each : {integral_, sum_t_, sum_tt_, sum_tv_}) put_double(out, each);
  put_varint(out, changes_);
  quantiles_.encode(out);
}

bool window_values::decode(std::string_view& in) {
  std::uint8_t kind = 0;
  if (!get_byte(in, kind) || kind > static_cast<std::uint8_t>(last_aggregate_kind) || !get_zigzag(in, begin_us_) ||
      !get_zigzag(in, newest_.time_us) || !get_double(in, newest_.value) || !get_summary(in, values_))
    return false;
  kind_ = static_cast<aggregate_kind>(kind);
  for (double* const each : {&integral_, &sum_t_, &sum_tt_, &sum_tv_})
    if (!get_double(in, *each)) return false;
  return get_varint(in, changes_) && quantiles_.decode(in);
}

}  // namespace factory
