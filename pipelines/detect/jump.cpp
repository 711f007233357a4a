#include "pipelines/detect/jump.hpp"

#include <algorithm>
#include <cmath>

namespace factory {
void jump_detector::begin_anew(double value) {
  before_ = value;
  last_ = value;
  away_ = 0;
}

jump_detector::finding jump_detector::judge_away(double value, bool usual_here) {
  const double step = step_to(value);
  finding found;
  found.step = std::min(step, limit_);
  const double distance = value - reference_;
  const bool back = std::abs(distance) < std::max(0.4 * std::abs(size_), limit_) || distance * size_ < 0;
  if (back || (usual_here && away_ >= longest_spike) || away_ >= learned_after) {
    found.now = back || away_ < learned_after ? state::returned : state::learned;
    found.expected = reference_;
    found.limit = limit_;
    begin_anew(value);  // no line through readings on both sides of a jump
    return found;
  }
  const double moved = value - last_;
  if (away_ > 1 && std::abs(moved) <= limit_) reference_ += moved;
  ++away_;
  found.now = away_ > longest_spike ? state::shifted : state::spike;
  found.score = std::abs(distance) / limit_;
  found.expected = reference_;
  found.limit = limit_;
  keep(value);
  return found;
}

}  // namespace factory
