#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "pipelines/stream/stream_past.hpp"
#include "storage/series/time_series.hpp"

namespace factory {

/// Stored rows of several sensors in the order of places (source_place), as they count; those that are left out not among them.
class source_rows_reader final : public past_rows {
 public:
  source_rows_reader(const time_series& series, const std::atomic<bool>& stopping) : series_(series), stopping_(stopping) {}
  /// The next sensor, with what its readings count as. `without_rests`: those are left out too that detectors neither judge nor learn.
  void add(sensor_cut with_overlay, bool without_rests = false);

  expected<void> seek(std::int64_t from_us) override;
  expected<stream_instance::placed_rows> next() override;

 private:
  struct source {
    sensor_cut cut;
    bool without_rests;
    reading_run rows;
    std::size_t at;
    std::int64_t from_us;  ///< read up to here
    bool is_at_end;
  };
  expected<void> fill(source& it);
  bool merge(std::int64_t until_us, stream_instance::placed_rows& out);

  const time_series& series_;
  const std::atomic<bool>& stopping_;
  std::vector<source> sources_;
};

}  // namespace factory
