#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "pipelines/model/event.hpp"

namespace factory {

/// Events with such revisions were found when readings of the past were judged again: after a correction, or for readings that came later than
/// the allowed lateness. They stand at their own times and notify nobody. What the live side says has revisions below.
inline constexpr std::uint32_t historical_revision = 1U << 31U;
inline bool is_historical(const event_key& key) { return key.revision >= historical_revision; }

/// The events that make of a finding what it should be, in order, all historical.
///   stored    all events of the finding in the log, by sequence
///   wanted    the events that judging again gives of it; empty: it is not found any more
///   reason    half a sentence, as in revised and withdrawn events
/// Nothing when the finding stands as wanted, so telling again after a crash changes nothing. What people said of it stays.
std::vector<event> told_again(std::span<const event> stored, std::span<const event> wanted, std::string_view reason,
                              std::int64_t recorded_at_us);

}  // namespace factory
