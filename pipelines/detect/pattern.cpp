#include "pipelines/detect/pattern.hpp"

#include <algorithm>

#include "pipelines/detect/pattern_tuning.hpp"

namespace factory {
namespace {

using namespace pattern_tuning;

constexpr std::int64_t warm_span_us = 86'400'000'000;  ///< a day of readings
constexpr double band = 3;                             ///< scales around the median, for the explanation

}  // namespace

bool pattern_detector::warm() const { return novelty_.warm() && newest_us_ - begun_us_ >= warm_span_us; }

std::int64_t pattern_detector::warm_at_us() const { return begun_us_ + warm_span_us; }

pattern_detector::finding pattern_detector::judge(std::int64_t time_us, double sensitivity) {
  if (seen_ == 0) begun_us_ = time_us;
  newest_us_ = time_us;
  if (seen_ < 1'000'000'000) ++seen_;
  const double mean = sum_ / in_group_;
  in_group_ = 0;
  const double scale = novelty_.scale_now();
  const double median = novelty_.scale().median();
  double score = forecast_.observe((mean - median) / scale);
  score = std::max(score, novelty_.observe(least_, most_));
  score = std::max(score, seasonal_.observe(time_us, mean, scale));
  score *= sensitivity;
  if (quiet_ > 0) --quiet_;
  if (score < 1 || !warm() || (quiet_ > 0 && score < breaks_through * last_score_)) return {};
  last_score_ = score;
  quiet_ = static_cast<std::uint32_t>(std::clamp<double>(quiet_share * seen_, quiet_least, quiet_most));
  return {score, median, median - band * scale, median + band * scale};
}

}  // namespace factory
