#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "pipelines/spec/pipeline_spec.hpp"
#include "pipelines/stats/statistics.hpp"
#include "pipelines/stream/quantile_sketch.hpp"

namespace factory {

constexpr double seconds_of(std::int64_t span_us) { return static_cast<double>(span_us) / 1e6; }
constexpr bool is_quantile(aggregate_kind kind) {
  return kind == aggregate_kind::median || kind == aggregate_kind::p90 || kind == aggregate_kind::p95 ||
         kind == aggregate_kind::p99 || kind == aggregate_kind::quantile;
}

/// What is kept of the rows of one window, so that its aggregate can be told at its end. Rows come in event-time order.
class window_values {
 public:
  /// The rows before the window, as far as they matter: the newest one.
  struct row {
    std::int64_t time_us = INT64_MIN;  ///< INT64_MIN: none
    double value = 0;
  };

  window_values() = default;
  window_values(aggregate_kind kind, std::int64_t begin_us, const row& before)
      : kind_(kind), begin_us_(begin_us), newest_(before) {}

  void add(std::int64_t time_us, double value);
  /// The aggregate of the rows up to the end of the window. REQUIRES: a row was added.
  double at_end(std::int64_t end_us, double quantile) const;
  /// The newest row, also of before the window.
  const row& newest() const { return newest_; }
  std::int64_t begin_us() const { return begin_us_; }
  std::uint64_t count() const { return values_.count; }

  void encode(std::string& out) const;  ///< appended
  bool decode(std::string_view& in);

 private:
  double slope() const;
  double held() const;

  aggregate_kind kind_{};
  std::int64_t begin_us_ = 0;
  row newest_;
  summary values_;
  double integral_ = 0;                         ///< value (or 1 while it is not 0) times seconds; each holds until the next row
  double sum_t_ = 0, sum_tt_ = 0, sum_tv_ = 0;  ///< seconds since the begin of the window
  std::uint64_t changes_ = 0;
  quantile_sketch quantiles_;
};

}  // namespace factory
