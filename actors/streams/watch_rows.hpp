#pragma once

#include <cstdint>
#include <span>

#include "actors/streams/stream_messages.hpp"
#include "pipelines/correct/correction_overlay.hpp"

namespace factory {

/// Appends what a watch takes of a sensor's rows. Of the good readings that one cell holds, the newest is enough: so many of a fast sensor cost little.
/// Readings of spans that detectors neither judge nor learn are left out; those that do not count keep their flags.
void add_newest_of_cells(stream_entries& to, std::span<const std::int64_t> times_us, std::span<const double> values,
                         std::span<const std::uint8_t> flags, const correction_overlay* corrections);

}  // namespace factory
