#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace factory {

/// The clock on the wall of a place: its distance to UTC, and from when to when in each year summer time holds. It is what POSIX writes as
/// "CET-1CEST,M3.5.0,M10.5.0/3", and holds for all years alike: the same readings are judged the same wherever and whenever that is
/// done, whatever tables of zones are installed there.
struct local_zone {
  /// A day of each year, and the seconds behind its midnight on the wall.
  struct yearly {
    enum class form : std::uint8_t { weekday, day_without_leap_day, day };
    form how{};
    std::uint16_t month = 0, week = 0,
                  day = 0;  ///< weekday: the week'th `day` (0: Sunday) of the month, 5: the last; else day alone
    std::int32_t seconds = 7'200;
    bool operator==(const yearly&) const = default;
  };
  std::int32_t offset_s = 0, summer_offset_s = 0;  ///< to add to UTC
  bool has_summer = false;
  yearly summer_begins, summer_ends;

  /// "UTC", "+01:00", or as POSIX writes it; nullopt for anything else.
  static std::optional<local_zone> parse(std::string_view text);
  std::int64_t offset_us(std::int64_t time_us) const;
  /// When the offset next changes behind `time_us`; INT64_MAX: never.
  std::int64_t next_change_us(std::int64_t time_us) const;
  bool operator==(const local_zone&) const = default;
};

void put_zone(std::string& out, const local_zone& zone);  ///< appended
bool get_zone(std::string_view& in, local_zone& zone);    ///< false, and anything in it, when damaged

}  // namespace factory
