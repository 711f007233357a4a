#pragma once

#include <cstdint>

#include "pipelines/detect/detector.hpp"
#include "pipelines/detect/forecast.hpp"
#include "pipelines/detect/novelty.hpp"
#include "pipelines/detect/seasonal.hpp"
#include "pipelines/model/shared_value.hpp"

namespace factory {

/// Unusual pattern, over 40 minutes and longer: readings are taken together until `group_us` is over, as their least, greatest and mean. The
/// verdict is the strongest of three evidences, each over a limit of its own: a course that was not seen before (novelty), a level that this
/// time of day does not have (seasonal residual), falling short of the one-step forecast. After it has spoken it holds its
/// tongue for a while that grows with what it has seen, up to a bound, unless something much stronger comes; and from then on it takes a
/// little more to make it speak, which is forgotten within months.
class pattern_detector {
 public:
  struct finding {
    double score = 0;
    double expected = 0, low = 0, high = 0;  ///< only when score >= 1
  };
  static constexpr double group_us = 150e6;
  /// The readings that are taken together. Small, so that readings can be tried on a copy.
  struct group {
    double least = 0, most = 0, sum = 0;
    std::uint32_t count = 0;  ///< readings

    /// True when the group is over. `usual_interval_us`: between readings; it tells how many make a group. Slower sensors are judged at
    /// each reading.
    [[gnu::always_inline]] bool join(double value, double usual_interval_us) {
      if (count == 0) {
        least = most = value;
        sum = 0;
      }
      least = value < least ? value : least;
      most = value > most ? value : most;
      sum += value;
      ++count;
      return count * usual_interval_us + usual_interval_us / 2 >= group_us;
    }
    bool operator==(const group&) const = default;
  };
  finding observe(std::int64_t time_us, double value, double usual_interval_us, double sensitivity = 1,
                  const pattern_constants& with = pattern_tuned) {
    return group_.join(value, usual_interval_us) ? judge(time_us, sensitivity, with) : finding();
  }
  const group& together() const { return group_; }
  /// A copy that has been joined by readings, the newest of which is of `time_us`, takes the place of what is together.
  finding take(const group& joined, bool is_over, std::int64_t time_us, double sensitivity, const pattern_constants& with) {
    group_ = joined;
    return is_over ? judge(time_us, sensitivity, with) : finding();
  }
  /// What came before says nothing about the next reading.
  void begin_anew() {
    group_.count = 0;
    if (memory_.is_fresh()) return;
    auto& memory = memory_.change();
    memory.novelty.begin_anew();
    memory.seasonal.begin_anew();
  }
  bool warm() const;
  std::int64_t warm_at_us() const;  ///< at the latest
  std::size_t memory_bytes() const { return sizeof *this + (memory_.is_fresh() ? 0 : memory_.read().memory_bytes()); }
  const robust_scale& scale() const { return memory_.read().novelty.scale(); }

  bool operator==(const pattern_detector&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit(self.memory_, self.group_.least, self.group_.most, self.group_.sum, self.group_.count);
  }
  template <class Self, class Visit>
  static void fields_since_2(Self& self, Visit& visit) {
    visit(self.more_);
  }
  bool sound() const { return more_ >= 0 && memory_.read().novelty.sound() && memory_.read().seasonal.sound(); }

 private:
  /// What changes once a group.
  struct knowledge {
    novelty_memory novelty;
    seasonal_residual seasonal;
    forecast_residual forecast;
    double last_score = 0;  ///< of what it said last
    std::int64_t begun_us = 0, newest_us = 0;
    std::uint32_t seen = 0;   ///< groups
    std::uint32_t quiet = 0;  ///< groups for which it holds its tongue

    bool warm() const;
    std::size_t memory_bytes() const {
      return sizeof *this - sizeof novelty - sizeof seasonal + novelty.memory_bytes() + seasonal.memory_bytes();
    }
    bool operator==(const knowledge&) const = default;
    template <class Self, class Visit>
    static void fields(Self& self, Visit& visit) {
      visit(self.novelty, self.seasonal, self.forecast, self.last_score, self.begun_us, self.newest_us, self.seen, self.quiet);
    }
  };
  finding judge(std::int64_t time_us, double sensitivity, const pattern_constants& with);

  shared_value<knowledge> memory_;
  group group_;
  double more_ = 0;  ///< how much more it takes to speak, since it has spoken often
};

}  // namespace factory
