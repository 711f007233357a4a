#pragma once

#include "pipelines/model/reading.hpp"

#include <cstdint>
#include <vector>

namespace factory {

/// One run out of several, given oldest write first: of rows with the same time the one of the later run stays.
reading_run merge_runs(std::vector<reading_run> oldest_first);

}  // namespace factory
