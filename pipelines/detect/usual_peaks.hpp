#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace factory {

/// How high something usually goes: the mean of its maxima over windows of `Length`, and how much these differ. What is judged against
/// its own recent peaks stays quiet on a noisy sensor and sharp on a calm one. A peak beyond the limit counts only up to
/// `clip` times the limit, so that what was flagged does not make the next one pass.
///
/// limit = share * mean + factor * (mean absolute deviation of the maxima + mean / (2 n)): the last term is for a short history.
template <unsigned Length>
class usual_peaks {
 public:
  bool known() const { return windows_ >= 2; }
  std::uint32_t windows() const { return windows_; }
  double mean() const { return mean_; }
  double limit(double share, double factor) const { return share * mean_ + factor * (deviation_ + uncertain_); }
  /// Whether the newest reading has closed a window: limits are as they were before it, else.
  bool is_moved() const { return filled_ == 0; }
  double share_and_deviation(double share, double factor) const { return share * mean_ + factor * deviation_; }
  /// Learns `value`; a window that is full joins the mean. `most` is what a window counts at most, once enough are known.
  [[gnu::always_inline]] void learn(double value, double rate, double most) {
    if (value > now_) now_ = value;
    if (++filled_ < Length) return;
    const double peak = windows_ < 3 ? now_ : std::min(now_, most);
    const double r = std::max(rate, 1.0 / (windows_ + 1.0));
    if (windows_ > 0) deviation_ += r * (std::abs(peak - mean_) - deviation_);
    mean_ += r * (peak - mean_);
    if (windows_ < 1'000'000) ++windows_;
    uncertain_ = mean_ / (2.0 * windows_);
    now_ = 0;
    filled_ = 0;
  }

  bool operator==(const usual_peaks&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit(self.now_, self.mean_, self.deviation_, self.uncertain_, self.windows_, self.filled_);
  }

 private:
  double now_ = 0, mean_ = 0, deviation_ = 0;
  double uncertain_ = 0;  ///< the last term of limit()
  std::uint32_t windows_ = 0;
  std::uint32_t filled_ = 0;
};

}  // namespace factory
