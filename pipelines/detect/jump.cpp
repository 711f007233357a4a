#include "pipelines/detect/jump.hpp"

#include <algorithm>
#include <cmath>

namespace factory {
namespace {

constexpr double share = 1.0, jump_factor = 9.0;  ///< of usual_peaks::limit; least a limit can be: twice the usual peak
constexpr double least_jump_share = 1.8;
constexpr double jump_rate = 0.05;  ///< of usual peaks: about 20 windows
constexpr double jump_clip = 1.0;

}  // namespace

void jump_detector::keep(double value) {
  before_ = last_;
  last_ = value;
}

jump_detector::finding jump_detector::observe(double value, bool usual_here, double sensitivity) {
  if (seen_ < 2) {
    ++seen_;
    keep(value);
    return {};
  }
  if (seen_ < warm_after) ++seen_;
  const double step = std::min(std::abs(value - last_), std::abs(value - 2 * last_ + before_));
  if (away_ != 0) return judge_away(value, usual_here, step);
  finding found;
  found.step = step;
  const double limit = std::max(peaks_.limit(share, jump_factor), least_jump_share * peaks_.mean()) / sensitivity;
  if (warm() && limit > 0 && step > limit) {
    reference_ = last_;
    size_ = value - last_;
    limit_ = limit;
    away_ = 1;
    found = {state::spike, step / limit, reference_, limit, limit};
  }
  peaks_.learn(step, jump_rate, jump_clip * limit);
  keep(value);
  return found;
}

void jump_detector::begin_anew(double value) {
  before_ = value;
  last_ = value;
  away_ = 0;
}

jump_detector::finding jump_detector::judge_away(double value, bool usual_here, double step) {
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
