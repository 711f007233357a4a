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
/// Those that the live judges say themselves, of what is still judged again when they take over such a past (hand_over.hpp).
inline constexpr std::uint32_t live_historical_revision = historical_revision + (1U << 30U);
inline bool is_historical(const event_key& key) { return key.revision >= historical_revision; }

/// The events that make of a finding what it should be, in order, all historical.
///   stored    all events of the finding in the log, by sequence
///   wanted    the events that judging again gives of it; empty: it is not found any more
///   reason    half a sentence, as in revised and withdrawn events
///   until_us  of both, what happened later is left as it stands
/// Nothing when the finding stands as wanted, so telling again after a crash changes nothing. What people said of it stays.
std::vector<event> told_again(std::span<const event> stored, std::span<const event> wanted, std::string_view reason,
                              std::int64_t recorded_at_us, std::int64_t until_us = INT64_MAX);

}  // namespace factory
