#pragma once

#include <cstdint>
#include <string_view>
#include <tl/expected.hpp>

namespace factory {

/// Why a text gave no time.
enum class time_fault : std::uint8_t { not_a_time, out_of_range };

/// What parse_time_us() does, with the reason. RFC 3339 text, or its common relaxations: a space for the T, no seconds fraction, no
/// seconds, no offset (means UTC), an offset of hours alone (+02) or without its colon (+0200), date alone (midnight). Finer than a
/// microsecond is truncated. Leap second 60 is taken as the next second. `not_a_time` for anything else, month 13 and February 30
/// included; `out_of_range` for times outside of the years 1678 to 2261.
tl::expected<std::int64_t, time_fault> read_time(std::string_view text);

}  // namespace factory
