#include "pipelines/detect/machine.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "pipelines/detect/state_fields.hpp"
#include "pipelines/stats/symmetric_eigen.hpp"

namespace factory {
namespace {

constexpr std::uint8_t machine_version = 2;  // 1 was never stored
constexpr double smoothing = 0.2;            ///< of z, a row
constexpr double variance_explained = 0.9;   ///< by the components of T2
constexpr double least_variance = 0.05;      ///< of a component: what varied less while calm is not known better than this
constexpr double slow_rate = 0.003;          ///< of the mean, a calm row, where learn_rows rows in a row were learned
constexpr double limit_margin = 2.0;         ///< times the largest of the calm rows, as an amplitude
constexpr std::uint32_t closes_after = 10;   ///< rows
constexpr double span_margin = 1.2;          ///< times the usual maximum of a span ...
constexpr double span_deviations = 3;        ///< ... and so many times what these differ by
constexpr double slowest_span_rate = 0.1;
constexpr double z_most = 30;
constexpr double largest_reading = 1e30;
constexpr double least_share = 0.9;  ///< of the calm rows in which a sensor that is judged has a value
constexpr std::uint32_t rows_a_chunk = 50;
constexpr std::uint32_t settles_after = 30;  ///< rows until the smoothed values are as usual

}  // namespace

machine_detector::machine_detector(std::size_t sensors) : sensors_(std::min(sensors, most_sensors)), mean_(sensors_) {}

/// Mean, and a scale that holds what the sensor wandered while it was calm: one that rose by three deviations will rise further.
bool machine_detector::fit_scale(const rows& all, std::size_t sensors, std::size_t sensor, double& mean, double& scale) {
  const auto count = all.size() / sensors;
  double n = 0, sum = 0, places = 0;
  const float* first = nullptr;
  bool is_constant = true;
  for (std::size_t row = 0; row < count; ++row) {
    const float& value = all[row * sensors + sensor];
    if (std::isnan(value)) continue;
    if (first == nullptr) first = &value;
    is_constant = is_constant && value == *first;
    sum += value;
    places += static_cast<double>(row);
    ++n;
  }
  if (is_constant || n < least_share * static_cast<double>(count)) return false;
  mean = sum / n;
  const double place = places / n;
  double moment = 0, spread = 0;
  for (std::size_t row = 0; row < count; ++row) {
    const double value = all[row * sensors + sensor], off = static_cast<double>(row) - place;
    if (std::isnan(value)) continue;
    moment += off * value;
    spread += off * off;
  }
  const double slope = moment / spread;
  double squares = 0;
  for (std::size_t row = 0; row < count; ++row) {
    const double value = all[row * sensors + sensor];
    if (std::isnan(value)) continue;
    const double off = value - mean - slope * (static_cast<double>(row) - place);
    squares += off * off;
  }
  const double wander = slope * n;
  scale = std::max(std::sqrt(squares / (n - 1) + wander * wander), 1e-6 * std::abs(mean) + 1e-12);
  return true;
}

void machine_detector::fit_components(const rows& all, std::size_t sensors, const std::vector<double>& mean, model& to) {
  const auto judged = to.judged.size(), count = all.size() / sensors;
  std::vector<double> correlation(judged * judged), z(judged);
  for (std::size_t row = 0; row < count; ++row) {
    for (std::size_t i = 0; i < judged; ++i) {
      const auto sensor = to.judged[i];
      const double value = all[row * sensors + sensor];
      z[i] = std::isnan(value) ? 0 : (value - mean[sensor]) / to.scale[sensor];
    }
    for (std::size_t a = 0; a < judged; ++a)
      for (std::size_t b = 0; b <= a; ++b) correlation[a * judged + b] += z[a] * z[b] / static_cast<double>(count);
  }
  for (std::size_t a = 0; a < judged; ++a)
    for (std::size_t b = 0; b < a; ++b) correlation[b * judged + a] = correlation[a * judged + b];
  decompose_symmetric(correlation, judged, to.variances, to.vectors);
  double total = 0, explained = 0;
  for (const double each : to.variances) total += each;
  while (to.components < judged && explained < variance_explained * total) explained += to.variances[to.components++];
}

void machine_detector::fit_limits(const rows& all, const model& by) {
  std::vector<double> values(sensors_);
  smooth_.assign(by.judged.size(), 0.0);
  t2_ = q_ = {};
  for (std::size_t row = 0; row < all.size() / sensors_; ++row) {
    for (std::size_t s = 0; s < sensors_; ++s) values[s] = all[row * sensors_ + s];
    smooth(by, values);
    if (row < settles_after) continue;
    const auto now = judge(by);
    t2_.take(now.t2);
    q_.take(now.q);
  }
  t2_.limit = std::max(t2_.now * limit_margin, 3e-5);
  q_.limit = std::max(q_.now * limit_margin, 1e-3);
}

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

/// False where fewer than two sensors can be judged.
bool machine_detector::fit() {
  const auto all = kept_rows();
  model made;
  auto mean = mean_;
  made.scale.assign(sensors_, 0.0);
  for (std::size_t s = 0; s < sensors_; ++s)
    if (fit_scale(all, sensors_, s, mean[s], made.scale[s])) made.judged.push_back(static_cast<std::uint32_t>(s));
  if (made.judged.size() < std::min<std::size_t>(sensors_, 2)) return false;
  mean_ = std::move(mean);
  fit_components(all, sensors_, mean_, made);
  fit_limits(all, made);
  made.mean_rate = slow_rate / stride_;
  model_.change() = std::move(made);
  return true;
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
  smooth_.clear();
  speaks_ = false;
  spans_ = 0;
  learned_ = 0;
  first_us_ = INT64_MIN;
  stride_ = 1;
  skipped_ = kept_count_ = 0;
}

void machine_detector::learn(std::int64_t time_us, std::span<const double> values, const machine_settings& how) {
  if (first_us_ == INT64_MIN) first_us_ = time_us;
  ++learned_;
  if (++skipped_ < stride_) return;
  skipped_ = 0;
  if (kept_count_++ % rows_a_chunk == 0) kept_.emplace_back();
  auto& to = kept_.back().change();
  for (std::size_t s = 0; s < sensors_; ++s)
    to.push_back(static_cast<float>(std::clamp(values[s], -largest_reading, largest_reading)));
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

/// Of a sensor without a value stands what the others let expect of it, so that it adds nothing to Q.
void machine_detector::smooth(const model& by, std::span<const double> values) {
  const auto judged = by.judged.size();
  bool all_known = true;
  for (std::size_t i = 0; i < judged; ++i) {
    const auto sensor = by.judged[i];
    if (std::isnan(values[sensor])) {
      all_known = false;
      continue;
    }
    const double z = std::clamp((values[sensor] - mean_[sensor]) / by.scale[sensor], -z_most, z_most);
    smooth_[i] += smoothing * (z - smooth_[i]);
  }
  if (all_known) return;
  std::vector<double> scores(by.components);
  for (std::size_t c = 0; c < by.components; ++c)
    for (std::size_t i = 0; i < judged; ++i) scores[c] += by.vectors[c * judged + i] * smooth_[i];
  for (std::size_t i = 0; i < judged; ++i) {
    if (!std::isnan(values[by.judged[i]])) continue;
    smooth_[i] = 0;
    for (std::size_t c = 0; c < by.components; ++c) smooth_[i] += by.vectors[c * judged + i] * scores[c];
  }
}

machine_detector::statistics machine_detector::judge(const model& by) const {
  statistics out;
  const auto judged = by.judged.size();
  for (std::size_t c = 0; c < judged; ++c) {
    double score = 0;
    for (std::size_t i = 0; i < judged; ++i) score += by.vectors[c * judged + i] * smooth_[i];
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
  const auto now = judge(by);
  learn_limits(time_us, now, how);
  ++learned_;
  if (speaks_) keep_state(time_us, how.sensitivity * std::max(now.t2 / t2_.limit, now.q / q_.limit), out);
  if (on_ || !is_fitted()) return;
  for (const auto s : by.judged)
    if (!std::isnan(values[s]))
      mean_[s] += by.mean_rate * by.scale[s] * std::clamp((values[s] - mean_[s]) / by.scale[s], -3.0, 3.0);
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
  if (on_ && !was_on) on_since_us_ = time_us;
  on_rows_ = on_ ? on_rows_ + 1 : 0;
  if (on_rows_ < learned_after_rows || time_us - on_since_us_ < learned_after_us) return;
  episodes_.close(detector::machine, time_us, episode::ending::learned, out);
  on_ = false;
  on_rows_ = below_ = 0;
  learn_anew();
}

std::vector<double> machine_detector::contributions() const {
  if (!warm()) return {};
  const model& by = model_.read();
  const auto judged = by.judged.size();
  const auto now = judge(by);
  const bool by_q = now.q / q_.limit > now.t2 / t2_.limit;
  std::vector<double> share(sensors_);
  for (std::size_t c = by_q ? by.components : 0; c < (by_q ? judged : by.components); ++c) {
    double score = 0;
    for (std::size_t i = 0; i < judged; ++i) score += by.vectors[c * judged + i] * smooth_[i];
    const double weight = by_q ? 1 : 1 / std::max(by.variances[c], least_variance);
    for (std::size_t i = 0; i < judged; ++i) share[by.judged[i]] += weight * score * by.vectors[c * judged + i] * smooth_[i];
  }
  double total = 0;
  for (double& each : share) total += each = std::max(each, 0.0);
  for (double& each : share) each = total > 0 ? each / total : 0;
  return share;
}

machine_detector::distances machine_detector::newest_distances() const {
  if (!is_fitted()) return {};
  const auto now = judge(model_.read());
  return {now.t2, t2_.limit, now.q, q_.limit};
}

void machine_detector::encode(std::string& out) const {
  put_byte(out, machine_version);
  put_varint(out, sensors_);
  state::writer write{out};
  fields(*this, write);
}

bool machine_detector::is_sound() const {
  const model& by = model_.read();
  const auto judged = by.judged.size();
  std::size_t kept = 0;
  for (const chunk& each : kept_) kept += each.read().size();
  const bool rows_fit = kept_.empty() || kept == std::size_t{kept_count_} * sensors_;
  return rows_fit && kept_count_ <= learn_rows && stride_ > 0 && mean_.size() == sensors_ && smooth_.size() == judged &&
         (!is_fitted() || by.scale.size() == sensors_) && by.vectors.size() == judged * judged && by.variances.size() == judged &&
         by.components <= judged && std::ranges::all_of(by.judged, [&](std::uint32_t s) { return s < sensors_; });
}

bool machine_detector::decode(std::string_view& in) {
  std::uint8_t version = 0;
  std::uint64_t sensors = 0;
  if (!get_byte(in, version) || version != machine_version || !get_varint(in, sensors) || sensors > most_sensors) return false;
  machine_detector read(sensors);
  state::reader reader{in};
  fields(read, reader);
  if (!reader.ok || !read.is_sound()) return false;
  *this = std::move(read);
  return true;
}

}  // namespace factory
