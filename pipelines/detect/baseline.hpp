#pragma once

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
    bool operator==(const band&) const = default;
  };

  /// Moves to the half hour of `time_us`: what was learned in the one before is kept when it was not spoilt.
  void advance(std::int64_t time_us) {
    if (!begun_ || time_us - slot_begin_us_ >= slot_us || time_us < slot_begin_us_) enter(time_us);
  }
  /// Joins a reading that nothing was found in.
  void learn(double value);
  /// Nothing of this half hour is kept.
  void spoil() { spoilt_ = true; }
  /// The level is another one from now on, everywhere.
  void shift(double by);
  /// What each time of day shows is learned anew.
  void forget_profile() {
    slots_ = {};
    usual_ = {};
    spoilt_ = true;
  }
  /// What this time of day has shown before, with the half hours beside it; not known before all three were visited.
  const band& usual_now() const { return usual_; }

  double level() const { return level_; }
  double spread() const { return spread_; }
  /// Mean absolute deviation of readings from the mean of their half hour; the machine's cycle and noise.
  double scatter() const { return scatter_; }
  std::uint32_t count() const { return count_; }
  std::int64_t since_us() const { return begun_ ? first_slot_ * slot_us : INT64_MIN; }  ///< its first half hour
  std::uint32_t visits() const;  ///< of the half hour that was visited least; 0 while the day is not full
  std::size_t memory_bytes() const { return sizeof *this + slots_.read().capacity() * sizeof(slot); }

  bool operator==(const baseline&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit(self.level_, self.spread_, self.scatter_, self.anchor_, self.sum_, self.slot_mean_, self.usual_.known, self.usual_.low,
          self.usual_.high, self.first_slot_, self.slot_, self.slot_begin_us_, self.slots_, self.count_, self.in_slot_,
          self.spoilt_, self.begun_);
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
  std::size_t place(std::int64_t half_hour) const;

  double level_ = 0, spread_ = 0, scatter_ = 0;
  double anchor_ = 0;  ///< the level when the profile began
  double sum_ = 0, slot_mean_ = 0;
  band usual_;
  std::int64_t first_slot_ = 0, slot_ = 0;  ///< half hours since the epoch
  std::int64_t slot_begin_us_ = 0;
  shared_value<std::vector<slot>> slots_;  ///< none before the first half hour is over; 48, or 96 with weekends apart
  std::uint32_t count_ = 0;
  std::uint32_t in_slot_ = 0;
  bool spoilt_ = false, begun_ = false;
};

}  // namespace factory
