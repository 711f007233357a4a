#pragma once

#include <algorithm>
#include <cstdint>

namespace factory {

/// Silent: no reading though one is due. The usual interval is a mean of intervals, each counted up to four times of it; a gap is
/// flagged beyond both three usual intervals and twice the longest gap learned, and never one below `least_us`: what is missing may still
/// come late. A flagged gap is learned when one like it comes again (the night of a machine that is switched off).
class silence_detector {
 public:
  static constexpr std::uint32_t warm_after = 20;  ///< readings

  /// A reading came. The gap before it, when that was longer than `limit_us`, else 0.
  [[gnu::always_inline]] std::int64_t observe(std::int64_t time_us, std::int64_t limit_us) {
    if (count_ == 0) {
      count_ = 1;
      last_us_ = time_us;
      return 0;
    }
    const std::int64_t gap = time_us - last_us_;
    last_us_ = time_us;
    if (gap > limit_us) [[unlikely]] {
      if (flagged_us_ > 0 && gap < 2 * flagged_us_ && gap > flagged_us_ / 2)
        longest_us_ = std::max(longest_us_, std::max(gap, flagged_us_));
      flagged_us_ = gap;
      return gap;
    }
    const double rate = count_ < 100 ? 1.0 / count_ : 0.01;
    const double most = count_ > 5 ? 4 * usual_us_ : static_cast<double>(gap);
    usual_us_ += rate * (std::min(static_cast<double>(gap), most) - usual_us_);
    if (gap > longest_us_) longest_us_ = gap;
    if (count_ < 100) ++count_;
    return 0;
  }
  /// A reading came of which nothing is learned.
  void hear(std::int64_t time_us) {
    if (count_ != 0) last_us_ = std::max(last_us_, time_us);
  }
  bool warm() const { return count_ >= warm_after; }
  /// A gap up to here is none.
  [[gnu::always_inline]] std::int64_t limit_us(std::int64_t least_us, double sensitivity = 1) const {
    if (!warm()) return limited(INT64_MAX / 4, sensitivity);
    return limited(std::max({static_cast<std::int64_t>(3 * usual_us_), 2 * longest_us_, least_us}), sensitivity);
  }
  /// Whether limit_us() allows for a reading now. Most gaps are shorter than others that were, which asks for no more than comparing.
  [[gnu::always_inline]] bool lets_come(std::int64_t time_us, std::int64_t least_us, double sensitivity) const {
    const std::int64_t gap = time_us - last_us_;
    if (warm() && sensitivity <= 1 && gap <= std::max(2 * longest_us_, least_us)) return true;
    return gap <= limit_us(least_us, sensitivity);
  }
  std::int64_t last_us() const { return last_us_; }
  double usual_us() const { return usual_us_; }

  bool operator==(const silence_detector&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit(self.usual_us_, self.last_us_, self.longest_us_, self.flagged_us_, self.count_);
  }

 private:
  static std::int64_t limited(std::int64_t limit_us, double sensitivity) {
    return sensitivity == 1 ? limit_us : static_cast<std::int64_t>(static_cast<double>(limit_us) / sensitivity);
  }

  double usual_us_ = 0;
  std::int64_t last_us_ = 0, longest_us_ = 0, flagged_us_ = 0;
  std::uint32_t count_ = 0;
};

}  // namespace factory
