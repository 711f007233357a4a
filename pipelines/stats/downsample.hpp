#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "pipelines/stats/statistics.hpp"

namespace factory {

/// Functions of a down-sampled bucket: avg min max sum count first last std_dev.
enum class bucket_function : std::uint8_t { avg, min, max, sum, count, first, last, std_dev };
std::optional<bucket_function> parse_bucket_function(std::string_view text);
std::string_view to_text(bucket_function fn);
double value_of(const summary& s, bucket_function fn);

/// Start of the bucket of width step_us that holds time_us; buckets are aligned to the epoch, [start, start + step).
std::int64_t bucket_start(std::int64_t time_us, std::int64_t step_us);

struct bucket {
  std::int64_t start_us = 0;
  summary values;
};

}  // namespace factory
