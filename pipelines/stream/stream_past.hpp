#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "pipelines/model/result.hpp"
#include "pipelines/stream/stream_instance.hpp"

namespace factory {

/// The readings of an instance's sources as they count now, those that are left out not among them, by place (source_place).
class past_rows {
 public:
  virtual ~past_rows() = default;
  /// next() goes on with the rows from this time on.
  virtual expected<void> seek(std::int64_t from_us) = 0;
  /// The next rows; none when there are no more.
  virtual expected<stream_instance::placed_rows> next() = 0;
};

/// What an instance should have told of a part of the past: of results in [from_us, until_us), and of findings that begin in
/// [findings_from_us, until_us).
struct computed_past {
  std::int64_t from_us = INT64_MIN, until_us = INT64_MIN;
  std::int64_t findings_from_us = INT64_MIN;
  std::int64_t settled_until_us = INT64_MIN;  ///< results from here on may still change in the instance itself
  bool reaches_live = false;                  ///< the instance stands anew, and until_us is INT64_MAX
  std::vector<stream_result> results;         ///< by time
  std::vector<event> events;                  ///< in the order of their results; those that state a finding come first of it
};

/// Computes the results again that readings of [begin_us, end_us) have a part in, and what event sinks say of them. Begins where rows before that have
/// no more part in it, and ends where they have none any more; so it costs what the range costs, and the windows and findings that reach into it or out of
/// it. Pipelines that never forget (stream_plan::forgets) are computed from the first reading of the instance on. Where the range has a part in what
/// the instance may still change, the instance is made to stand as if the readings had always counted so.
/// Errors: too_large when more than limits::stream_rows_again rows would have to be read.
/// REQUIRES: the instance gets no rows meanwhile, and rows() has all that it has seen.
expected<computed_past> compute_again(const std::shared_ptr<const stream_plan>& plan, const stream_subject& subject,
                                      std::int64_t begin_us, std::int64_t end_us, past_rows& rows, stream_instance& live);

}  // namespace factory
