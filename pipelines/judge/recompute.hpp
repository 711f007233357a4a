#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "pipelines/judge/stream_rules.hpp"
#include "pipelines/model/finding.hpp"
#include "pipelines/model/reading.hpp"
#include "pipelines/model/time_range.hpp"

namespace factory {

/// The finding that this is the key of, made again from readings: a sensor without any past is given the rows in order, with these rules. Nothing
/// when the detectors do not find it in them, which needs the rows that they had learned from. Rows that nobody judges (late, future, bad, excluded) are
/// left out; those in `rests` are neither judged nor learned (sensor_judge::rest). REQUIRES: rows of the sensor of the key, in time order.
std::optional<finding> recompute(const event_key& any, const stream_rules& rules, const reading_run& rows,
                                 std::vector<time_range> rests = {});

/// Whether two findings say the same of the readings: begin, count, and the figures of the peak, within rounding.
bool same_figures(const finding& a, const finding& b);

}  // namespace factory
