#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipelines/machine/machine_watch.hpp"
#include "pipelines/model/reading.hpp"
#include "pipelines/stream/stream_counts.hpp"

namespace factory {

/// What an instance's actor says of itself.
struct stream_view {
  stream_counts counts;
  std::optional<stream_fault> fault;
  std::optional<std::int64_t> watermark_us;
  std::uint64_t applied_sequence = 0;
  std::uint64_t waiting_results = 0;                 ///< not yet committed
  std::shared_ptr<const machine_view> machine = {};  ///< of the watch over a machine
};

enum class stream_condition : std::uint8_t { running, catching_up, failed };

/// An instance of a pipeline and how it stands, for people.
struct stream_report {
  machine_id machine = 0;  ///< 0: the pipeline has one instance
  std::vector<sensor_id> sources, sinks;
  stream_condition state = stream_condition::running;
  std::uint64_t queued_readings = 0;  ///< waiting for it, or for the commit of what came of them
  std::uint64_t restarts = 0;
  std::string failure;              ///< why it stays down
  std::optional<stream_view> seen;  ///< nothing: its actor did not answer
};

/// A machine for which a pipeline has no instance though its sources are there, since the catalog changed.
struct left_out_machine {
  machine_id machine = 0;  ///< 0: the pipeline is not per machine
  std::string reason;
  bool operator==(const left_out_machine&) const = default;
};

}  // namespace factory
