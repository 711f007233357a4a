#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "pipelines/detect/usual_peaks.hpp"

namespace factory {

/// Spikes and level shifts. A reading jumps when it is farther than usual both from the one before and from the line through the two
/// before: noise keeps the first small, a ramp or a machine's cycle the second. Back within `longest_spike` readings it was a
/// spike; longer away it is another level. While away, the level that would be there without the jump goes along with
/// the usual steps, so the way back is known again after an hour. A level that stays for `learned_after` readings is the new normal.
class jump_detector {
 public:
  static constexpr std::uint32_t warm_after = 320;       ///< readings
  static constexpr std::uint32_t longest_spike = 3;      ///< readings
  static constexpr std::uint32_t learned_after = 1'000;  ///< readings away until the new level is the normal one

  enum class state : std::uint8_t { calm, spike, shifted, returned, learned };
  struct finding {
    state now = state::calm;
    double score = 0;     ///< of spike and shifted
    double expected = 0;  ///< the level without the jump
    double limit = 0;     ///< how far from it would have passed
    double step = 0;      ///< of this reading, as it is judged; what spread is measured by
  };

  /// `usual_here`: values at this time of day are known, the reading is among them and the level before is not.
  /// `sensitivity` divides the limit.
  finding observe(double value, bool usual_here, double sensitivity = 1) {
    return away_ != 0 ? judge_away(value, usual_here) : observe_here(value, limit(sensitivity));
  }
  /// For observe_here(); stays as it is until is_limit_moved().
  double limit(double sensitivity) const {
    return std::max(peaks_.limit(share, jump_factor), least_jump_share * peaks_.mean()) / sensitivity;
  }
  bool is_limit_moved() const { return peaks_.is_moved(); }
  /// The same. REQUIRES: !away().
  [[gnu::always_inline]] finding observe_here(double value, double limit) {
    finding found;
    if (seen_ < warm_after && ++seen_ <= 2) {
      keep(value);
      return found;
    }
    const double step = step_to(value);
    found.step = step;
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
  /// The readings before say nothing about the next one: a gap, or a sensor that was stuck. Ends being away.
  void begin_anew(double value);

  bool away() const { return away_ != 0; }
  double reference() const { return away_ != 0 ? reference_ : last_; }
  double usual_step() const { return peaks_.mean(); }
  bool warm() const { return seen_ >= warm_after && peaks_.known(); }

  bool operator==(const jump_detector&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit(self.last_, self.before_, self.reference_, self.size_, self.limit_, self.peaks_, self.seen_, self.away_);
  }

 private:
  static constexpr double share = 1.0, jump_factor = 9.0;  ///< of usual_peaks::limit; least a limit can be: twice the usual peak
  static constexpr double least_jump_share = 1.8;
  static constexpr double jump_rate = 0.05;  ///< of usual peaks: about 20 windows
  static constexpr double jump_clip = 1.0;

  finding judge_away(double value, bool usual_here);
  double step_to(double value) const { return std::min(std::abs(value - last_), std::abs(value - 2 * last_ + before_)); }
  void keep(double value) {
    before_ = last_;
    last_ = value;
  }

  double last_ = 0, before_ = 0;
  double reference_ = 0;  ///< while away: the level without the jump
  double size_ = 0;       ///< while away: by how much it jumped
  double limit_ = 0;      ///< while away: the limit at the jump
  usual_peaks<160> peaks_;
  std::uint32_t seen_ = 0;  ///< readings, counted up to warm_after
  std::uint32_t away_ = 0;  ///< readings since the jump; 0 = calm
};

}  // namespace factory
