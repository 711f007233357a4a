#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/detect/episode.hpp"

namespace factory {

/// The sensors of a machine, judged together: do they go with each other, and stay where they are, as they did while the machine ran
/// calmly? Learned from its first `learn_rows` rows (a row: one value of each sensor, aligned in event time), by principal components
/// (Jackson 1991; MacGregor, Kourti 1995), on a mean that forgets within a few rows (multivariate EWMA: Lowry and others 1992):
///
///   z    (reading - mean) / scale, for each sensor; smoothed
///   T2   sum over the first components of score^2 / variance: far out, but together as usual
///   Q    sum of squares of what these components leave: not together as usual
///   score = the larger of sqrt(T2 / its limit) and sqrt(Q / its limit); limits from the calm rows
///
/// A state that lasts is one episode: it opens at 1, and closes when the score has stayed below `closes_below`. While calm, the mean goes along slowly. The
/// contribution of each sensor to the larger of both names the culprits.
class machine_detector {
 public:
  static constexpr std::uint32_t learn_rows = 400;
  static constexpr std::size_t most_sensors = 64;
  static constexpr double closes_below = 0.8;

  explicit machine_detector(std::size_t sensors);  ///< the first most_sensors of them are judged

  /// REQUIRES: times rise; as many values as sensors, finite. A sensor without a reading in this row: its last one.
  void observe(std::int64_t time_us, std::span<const double> values, std::vector<episode_change>& out);
  /// 1 and more as long as the state lasts.
  double newest_score() const { return newest_score_; }
  bool warm() const { return fitted_; }
  /// What each sensor adds to the score, as shares of 1. Empty before it is warm.
  std::vector<double> contributions() const;

  void encode(std::string& out) const;
  bool decode(std::string_view& in);
  bool operator==(const machine_detector&) const = default;

 private:
  struct statistics {
    double t2 = 0, q = 0;
  };
  void fit();
  void fit_scales(std::span<const float> rows);
  void fit_components(std::span<const float> rows);
  void fit_limits(std::span<const float> rows);
  void smooth(std::span<const double> values);
  statistics judge() const;
  void keep_state(std::int64_t time_us, double score, std::vector<episode_change>& out);
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit(self.learned_, self.mean_, self.scale_, self.vectors_, self.variances_, self.smooth_, self.episodes_, self.t2_limit_,
          self.q_limit_, self.newest_score_, self.components_, self.rows_, self.below_, self.fitted_, self.on_);
  }

  std::size_t sensors_;
  std::vector<float> learned_;        ///< the calm rows, until it is fitted
  std::vector<double> mean_, scale_;  ///< of each sensor
  std::vector<double> vectors_;       ///< sensors x sensors; the first components first
  std::vector<double> variances_;     ///< of the components
  std::vector<double> smooth_;        ///< z, smoothed
  episode_book episodes_;
  double t2_limit_ = 1, q_limit_ = 1;
  double newest_score_ = 0;
  std::uint32_t components_ = 0;
  std::uint32_t rows_ = 0;
  std::uint32_t below_ = 0;  ///< rows in a row below closes_below
  bool fitted_ = false, on_ = false;
};

}  // namespace factory
