#pragma once

#include <cstdint>
#include <string_view>

#include "pipelines/detect/episode.hpp"
#include "pipelines/model/event.hpp"

namespace factory {

/// A change of an episode as an event with an episode_detail, without its sentence and what only its judge knows. `of` says whose it is: sensor,
/// source and rule.
event event_of(const episode_change& change, const event_key& of, std::int64_t received_at_us);
/// Likewise of an episode that another judge than the detectors of the registry has found.
event event_of(const episode_change& change, const event_key& of, std::string_view name, std::uint32_t version,
               std::int64_t received_at_us);

}  // namespace factory
