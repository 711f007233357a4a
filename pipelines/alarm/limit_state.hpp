#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pipelines/alarm/alarm_options.hpp"

namespace factory {

/// Where one limit of one sensor stands (ISA-18.2, without what operators do).
///
///   phase      on                                             goes to     at
///   normal     count of of readings breach, no on_delay       active      that reading: raised
///   normal     count of of readings breach                    pending     that reading
///   pending    a reading that does not breach                 normal      that reading
///   pending    time                                           active      begin + on_delay: raised
///   active     a reading back in range, no off_delay          normal      that reading: cleared
///   active     a reading back in range                        returning   that reading
///   returning  a reading that is not back in range            active      that reading
///   returning  time                                           normal      begin + off_delay: cleared
///
/// Where the options say `latch`, what would be cleared is latched instead, until a reset:
///
///   active     a reading back in range, no off_delay          latched     that reading: returned
///   returning  time                                           latched     begin + off_delay: returned
///   latched    count of of readings breach, no on_delay       active      that reading: raised again
///   latched    count of of readings breach                    relapsing   that reading
///   relapsing  a reading that does not breach                 latched     that reading
///   relapsing  time                                           active      begin + on_delay: raised again
///   latched    reset                                          normal      the reset: cleared
///   relapsing  reset                                          pending     the reset: cleared
///
/// What a delay decides happens at a computed time, so it does not matter which later reading or tick brings it to light.
class limit_state {
 public:
  enum class phase : std::uint8_t { normal, pending, active, returning, latched, relapsing };
  /// raised_again: the latched alert is over, and a new one is raised at the same time.
  enum class change : std::uint8_t { none, raised, cleared, returned, raised_again };
  struct outcome {
    change what = change::none;
    std::int64_t at_us = 0;
    std::int64_t ended_us = 0;  ///< raised_again: when the alert was raised that is over
  };
  /// How a reading stands to the limit. `back` is at least the deadband inside it; neither: in the deadband.
  enum class standing : std::uint8_t { breach, deadband, back };

  /// What a delay has decided before `time_us`. To be called before observe(), until it returns none.
  outcome advance_before(const alarm_options& options, std::int64_t time_us) { return advance(options, time_us - 1); }
  /// What a delay has decided up to and including `time_us`: behind observe(), and when a tick says that it is so late.
  outcome advance(const alarm_options& options, std::int64_t time_us);
  /// A reading in event-time order.
  outcome observe(const alarm_options& options, std::int64_t time_us, standing how);
  /// The limit was changed or is gone: normal again; cleared when it was active.
  outcome end(std::int64_t time_us);
  /// An operator has seen to what was latched; nothing happens in any other phase.
  outcome reset(std::int64_t time_us);

  static limit_state raised_at(std::int64_t time_us);

  phase where() const { return phase_; }
  bool is_raised() const { return phase_ != phase::normal && phase_ != phase::pending; }
  bool is_latched() const { return phase_ == phase::latched || phase_ == phase::relapsing; }
  std::int64_t raised_us() const { return raised_us_; }  ///< REQUIRES is_raised()
  /// When a delay ends; nullopt while none runs.
  std::optional<std::int64_t> due_us(const alarm_options& options) const;
  /// Nothing to remember: as if it had just been made.
  bool is_idle() const { return phase_ == phase::normal && breaches_ == 0; }

  void encode(std::string& out) const;  ///< appended
  bool decode(std::string_view& in);    ///< false, and anything in it, when damaged

 private:
  phase phase_ = phase::normal;
  std::int64_t began_us_ = 0;   ///< pending, returning, relapsing: when the delay began
  std::int64_t raised_us_ = 0;  ///< of the alert, from active on
  std::uint64_t breaches_ = 0;  ///< of the newest readings, newest in the lowest bit
};

/// The largest `of`: one bit a reading.
inline constexpr std::uint32_t largest_of = 64;

}  // namespace factory
