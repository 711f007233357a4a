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
/// What a delay decides happens at a computed time, so it does not matter which later reading or tick brings it to light.
class limit_state {
 public:
  enum class phase : std::uint8_t { normal, pending, active, returning };
  enum class change : std::uint8_t { none, raised, cleared };
  struct outcome {
    change what = change::none;
    std::int64_t at_us = 0;
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

  static limit_state raised_at(std::int64_t time_us);

  phase where() const { return phase_; }
  bool is_raised() const { return phase_ == phase::active || phase_ == phase::returning; }
  std::int64_t raised_us() const { return raised_us_; }  ///< REQUIRES is_raised()
  /// When a delay ends; nullopt while none runs.
  std::optional<std::int64_t> due_us(const alarm_options& options) const;
  /// Nothing to remember: as if it had just been made.
  bool is_idle() const { return phase_ == phase::normal && breaches_ == 0; }

  void encode(std::string& out) const;  ///< appended
  bool decode(std::string_view& in);    ///< false, and anything in it, when damaged

 private:
  phase phase_ = phase::normal;
  std::int64_t began_us_ = 0;   ///< pending, returning: when the delay began
  std::int64_t raised_us_ = 0;  ///< active, returning
  std::uint64_t breaches_ = 0;  ///< of the newest readings, newest in the lowest bit
};

/// The largest `of`: one bit a reading.
inline constexpr std::uint32_t largest_of = 64;

}  // namespace factory
