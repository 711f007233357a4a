#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "pipelines/detect/usual_peaks.hpp"
#include "pipelines/model/shared_value.hpp"
#include "pipelines/stats/robust_scale.hpp"

namespace factory {

struct pattern_constants;

/// How far the newest readings are from what this half hour showed on other days, weekends apart, once it was visited twice: the mean
/// of the last differences against its usual size, over a limit of its own usual peaks.
class seasonal_residual {
 public:
  /// The score, or -1 where nothing is said. `scale`: that of the readings.
  double observe(std::int64_t time_us, double value, double scale, const pattern_constants& with);
  void begin_anew() { filled_ = 0; }
  std::size_t memory_bytes() const {
    return sizeof *this + known_.read().means.capacity() * sizeof(float) + known_.read().visits.capacity();
  }

  bool operator==(const seasonal_residual&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit(self.usual_, self.peaks_, self.anchor_, self.sum_, self.residual_, self.slot_begin_us_);
    visit_plainly(self.known_, visit, [](const slot_table& read) { return !read.means.empty() || !read.visits.empty(); });
    visit(self.count_, self.filled_, self.slot_, self.judged_);
  }
  bool sound() const {
    const auto& [means, visits] = known_.read();
    return means.size() == visits.size() && (means.empty() || means.size() == slots) && slot_ < slots;
  }

 private:
  static constexpr std::size_t slots = 96;  ///< half hours of weekdays, then of weekends
  struct slot_table {
    std::vector<float> means;          ///< relative to anchor_
    std::vector<std::uint8_t> visits;  ///< counted up to 250
    bool operator==(const slot_table&) const = default;
    template <class Self, class Visit>
    static void fields(Self& self, Visit& visit) {
      visit(self.means, self.visits);
    }
  };
  void enter(std::int64_t time_us, const pattern_constants& with);

  robust_scale usual_;
  usual_peaks<160> peaks_;
  double anchor_ = 0, sum_ = 0;
  double residual_ = 0;  ///< mean of the last differences
  std::int64_t slot_begin_us_ = INT64_MIN;
  shared_value<slot_table> known_;  ///< none before the first half hour is over
  std::uint32_t count_ = 0;         ///< readings of this half hour
  std::uint32_t filled_ = 0;        ///< differences in residual_, counted up to its length
  std::uint32_t slot_ = 0;
  std::uint32_t judged_ = 0;  ///< counted up to its warm-up
};

}  // namespace factory
