#include "pipelines/detect/machine.hpp"

#include <algorithm>
#include <cmath>

#include "pipelines/detect/state_fields.hpp"
#include "pipelines/detect/symmetric_eigen.hpp"

namespace factory {
namespace {

constexpr std::uint8_t encoding_version = 1;
constexpr double smoothing = 0.2;           ///< of z, a row
constexpr double variance_explained = 0.9;  ///< by the components of T2
constexpr double least_variance = 0.05;     ///< of a component: what varied less while calm is not known better than this
constexpr double slow_rate = 0.003;         ///< of the mean, a calm row
constexpr double limit_margin = 2.0;        ///< times the largest of the calm rows, as an amplitude
constexpr std::uint32_t closes_after = 10;  ///< rows
constexpr double z_most = 30;
constexpr double largest = 1e30;

}  // namespace

machine_detector::machine_detector(std::size_t sensors)
    : sensors_(std::min(sensors, most_sensors)), mean_(sensors_), scale_(sensors_, 1.0), smooth_(sensors_) {}

/// Mean, and a scale that holds what the sensor wandered while it was calm: one that rose by three deviations will rise further.
void machine_detector::fit_scales(std::span<const float> rows) {
  const double n = static_cast<double>(rows.size() / sensors_);
  for (std::size_t s = 0; s < sensors_; ++s) {
    double sum = 0, moment = 0;
    for (std::size_t i = s, row = 0; i < rows.size(); i += sensors_, ++row) {
      sum += rows[i];
      moment += (static_cast<double>(row) - (n - 1) / 2) * rows[i];
    }
    const double mean = sum / n, slope = moment * 12 / (n * (n * n - 1));
    double squares = 0;
    for (std::size_t i = s, row = 0; i < rows.size(); i += sensors_, ++row) {
      const double off = rows[i] - mean - slope * (static_cast<double>(row) - (n - 1) / 2);
      squares += off * off;
    }
    const double wander = slope * n;
    const double scale = std::sqrt(squares / (n - 1) + wander * wander);
    scale_[s] = std::max(scale, 1e-6 * std::abs(mean) + 1e-12);
    mean_[s] = mean;
  }
}

void machine_detector::fit_components(std::span<const float> rows) {
  std::vector<double> correlation(sensors_ * sensors_);
  std::vector<double> z(sensors_);
  const std::size_t n = rows.size() / sensors_;
  for (std::size_t row = 0; row < n; ++row) {
    for (std::size_t s = 0; s < sensors_; ++s) z[s] = (rows[row * sensors_ + s] - mean_[s]) / scale_[s];
    for (std::size_t a = 0; a < sensors_; ++a)
      for (std::size_t b = 0; b <= a; ++b) correlation[a * sensors_ + b] += z[a] * z[b] / static_cast<double>(n);
  }
  for (std::size_t a = 0; a < sensors_; ++a)
    for (std::size_t b = 0; b < a; ++b) correlation[b * sensors_ + a] = correlation[a * sensors_ + b];
  decompose_symmetric(correlation, sensors_, variances_, vectors_);
  double total = 0, explained = 0;
  for (const double each : variances_) total += each;
  components_ = 0;
  while (components_ < sensors_ && explained < variance_explained * total) explained += variances_[components_++];
}

void machine_detector::fit_limits(std::span<const float> rows) {
  double t2 = 0, q = 0;
  std::vector<double> values(sensors_);
  std::fill(smooth_.begin(), smooth_.end(), 0.0);
  for (std::size_t row = 0; row < rows.size() / sensors_; ++row) {
    for (std::size_t s = 0; s < sensors_; ++s) values[s] = rows[row * sensors_ + s];
    smooth(values);
    if (row < 30) continue;
    const auto now = judge();
    t2 = std::max(t2, now.t2);
    q = std::max(q, now.q);
  }
  t2_limit_ = std::max(t2 * limit_margin * limit_margin, 1e-9);
  q_limit_ = std::max(q * limit_margin * limit_margin, 1e-6);
}

void machine_detector::fit() {
  fit_scales(learned_);
  fit_components(learned_);
  fit_limits(learned_);
  learned_ = {};
  fitted_ = true;
}

void machine_detector::smooth(std::span<const double> values) {
  for (std::size_t s = 0; s < sensors_; ++s) {
    const double z = std::clamp((values[s] - mean_[s]) / scale_[s], -z_most, z_most);
    smooth_[s] += smoothing * (z - smooth_[s]);
  }
}

machine_detector::statistics machine_detector::judge() const {
  statistics out;
  for (std::size_t c = 0; c < sensors_; ++c) {
    double score = 0;
    for (std::size_t s = 0; s < sensors_; ++s) score += vectors_[c * sensors_ + s] * smooth_[s];
    if (c < components_)
      out.t2 += score * score / std::max(variances_[c], least_variance);
    else
      out.q += score * score;
  }
  return out;
}

void machine_detector::observe(std::int64_t time_us, std::span<const double> values, std::vector<episode_change>& out) {
  newest_score_ = 0;
  if (sensors_ == 0) return;
  if (!fitted_) {
    for (std::size_t s = 0; s < sensors_; ++s) learned_.push_back(static_cast<float>(std::clamp(values[s], -largest, largest)));
    if (++rows_ >= learn_rows) fit();
    return;
  }
  smooth(values);
  const auto now = judge();
  const double score = std::sqrt(std::max(now.t2 / t2_limit_, now.q / q_limit_));
  keep_state(time_us, score, out);
  if (on_) return;
  for (std::size_t s = 0; s < sensors_; ++s)
    mean_[s] += slow_rate * scale_[s] * std::clamp((values[s] - mean_[s]) / scale_[s], -3.0, 3.0);
}

void machine_detector::keep_state(std::int64_t time_us, double score, std::vector<episode_change>& out) {
  below_ = score < closes_below ? below_ + 1 : 0;
  const bool was_on = on_;
  on_ = score >= 1 || (on_ && below_ < closes_after);
  newest_score_ = on_ ? std::max(score, 1.0) : score;
  verdict_list said;
  if (on_) said.add({detector::machine, newest_score_, 0, 0, 1, time_us, 0});
  episodes_.take(time_us, score, said, out);
  if (was_on && !on_) episodes_.close(detector::machine, time_us, episode::ending::passed, out);
}

std::vector<double> machine_detector::contributions() const {
  if (!fitted_) return {};
  const auto now = judge();
  const bool by_q = now.q / q_limit_ > now.t2 / t2_limit_;
  std::vector<double> share(sensors_);
  for (std::size_t c = by_q ? components_ : 0; c < (by_q ? sensors_ : components_); ++c) {
    double score = 0;
    for (std::size_t s = 0; s < sensors_; ++s) score += vectors_[c * sensors_ + s] * smooth_[s];
    const double weight = by_q ? 1 : 1 / std::max(variances_[c], least_variance);
    for (std::size_t s = 0; s < sensors_; ++s) share[s] += weight * score * vectors_[c * sensors_ + s] * smooth_[s];
  }
  double total = 0;
  for (double& each : share) total += each = std::max(each, 0.0);
  for (double& each : share) each = total > 0 ? each / total : 0;
  return share;
}

void machine_detector::encode(std::string& out) const {
  put_byte(out, encoding_version);
  put_varint(out, sensors_);
  state::writer write{out};
  fields(*this, write);
}

bool machine_detector::decode(std::string_view& in) {
  std::uint8_t version = 0;
  std::uint64_t sensors = 0;
  if (!get_byte(in, version) || version != encoding_version || !get_varint(in, sensors) || sensors > most_sensors) return false;
  machine_detector read(sensors);
  state::reader reader{in};
  fields(read, reader);
  const bool sized = read.mean_.size() == sensors && read.scale_.size() == sensors && read.smooth_.size() == sensors &&
                     read.vectors_.size() == (read.fitted_ ? sensors * sensors : 0) &&
                     read.variances_.size() == (read.fitted_ ? sensors : 0) && read.components_ <= sensors;
  if (!reader.ok || !sized) return false;
  *this = std::move(read);
  return true;
}

}  // namespace factory
