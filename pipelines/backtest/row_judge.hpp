#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "pipelines/detect/episode.hpp"

namespace factory {

/// A recording through detectors, row after row: through those of a sensor (`detector_set`), or of a machine (`machine_detector`).
template <class Detectors>
class row_judge {
 public:
  explicit row_judge(Detectors detectors = Detectors()) : detectors_(std::move(detectors)) {}

  /// The score of a row, which is what the detectors observe; nothing for one that is not newer than all before it: it is not judged.
  template <class... Row>
  std::optional<double> score(std::int64_t time_us, const Row&... row) {
    if (newest_us_ && time_us <= *newest_us_) return std::nullopt;
    newest_us_ = time_us;
    changes_.clear();
    detectors_.observe(time_us, row..., changes_);
    opened_ += static_cast<std::uint64_t>(std::ranges::count(changes_, episode_change::kind::opened, &episode_change::what));
    ++judged_;
    return detectors_.newest_score();
  }

  std::uint64_t judged() const { return judged_; }  ///< rows
  std::uint64_t opened() const { return opened_; }  ///< episodes

 private:
  Detectors detectors_;
  std::optional<std::int64_t> newest_us_;
  std::vector<episode_change> changes_;
  std::uint64_t judged_ = 0, opened_ = 0;
};

}  // namespace factory
