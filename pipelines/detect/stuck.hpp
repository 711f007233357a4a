#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace factory {

/// Stuck: the same value again and again, longer than this sensor ever did. With p = how often a reading repeats the one before, a run
/// of n has the chance p^n; it is flagged beyond both one and a half of the longest run learned, and a chance of 1e-9. So a sensor
/// that is constant from its first reading on is never blamed (p is near 1), and one that was constant once with good
/// reason is blamed for that value once: the second such run is learned.
class stuck_detector {
 public:
  static constexpr std::uint32_t warm_after = 200;  ///< readings
  static constexpr std::uint32_t rests_after = 3;   ///< of one value in a row: lost noise is no matter of the spread any more

  struct finding {
    double score = 0;
    std::uint32_t run = 0;
    std::int64_t since_us = 0;
  };
  [[gnu::always_inline]] finding observe(std::int64_t time_us, double value) {
    if (run_ != 0 && value == value_) {
      ++run_;
      if (run_ < limit_) return {};
      return {run_ >= limit_ ? run_ / static_cast<double>(limit_) : 0, run_, since_us_};
    }
    if (run_ != 0) end_run();
    value_ = value;
    since_us_ = time_us;
    run_ = 1;
    return {};
  }
  std::uint32_t limit() const { return limit_; }  ///< readings in a row that are flagged
  std::uint32_t run() const { return run_; }
  std::uint32_t longest() const { return longest_; }

  bool operator==(const stuck_detector&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit(self.value_, self.rest_value_, self.repeats_, self.since_us_, self.run_, self.longest_, self.limit_, self.seen_,
          self.runs_, self.rested_);
  }

 private:
  [[gnu::always_inline]] void end_run() {
    if (run_ < limit_ || (rested_ && value_ == rest_value_)) {
      const bool longer = run_ > longest_;
      if (longer) longest_ = run_;
      const double rate = seen_ < 10'000 ? 1.0 / (seen_ + run_) : 1e-4;
      if (seen_ < 10'000) seen_ += std::min(run_, 10'000U);
      repeats_ += std::min(1.0, rate * run_) * ((run_ == 1 ? 0.0 : (run_ - 1.0) / run_) - repeats_);
      if (longer || ++runs_ % 64 == 0 || limit_ == UINT32_MAX) set_limit();
    } else {
      rest_value_ = value_;
      rested_ = true;
    }
  }
  void set_limit() {
    if (seen_ >= warm_after) limit_ = limit_of(repeats_, seen_, longest_);
  }
  [[gnu::noinline]] static std::uint32_t limit_of(double repeats, std::uint32_t seen, std::uint32_t longest) {
    const double p = std::clamp(repeats, 0.02, 1 - 1.0 / (seen + 2.0));
    const double by_chance = std::log(1e9) / -std::log(p);
    return static_cast<std::uint32_t>(std::min(1e9, std::max({by_chance, 1.5 * longest + 3, 8.0})));
  }

  double value_ = 0, rest_value_ = 0;
  double repeats_ = 0;  ///< share of readings that repeat the one before
  std::int64_t since_us_ = 0;
  std::uint32_t run_ = 0, longest_ = 1;
  std::uint32_t limit_ = UINT32_MAX;
  std::uint32_t seen_ = 0;  ///< readings, counted up to 10,000
  std::uint32_t runs_ = 0;
  bool rested_ = false;
};

}  // namespace factory
