#pragma once

#include <cstdint>

#include "actors/correct/judge_again.hpp"
#include "pipelines/model/event.hpp"
#include "pipelines/model/time_range.hpp"
#include "storage/corrections/correction_store.hpp"

namespace factory {

/// When the step was asked for.
std::int64_t when(const correction_store::step& of);
/// What came of a step for one sensor; 0: the caller says of what (machine_past).
event report_of(const correction_store::step& of, sensor_id sensor, const judged_past& judged);
/// Likewise of late readings.
event backlog_report(sensor_id sensor, const time_range& range, std::int64_t recorded_at_us, const judged_past& judged);

/// The range holds these instants, too.
void widen(time_range& range, std::int64_t first_us, std::int64_t last_us);

}  // namespace factory
