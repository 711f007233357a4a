#pragma once

#include <functional>

#include "storage/base/rocks.hpp"
#include "storage/rollups/rollups.hpp"

/// For this room only: how roll-ups are brought up to date.
namespace factory {

/// The readings of a range by minute, ascending, empty ones left out.
using minute_source = std::function<expected<std::vector<bucket>>(const time_range& range)>;

/// The work of rollup_store::refresh, with readings from any source.
expected<std::uint64_t> refresh_rollups(database::impl& rocks, const rollup_store& store, const sensor_cut& cut,
                                        const minute_source& readings);

}  // namespace factory
