#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/detect/episode.hpp"
#include "pipelines/model/shared_value.hpp"

namespace factory {

/// How a machine is watched.
struct machine_settings {
  /// It learns how the sensors go together from calm rows that span at least as long; then, as long again, how far they usually go, and
  /// goes on to learn that from each such span. 0: both from the first learn_rows rows.
  std::int64_t learn_us = 0;
  double sensitivity = 1;  ///< the score is multiplied by it
  bool operator==(const machine_settings&) const = default;
};

/// Of the watch over a machine that is at work.
inline constexpr std::int64_t machine_learn_us = 24 * 3'600'000'000LL;

/// The sensors of a machine, judged together: are they where they would be, and do they go with each other, as while the machine ran calmly? A row
/// is one value of each sensor, aligned in event time.
///
///   smooth  a mean that forgets within a few rows
///   level   a mean that forgets as fast as the sensor wanders: of three rates the slowest that foretold the calm rows about as well as the best
///   z       (smooth - level) / scale; the scale is by how much these forecasts failed
///   T2      sum over the first principal components of score^2 / variance: far out, but together as usual
///   Q       sum of squares of what these components leave: not together as usual
///   score = the larger of sqrt(T2) / its limit and sqrt(Q) / its limit
///
/// Components and limits are of z, not of the readings, as in a multivariate EWMA chart (Lowry and others 1992; T2 and Q: Jackson 1991; MacGregor,
/// Kourti 1995): smoothing takes the noise from one sensor and leaves another, which wanders, as it was. The limits are from the calm rows; where it
/// learns for longer, from the usual maxima of such spans: each day has its changes of shift.
/// A sensor is judged when it had a value in nine of ten calm rows, and not always the same. A state that lasts is one episode: it opens at 1. While it
/// lasts, sensors that add their share to the score keep their levels; the others are followed. It closes when the score has stayed below `closes_below`, or below half
/// of what it usually was in this state: then the machine has come back to where it now stands, and the levels follow quickly until it is calm. Or it
/// closes as learned: then the machine is learned anew. The contribution of each sensor to the larger of both names the culprits.
class machine_detector {
 public:
  static constexpr std::uint32_t learn_rows = 400;  ///< also the most that are kept
  static constexpr std::size_t most_sensors = 64;
  static constexpr double closes_below = 0.8;
  static constexpr std::uint32_t learned_after_rows = 1'000;             ///< of a state that lasts ...
  static constexpr std::int64_t learned_after_us = 8 * 3'600'000'000LL;  ///< ... and as long

  explicit machine_detector(std::size_t sensors);  ///< the first most_sensors of them are judged

  /// REQUIRES: times rise; as many values as sensors, finite, or NaN for a sensor of which nothing is known in this row.
  void observe(std::int64_t time_us, std::span<const double> values, const machine_settings& how,
               std::vector<episode_change>& out);
  void observe(std::int64_t time_us, std::span<const double> values, std::vector<episode_change>& out) {
    observe(time_us, values, machine_settings{}, out);
  }
  /// 1 and more as long as the state lasts.
  double newest_score() const { return newest_score_; }
  bool warm() const { return speaks_; }
  /// What each sensor adds to the score, as shares of 1. Empty before it is warm.
  std::vector<double> contributions() const;
  /// How far the newest row is out, and how far it may be: roots of T2 and Q.
  struct distances {
    double t2 = 0, t2_bound = 1, q = 0, q_bound = 1;
  };
  distances newest_distances() const;
  double expected_of(std::size_t sensor) const { return level_[sensor]; }
  /// Its usual deviation while calm, smoothed; 0: the sensor is not judged.
  double spread_of(std::size_t sensor) const { return is_fitted() ? model_.read().scale[sensor] : 0; }
  std::uint64_t learned_rows() const { return learned_; }  ///< calm ones, since it learns anew
  std::int64_t learning_since_us() const { return first_us_; }
  const episode_book& episodes() const { return episodes_; }

  void encode(std::string& out) const;
  bool decode(std::string_view& in);
  bool operator==(const machine_detector&) const = default;

 private:
  struct statistics {
    double t2 = 0, q = 0;  ///< their square roots
  };
  /// How far one of them usually goes: its maxima over spans.
  struct usual_maximum {
    double now = 0, mean = 0, deviation = 0;
    double limit = 1;
    void take(double value) { now = value > now ? value : now; }
    void end_span(std::uint32_t spans);
    bool operator==(const usual_maximum&) const = default;
    template <class Self, class Visit>
    static void fields(Self& self, Visit& visit) {
      visit(self.now, self.mean, self.deviation, self.limit);
    }
  };
  /// What was learned from the calm rows.
  struct model {
    std::vector<double> scale;          ///< of each sensor; 0: not judged
    std::vector<double> rate;           ///< of each sensor's level, a row
    std::vector<std::uint32_t> judged;  ///< the sensors with a scale
    std::vector<double> vectors;        ///< judged x judged; the first components first
    std::vector<double> variances;      ///< of the components
    std::uint32_t components = 0;
    bool operator==(const model&) const = default;
    template <class Self, class Visit>
    static void fields(Self& self, Visit& visit) {
      visit(self.scale, self.rate, self.judged, self.vectors, self.variances, self.components);
    }
  };
  using rows = std::vector<float>;  ///< row by row; NaN: missing
  using chunk = shared_value<rows>;

  struct fitting;
  struct older_version;

  void learn(std::int64_t time_us, std::span<const double> values, const machine_settings& how);
  void halve();
  void learn_limits(std::int64_t time_us, const statistics& now, const machine_settings& how);
  void learn_anew();
  bool is_fitted() const { return !model_.is_fresh(); }
  rows kept_rows() const;
  bool fit();
  void smooth(std::span<const double> values);
  void smooth(const model& by, std::span<const double> values);
  static statistics judge(const model& by, std::span<const double> z);
  void keep_state(std::int64_t time_us, double score, std::vector<episode_change>& out);
  bool stays_on(double score);
  void follow(const model& by, std::span<const double> values);
  std::vector<double> shares(const model& by) const;
  bool is_sound() const;
  bool take_over(older_version& from);
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit(self.kept_, self.model_, self.level_, self.smooth_, self.z_, self.t2_, self.q_, self.episodes_, self.newest_score_,
          self.learned_, self.first_us_, self.span_since_us_, self.on_since_us_, self.usual_on_, self.stride_, self.skipped_,
          self.kept_count_, self.spans_, self.below_, self.far_below_, self.settling_, self.on_rows_, self.speaks_, self.on_);
  }

  std::size_t sensors_;
  std::vector<chunk> kept_;  ///< calm rows to learn from, one in `stride_`
  shared_value<model> model_;
  std::vector<double> level_;   ///< of each sensor
  std::vector<double> smooth_;  ///< of each sensor; infinite: no reading yet
  std::vector<double> z_;       ///< of the judged sensors, in the newest row
  usual_maximum t2_, q_;
  episode_book episodes_;
  double newest_score_ = 0;
  std::uint64_t learned_ = 0;
  std::int64_t first_us_ = INT64_MIN;  ///< of the oldest row that was learned
  std::int64_t span_since_us_ = 0;     ///< whose maxima are taken now
  std::int64_t on_since_us_ = 0;
  double usual_on_ = 0;  ///< score in the state that lasts
  std::uint32_t stride_ = 1, skipped_ = 0;
  std::uint32_t kept_count_ = 0;  ///< rows in kept_
  std::uint32_t below_ = 0;       ///< rows in a row below closes_below
  std::uint32_t far_below_ = 0;   ///< rows in a row far below the usual score of the state
  std::uint32_t settling_ = 0;    ///< rows in which the levels may yet follow quickly, behind a state
  std::uint32_t on_rows_ = 0;
  std::uint32_t spans_ = 0;  ///< whose maxima are known
  bool speaks_ = false, on_ = false;
};

}  // namespace factory
