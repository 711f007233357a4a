#include "pipelines/detect/pattern.hpp"

#include <algorithm>

#include "pipelines/detect/pattern_tuning.hpp"

namespace factory {

constinit const pattern_constants pattern_tuned{};

namespace {

constexpr std::int64_t warm_span_us = 64'800'000'000;  ///< 18 hours of readings
constexpr double band = 3;                             ///< scales around the median, for the explanation

}  // namespace

bool pattern_detector::knowledge::warm() const { return novelty.warm() && newest_us - begun_us >= warm_span_us; }
bool pattern_detector::warm() const { return memory_.read().warm(); }
std::int64_t pattern_detector::warm_at_us() const { return memory_.read().begun_us + warm_span_us; }

pattern_detector::finding pattern_detector::judge(std::int64_t time_us, double sensitivity, const pattern_constants& with) {
  auto& memory = memory_.change();
  if (memory.seen == 0) memory.begun_us = time_us;
  memory.newest_us = time_us;
  if (memory.seen < 1'000'000'000) ++memory.seen;
  const double mean = group_.sum / group_.count;
  group_.count = 0;
  const double scale = memory.novelty.scale_now(with);
  const double median = memory.novelty.scale().median();
  double score = memory.forecast.observe((mean - median) / scale, with);
  score = std::max(score, memory.novelty.observe(group_.least, group_.most, with));
  score = std::max(score, memory.seasonal.observe(time_us, mean, scale, with));
  score *= sensitivity / (1 + more_);
  more_ *= 1 - with.more_forgotten;
  if (memory.quiet > 0) --memory.quiet;
  if (score < 1 || !memory.warm() || (memory.quiet > 0 && score < with.breaks_through * memory.last_score)) return {};
  memory.last_score = score;
  more_ = std::min((1 + more_) * (1 + with.more_each) - 1, with.more_most);
  memory.quiet =
      static_cast<std::uint32_t>(std::clamp<double>(with.quiet_share * memory.seen, with.quiet_least, with.quiet_most));
  return {score, median, median - band * scale, median + band * scale};
}

}  // namespace factory
