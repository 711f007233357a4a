#include "pipelines/machine/machine_detector.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace factory {
namespace {

constexpr double smoothing = 0.2;           ///< a row
constexpr double quick_rate = 0.05;         ///< of the levels behind a state, a row
constexpr double least_variance = 0.05;     ///< of a component: what varied less while calm is not known better than this
constexpr std::uint32_t closes_after = 10;  ///< rows
constexpr double gone_below = 0.5;          ///< times the usual score of the state
constexpr double usual_on_rate = 0.01;
constexpr std::uint32_t settles_within = 60;  ///< rows
constexpr double followed_z = 3;              ///< at most: a far reading moves the level no further
constexpr double span_margin = 1.2;           ///< times the usual maximum of a span ...
constexpr double span_deviations = 3;         ///< ... and so many times what these differ by
constexpr double slowest_span_rate = 0.1;
constexpr double z_most = 30;
constexpr double just_below = 0.999;  ///< the boundary: a score behind a state, while the levels settle
constexpr double largest_reading = 1e30;
constexpr std::uint32_t rows_a_chunk = 50;
constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
constexpr double none_yet = std::numeric_limits<double>::infinity();

}  // namespace

machine_detector::machine_detector(std::size_t sensors)
    : sensors_(std::min(sensors, most_sensors)), level_(sensors_), smooth_(sensors_, none_yet) {}

/// A span is over: its maximum joins the usual one. One beyond the limit counts only as the limit, once there is one.
void machine_detector::usual_maximum::end_span(std::uint32_t spans) {
  const double maximum = spans == 0 ? now : std::min(now, limit);
  const double rate = std::max(1.0 / (spans + 1.0), slowest_span_rate);
  if (spans > 0) deviation += rate * (std::abs(maximum - mean) - deviation);
  mean += rate * (maximum - mean);
  limit = std::max(span_margin * mean + span_deviations * deviation, 1e-3);
  now = 0;
}

void machine_detector::learn_limits(std::int64_t time_us, const statistics& now, const machine_settings& how) {
  if (how.learn_us == 0) return;
  t2_.take(now.t2);
  q_.take(now.q);
  if (time_us - span_since_us_ < how.learn_us) return;
  span_since_us_ = time_us;
  t2_.end_span(spans_);
  q_.end_span(spans_);
  ++spans_;
  speaks_ = true;
}

machine_detector::rows machine_detector::kept_rows() const {
  rows all;
  for (const chunk& each : kept_) all.insert(all.end(), each.read().begin(), each.read().end());
  return all;
}

/// Every second of the kept rows goes; from now on one in twice as many rows is kept.
void machine_detector::halve() {
  const auto all = kept_rows();
  kept_.clear();
  kept_count_ = 0;
  for (std::size_t row = 0; row < all.size() / sensors_; row += 2) {
    if (kept_count_++ % rows_a_chunk == 0) kept_.emplace_back();
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(row * sensors_);
    auto& to = kept_.back().change();
    to.insert(to.end(), begin, begin + static_cast<std::ptrdiff_t>(sensors_));
  }
  stride_ *= 2;
  skipped_ = 0;
}

void machine_detector::learn_anew() {
  kept_.clear();
  model_ = {};
  z_.clear();
  smooth_.assign(sensors_, none_yet);
  speaks_ = false;
  spans_ = 0;
  learned_ = 0;
  first_us_ = INT64_MIN;
  stride_ = 1;
  skipped_ = kept_count_ = 0;
}

void machine_detector::learn(std::int64_t time_us, std::span<const double> values, const machine_settings& how) {
  if (first_us_ == INT64_MIN) first_us_ = time_us;
  smooth(values);
  ++learned_;
  if (++skipped_ < stride_) return;
  skipped_ = 0;
  if (kept_count_++ % rows_a_chunk == 0) kept_.emplace_back();
  auto& to = kept_.back().change();
  for (std::size_t s = 0; s < sensors_; ++s) to.push_back(static_cast<float>(std::isnan(values[s]) ? unknown : smooth_[s]));
  if (learned_ >= learn_rows && time_us - first_us_ >= how.learn_us && fit()) {
    kept_.clear();
    kept_count_ = 0;
    speaks_ = how.learn_us == 0;
    span_since_us_ = time_us;
    if (!speaks_) t2_ = q_ = {};
  } else if (kept_count_ == learn_rows) {
    halve();
  }
}

void machine_detector::smooth(std::span<const double> values) {
  for (std::size_t s = 0; s < sensors_; ++s) {
    if (std::isnan(values[s])) continue;
    const double value = std::clamp(values[s], -largest_reading, largest_reading);
    smooth_[s] = smooth_[s] == none_yet ? value : smooth_[s] + smoothing * (value - smooth_[s]);
  }
}

/// Of a sensor without a value stands what the others let expect of it, so that it adds nothing to Q.
void machine_detector::smooth(const model& by, std::span<const double> values) {
  const auto judged = by.judged.size();
  bool all_known = true;
  for (std::size_t i = 0; i < judged; ++i) {
    const auto s = by.judged[i];
    if (std::isnan(values[s])) {
      all_known = false;
      continue;
    }
    const double value = std::clamp(values[s], level_[s] - z_most * by.scale[s], level_[s] + z_most * by.scale[s]);
    smooth_[s] += smoothing * (value - smooth_[s]);
    z_[i] = (smooth_[s] - level_[s]) / by.scale[s];
  }
  if (all_known) return;
  std::vector<double> scores(by.components);
  for (std::size_t c = 0; c < by.components; ++c)
    for (std::size_t i = 0; i < judged; ++i) scores[c] += by.vectors[c * judged + i] * z_[i];
  for (std::size_t i = 0; i < judged; ++i) {
    const auto s = by.judged[i];
    if (!std::isnan(values[s])) continue;
    z_[i] = 0;
    for (std::size_t c = 0; c < by.components; ++c) z_[i] += by.vectors[c * judged + i] * scores[c];
    smooth_[s] = level_[s] + z_[i] * by.scale[s];
  }
}

machine_detector::statistics machine_detector::judge(const model& by, std::span<const double> z) {
  statistics out;
  const auto judged = by.judged.size();
  for (std::size_t c = 0; c < judged; ++c) {
    double score = 0;
    for (std::size_t i = 0; i < judged; ++i) score += by.vectors[c * judged + i] * z[i];
    if (c < by.components)
      out.t2 += score * score / std::max(by.variances[c], least_variance);
    else
      out.q += score * score;
  }
  return {std::sqrt(out.t2), std::sqrt(out.q)};
}

void machine_detector::observe(std::int64_t time_us, std::span<const double> values, const machine_settings& how,
                               std::vector<episode_change>& out) {
  newest_score_ = 0;
  if (sensors_ == 0) return;
  if (!is_fitted()) return learn(time_us, values, how);
  const model& by = model_.read();
  smooth(by, values);
  const auto now = judge(by, z_);
  learn_limits(time_us, now, how);
  ++learned_;
  if (speaks_) keep_state(time_us, how.sensitivity * std::max(now.t2 / t2_.limit, now.q / q_.limit), out);
  if (is_fitted()) follow(by, values);
}

/// Judge first, then learn. Calm, each level follows; in a state, only those of sensors that add less than an even share to the score.
void machine_detector::follow(const model& by, std::span<const double> values) {
  const auto share = on_ ? shares(by) : std::vector<double>(by.judged.size(), 0.0);
  const double even = 1 / static_cast<double>(by.judged.size());
  for (std::size_t i = 0; i < by.judged.size(); ++i) {
    const auto s = by.judged[i];
    if (std::isnan(values[s]) || share[i] >= even) continue;
    level_[s] += settling_ > 0 ? quick_rate * (smooth_[s] - level_[s])
                               : by.rate[s] * by.scale[s] * std::clamp(z_[i], -followed_z, followed_z);
  }
}

/// Whether a state that lasts goes on.
bool machine_detector::stays_on(double score) {
  usual_on_ += usual_on_rate * (score - usual_on_);
  below_ = score < closes_below ? below_ + 1 : 0;
  far_below_ = score < gone_below * usual_on_ ? far_below_ + 1 : 0;
  if (far_below_ >= closes_after && below_ == 0) settling_ = settles_within;
  return below_ < closes_after && far_below_ < closes_after;
}

void machine_detector::keep_state(std::int64_t time_us, double score, std::vector<episode_change>& out) {
  const bool was_on = on_;
  if (settling_ > 0) settling_ = score < closes_below ? 0 : settling_ - 1;
  on_ = on_ ? stays_on(score) : settling_ == 0 && score >= 1;
  if (on_ && !was_on) {
    usual_on_ = score;
    below_ = far_below_ = 0;
    on_since_us_ = time_us;
  }
  newest_score_ = on_ ? std::max(score, 1.0) : std::min(score, just_below);
  verdict_list said;
  if (on_) said.add({detector::machine, newest_score_, 0, 0, 1, time_us, 0});
  episodes_.take(time_us, score, said, out);
  if (was_on && !on_) episodes_.close(detector::machine, time_us, episode::ending::passed, out);
  on_rows_ = on_ ? on_rows_ + 1 : 0;
  if (on_rows_ < learned_after_rows || time_us - on_since_us_ < learned_after_us) return;
  episodes_.close(detector::machine, time_us, episode::ending::learned, out);
  on_ = false;
  on_rows_ = 0;
  learn_anew();
}

/// Of the judged sensors.
std::vector<double> machine_detector::shares(const model& by) const {
  const auto judged = by.judged.size();
  const auto now = judge(by, z_);
  const bool by_q = now.q / q_.limit > now.t2 / t2_.limit;
  std::vector<double> share(judged);
  for (std::size_t c = by_q ? by.components : 0; c < (by_q ? judged : by.components); ++c) {
    double score = 0;
    for (std::size_t i = 0; i < judged; ++i) score += by.vectors[c * judged + i] * z_[i];
    const double weight = by_q ? 1 : 1 / std::max(by.variances[c], least_variance);
    for (std::size_t i = 0; i < judged; ++i) share[i] += weight * score * by.vectors[c * judged + i] * z_[i];
  }
  double total = 0;
  for (double& each : share) total += each = std::max(each, 0.0);
  for (double& each : share) each = total > 0 ? each / total : 0;
  return share;
}

std::vector<double> machine_detector::contributions() const {
  if (!warm()) return {};
  const model& by = model_.read();
  const auto share = shares(by);
  std::vector<double> out(sensors_);
  for (std::size_t i = 0; i < share.size(); ++i) out[by.judged[i]] = share[i];
  return out;
}

machine_detector::distances machine_detector::newest_distances() const {
  if (!is_fitted()) return {};
  const auto now = judge(model_.read(), z_);
  return {now.t2, t2_.limit, now.q, q_.limit};
}

}  // namespace factory
