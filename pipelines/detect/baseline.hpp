#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "pipelines/model/shared_value.hpp"

namespace factory {

/// What a sensor usually shows: its level, its spread, and what it shows at each half hour of a day once that was seen. Only readings
/// that are not flagged are learned. Three weeks on, weekends have a profile of their own.
///
///   level   mean that forgets within 200 readings, with steps clipped to three spreads (Huber 1964)
///   spread  mean absolute deviation from it
///   slot    mean of the readings of one half hour, and how its visits differ; a visit needs three readings
class baseline {
 public:
  static constexpr std::int64_t slot_us = 1'800'000'000;
  static constexpr std::size_t slots_a_day = 48;

  struct band {
    bool known = false;
    double low = 0, high = 0;
    double centre = 0;  ///< mean of this half hour; what it was at the last one that was known
    bool operator==(const band&) const = default;
  };
  /// What each reading moves. Small, so that readings can be tried on a copy.
  struct course {
    double level = 0, spread = 0, scatter = 0;
    double sum = 0;  ///< of this half hour
    std::uint32_t count = 0, in_slot = 0;

    [[gnu::always_inline]] void learn(double value, const band& usual) {
      if (count == 0) level = value;
      if (count < count_most) ++count;
      const double share = count < 2'000 ? 1.0 / count : 0;
      const double off = value - level;
      const double clipped = count > 20 && spread > 0 ? std::clamp(off, -3 * spread, 3 * spread) : off;
      level += std::max(level_rate, share) * clipped;
      spread += std::max(spread_rate, share) *
                (std::min(std::abs(off), count > 20 && spread > 0 ? 5 * spread : std::abs(off)) - spread);
      sum += value;
      ++in_slot;
      const double centre = usual.known ? usual.centre : sum / in_slot;
      const double beside = std::abs(value - centre);
      const double most = count > 100 && scatter > 0 ? 4 * scatter : beside;
      scatter += std::max(1.0 / 2'000, share) * (std::min(beside, most) - scatter);
    }
    bool operator==(const course&) const = default;
  };

  /// Moves to the half hour of `time_us`: what was learned in the one before is kept when it was not spoilt.
  void advance(std::int64_t time_us) {
    if (!begun_ || time_us - slot_begin_us_ >= slot_us || time_us < slot_begin_us_) enter(time_us);
  }
  /// Joins a reading that nothing was found in.
  void learn(double value) { course_.learn(value, usual_); }
  /// For readings of this half hour: a copy that has learned them takes the place of what is known.
  const course& known() const { return course_; }
  void take(const course& learned) { course_ = learned; }
  /// Whether a reading, not older than those before, is of the same half hour as the newest one.
  bool is_same_slot(std::int64_t time_us) const { return begun_ && time_us - slot_begin_us_ < slot_us; }
  /// Nothing of this half hour is kept.
  void spoil() { spoilt_ = true; }
  /// The level is another one from now on, everywhere.
  void shift(double by);
  /// What each time of day shows is learned anew.
  void forget_profile() {
    slots_ = {};
    know_no_band();
    spoilt_ = true;
  }
  /// What this time of day has shown before, with the half hours beside it; not known before all three were visited.
  const band& usual_now() const { return usual_; }

  double level() const { return course_.level; }
  double spread() const { return course_.spread; }
  /// Mean absolute deviation of readings from the mean of their half hour; the machine's cycle and noise.
  double scatter() const { return course_.scatter; }
  std::uint32_t count() const { return course_.count; }
  std::int64_t since_us() const { return begun_ ? first_slot_ * slot_us : INT64_MIN; }  ///< its first half hour
  std::uint32_t visits() const;  ///< of the half hour that was visited least; 0 while the day is not full
  std::size_t memory_bytes() const { return sizeof *this + slots_.read().capacity() * sizeof(slot); }

  bool operator==(const baseline&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit(self.course_.level, self.course_.spread, self.course_.scatter, self.anchor_, self.course_.sum, self.usual_.centre,
          self.usual_.known, self.usual_.low, self.usual_.high, self.first_slot_, self.slot_, self.slot_begin_us_, self.slots_,
          self.course_.count, self.course_.in_slot, self.spoilt_, self.begun_);
  }

 private:
  struct slot {
    float mean = 0, deviation = 0;  ///< mean relative to anchor_
    std::uint32_t visits = 0;
    bool operator==(const slot&) const = default;
    template <class Self, class Visit>
    static void fields(Self& self, Visit& visit) {
      visit(self.mean, self.deviation, self.visits);
    }
  };
  void enter(std::int64_t time_us);
  void commit();
  void look_up();
  void know_no_band() { usual_ = {false, 0, 0, usual_.centre}; }
  std::size_t place(std::int64_t half_hour) const;

  static constexpr double level_rate = 1.0 / 200, spread_rate = 1.0 / 200;
  static constexpr std::uint32_t count_most = 1'000'000'000;

  course course_;
  double anchor_ = 0;  ///< the level when the profile began
  band usual_;
  std::int64_t first_slot_ = 0, slot_ = 0;  ///< half hours since the epoch
  std::int64_t slot_begin_us_ = 0;
  shared_value<std::vector<slot>> slots_;  ///< none before the first half hour is over; 48, or 96 with weekends apart
  bool spoilt_ = false, begun_ = false;
};

}  // namespace factory
