#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <vector>

#include "pipelines/model/reading.hpp"

namespace factory {

/// What of each sensor's readings is judged, beside its actor: the actor writes, whoever takes readings in and the metrics read.
/// Thread-safe; a record stays where it is, also when its sensor is deleted, so totals never fall.
class judging_book {
 public:
  struct record {
    std::atomic<std::int64_t> floor_us{INT64_MIN};               ///< older readings are not judged any more
    std::atomic<std::uint64_t> late{0}, future{0}, left_out{0};  ///< stored and not judged, in all
  };
  struct totals {
    std::uint64_t late = 0, future = 0, left_out = 0;
  };

  std::shared_ptr<record> of(sensor_id sensor) {
    const std::unique_lock lock(mutex_);
    const auto place = sensor / chunk_size;
    if (place >= chunks_.size()) chunks_.resize(place + 1U);
    auto& chunk = chunks_[place];
    if (!chunk) chunk = std::make_shared<records>();
    return {chunk, &(*chunk)[sensor % chunk_size]};
  }

  /// How many of the readings will not be judged as far as is known now: bad ones, those from the future, and those that are older than
  /// what their sensor's actor, which may be behind, still judges.
  std::uint64_t not_judged(const reading_batch& readings, std::int64_t latest_us) const {
    std::uint64_t count = 0;
    const std::shared_lock lock(mutex_);
    for (const slice& rows : readings.slices) {
      const auto place = rows.sensor / chunk_size;
      const auto* const chunk = place < chunks_.size() ? chunks_[place].get() : nullptr;
      const auto floor_us = chunk ? (*chunk)[rows.sensor % chunk_size].floor_us.load(std::memory_order_relaxed) : INT64_MIN;
      const auto times = readings.times(rows);
      std::uint64_t outside = 0;
      for (const auto time_us : times) outside += time_us < floor_us || time_us > latest_us ? 1U : 0U;
      if (!readings.flags.empty()) {
        const auto flags = readings.flags_of(rows);
        for (std::size_t row = 0; row < flags.size(); ++row)
          if (is_left_out(flags[row]) && times[row] >= floor_us && times[row] <= latest_us) ++outside;
      }
      count += outside;
    }
    return count;
  }

  totals all() const {
    totals sum;
    const std::shared_lock lock(mutex_);
    for (const auto& chunk : chunks_) {
      if (!chunk) continue;
      for (const auto& each : *chunk) {
        sum.late += each.late.load(std::memory_order_relaxed);
        sum.future += each.future.load(std::memory_order_relaxed);
        sum.left_out += each.left_out.load(std::memory_order_relaxed);
      }
    }
    return sum;
  }

 private:
  static constexpr std::size_t chunk_size = 1'024;
  using records = std::array<record, chunk_size>;
  mutable std::shared_mutex mutex_;
  std::vector<std::shared_ptr<records>> chunks_;
};

}  // namespace factory
