#include "pipelines/judge/z_score_watch.hpp"

#include <cmath>

#include "pipelines/detect/z_score.hpp"

namespace factory {

namespace {

/// The reading of `row` against the `window` before it.
void judge_row(sensor_id sensor, const recent_rows& rows, std::size_t row, std::size_t window, double threshold,
               std::int64_t received_at_us, std::vector<event>& out) {
  const auto stats = describe(rows.values().subspan(row - window, window));
  const auto value = rows.values()[row];
  const auto z = z_score(value, stats);
  if (!z || std::abs(*z) <= threshold) return;
  event anomaly;
  anomaly.at_us = rows.times_us()[row];
  anomaly.key = {sensor, anomaly.at_us, event_source::z_score, 0, event_kind::anomaly};
  anomaly.recorded_at_us = received_at_us;
  anomaly.value = value;
  anomaly.level = z_severity(*z);
  anomaly.detail = z_score_detail{*z, stats.mean, stats.std_dev, threshold};
  out.push_back(std::move(anomaly));
}

}  // namespace

void z_score_watch::observe(sensor_id sensor, const recent_rows& rows, std::size_t begin, std::size_t end,
                            const z_score_rules& rules, std::int64_t received_at_us, std::vector<event>& out) {
  const auto values = rows.values();
  for (auto row = begin; row < end; ++row) {
    if (sums_.count() == looks_back && end - row > 1) row = sums_.join_near(values.data(), row, end, looks_back, rules.threshold);
    if (row == end) break;
    if (sums_.count() >= rules.min_readings && sums_.may_exceed(values[row], rules.threshold))
      judge_row(sensor, rows, row, sums_.count(), rules.threshold, received_at_us, out);
    sums_.join(&values[row], looks_back);
  }
}

}  // namespace factory
