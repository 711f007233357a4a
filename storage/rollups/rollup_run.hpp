#pragma once

#include <functional>

#include "storage/base/rocks.hpp"
#include "storage/rollups/rollups.hpp"

/// For this room only: how roll-ups are brought up to date.
namespace factory {

/// The readings of a range by minute, ascending, empty ones left out.
using minute_source = std::function<expected<std::vector<bucket>>(const time_range& range)>;

/// What rollup_store::refresh does, with the readings from anywhere.
expected<std::uint64_t> refresh_rollups(database::impl& rocks, const rollup_store& store, const sensor_cut& cut,
                                        const minute_source& readings);

}  // namespace factory
