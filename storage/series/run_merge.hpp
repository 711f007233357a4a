#pragma once

#include "pipelines/model/reading.hpp"

#include <cstdint>
#include <vector>

namespace factory {

/// The rows of a run with begin_us <= time < end_us.
reading_run cut_out(const reading_run& rows, std::int64_t begin_us, std::int64_t end_us);

/// One run out of several, given oldest write first: of rows with the same time the one of the later run stays.
reading_run merge_runs(std::vector<reading_run> oldest_first);

}  // namespace factory
