#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/alarm/local_zone.hpp"

namespace factory {

/// The times of the week at which a rule is in force, by the clock on the wall. Without shifts it always is.
struct weekly_schedule {
  /// From `from_us` behind midnight of each of its days to `to_us`, which may be of the next day: it is when it is not above `from_us`.
  struct shift {
    std::uint8_t days = 0;  ///< bit 0: Monday ... bit 6: Sunday
    std::int64_t from_us = 0, to_us = 0;
    bool operator==(const shift&) const = default;
  };
  std::vector<shift> shifts = {};
  std::string zone_name = {};  ///< as it was given
  local_zone zone = {};

  bool always() const { return shifts.empty(); }
  bool covers(std::int64_t time_us) const;
  /// The first instant from `time_us` on that it does not cover, or does; INT64_MAX: there is none.
  std::int64_t ends_us(std::int64_t time_us) const { return always() ? INT64_MAX : first_us(time_us, false); }
  std::int64_t begins_us(std::int64_t time_us) const { return always() ? time_us : first_us(time_us, true); }
  bool operator==(const weekly_schedule&) const = default;

 private:
  bool covers_in_week(std::int64_t of_week_us) const;
  std::int64_t first_us(std::int64_t time_us, bool covered) const;
};

inline constexpr std::array<std::string_view, 7> week_days{"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
std::string clock_text(std::int64_t of_day_us);  ///< "06:30"
/// For tables that people read: `mon,tue 06:00-14:00; sat 22:00-06:00 Europe/Berlin`; empty: always.
std::string to_text(const weekly_schedule& schedule);

void put_schedule(std::string& out, const weekly_schedule& schedule);  ///< appended
bool get_schedule(std::string_view& in, weekly_schedule& schedule);    ///< false, and anything in it, when damaged

}  // namespace factory
