#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/detect/baseline.hpp"
#include "pipelines/detect/drift.hpp"
#include "pipelines/detect/episode.hpp"
#include "pipelines/detect/jump.hpp"
#include "pipelines/detect/pattern.hpp"
#include "pipelines/detect/silence.hpp"
#include "pipelines/detect/spread.hpp"
#include "pipelines/detect/stuck.hpp"

namespace factory {

/// All detectors of one sensor and its open episodes: what the sensor's readings in order of time lead to. No clock: time comes with the readings,
/// and with ticks while the sensor is silent. The same readings, ticks and settings give the same state and the same changes, bit for
/// bit, also across copies and across encode and decode.
///
/// Each reading is judged by what came before, then learned. What is flagged is not learned: not by the baseline, not by the level
/// of a jump, and by usual peaks only up to their limit.
class detector_set {
 public:
  /// REQUIRES: time_us newer than that of every reading before; value finite.
  void observe(std::int64_t time_us, double value, const detect_settings& settings, std::vector<episode_change>& out);
  /// As observe() of one row after the other, until a row changes an episode: returns how many rows it has observed. REQUIRES: times rise, and
  /// are newer than before; one value each; at least one row.
  std::size_t observe_rows(std::span<const std::int64_t> times_us, std::span<const double> values,
                           const detect_settings& settings, std::vector<episode_change>& out);
  /// A reading came that is neither judged nor learned: it ends a silence, and no detector sees more of it.
  void hear(std::int64_t time_us, const detect_settings& settings, std::vector<episode_change>& out);
  /// What time alone decides. REQUIRES: now_us not older than the newest reading. Of use from quiet_until_us() on. Silence is told as of
  /// quiet_until_us(), whenever the tick comes, and the same is told when none comes but the next reading.
  void tick(std::int64_t now_us, const detect_settings& settings, std::vector<episode_change>& out);
  /// When the sensor counts as silent if nothing comes; INT64_MAX while it asks for no tick.
  std::int64_t quiet_until_us(const detect_settings& settings) const;

  /// The highest score of the newest reading: what it adds to what is known. 1 and more only where an episode opens, much more is seen than
  /// had opened it, or a course that was not seen before comes in it; the other rows of an episode stay below.
  double newest_score() const { return newest_score_; }
  const episode_book& episodes() const { return episodes_; }

  struct expectation {
    bool by_time_of_day = false;  ///< else by the level alone
    double level = 0, spread = 0, low = 0, high = 0;
    std::uint32_t readings = 0;  ///< learned
    std::uint32_t days = 0;      ///< how often each half hour of a day was seen
    double usual_step = 0;       ///< from reading to reading
    double usual_interval_us = 0;
    std::uint32_t longest_run = 0;
    std::int64_t since_us = INT64_MIN;  ///< learned from then on, to the half hour; INT64_MIN before the first reading
  };
  expectation expected() const;
  /// Whether it has seen enough to speak. Bounds and out_of_range ask for nothing.
  bool warm(detector by) const;
  std::size_t memory_bytes() const;

  void encode(std::string& out) const;  ///< appended
  /// Reads what encode wrote from the front of `in`; false, and the set as new, when damaged or of another version.
  bool decode(std::string_view& in);
  bool operator==(const detector_set&) const = default;

 private:
  std::int64_t pause_limit_us(const detect_settings& settings) const;
  verdict silence_of(std::int64_t pause_us, const detect_settings& settings) const;
  void judge_silence(std::int64_t time_us, double value, const detect_settings& settings, std::vector<episode_change>& out);
  void end_silence(std::int64_t time_us, std::int64_t limit_us, const detect_settings& settings,
                   std::vector<episode_change>& out);
  bool judge_health(std::int64_t time_us, double value, const detect_settings& settings, verdict_list& said);
  void judge_course(std::int64_t time_us, double value, const detect_settings& settings, verdict_list& said,
                    std::vector<episode_change>& out);
  bool judge_jump(std::int64_t time_us, double value, const detect_settings& settings, verdict_list& said,
                  std::vector<episode_change>& out, double& step);
  bool judge_drift(std::int64_t time_us, double value, const detect_settings& settings, verdict_list& said);
  void judge_spread(std::int64_t time_us, double step, const detect_settings& settings, verdict_list& said);
  std::size_t observe_calm(std::span<const std::int64_t> times_us, std::span<const double> values,
                           const detect_settings& settings, std::vector<episode_change>& out);
  void begin_anew(double value);
  double news(const verdict_list& said) const;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit(self.baseline_, self.jump_, self.drift_, self.spread_, self.pattern_, self.stuck_, self.silence_, self.episodes_,
          self.newest_us_, self.newest_value_, self.newest_score_, self.flagged_since_us_, self.was_flat_);
  }

  baseline baseline_;
  jump_detector jump_;
  drift_detector drift_;
  spread_detector spread_;
  pattern_detector pattern_;
  stuck_detector stuck_;
  silence_detector silence_;
  episode_book episodes_;
  std::int64_t newest_us_ = INT64_MIN;
  double newest_value_ = 0, newest_score_ = 0;
  std::int64_t flagged_since_us_ = INT64_MIN;  ///< since when the drift has been there
  bool was_flat_ = false;                      ///< the reading before was flagged as stuck, or out of range
};

}  // namespace factory
