#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "actors/streams/stream_messages.hpp"
#include "pipelines/machine/machine_watch.hpp"

namespace factory {

/// The watch over one machine: the machine detector, fed like an instance of a pipeline. It finds events and makes no readings.
struct machine_actor_state {
  machine_actor_state() = default;  // no aggregate: CAF would fill its first member with the self pointer
  static inline const char* name = "machine";

  std::shared_ptr<live_stream> live;
  stream_ports ports;
  std::unique_ptr<machine_watch> core;
  std::uint64_t applied_sequence = 0;
  std::uint64_t saved_sequence = 0;  ///< the newest state that was handed to the store had seen the entries up to here
  machine_watch::span told_again;    ///< what it said last of readings that it could not take in as they count
  std::optional<stream_pause> pause;
  std::vector<stream_entries> kept;  ///< while it stands still
};

stream_actor::behavior_type machine_actor(stream_actor::stateful_pointer<machine_actor_state> self,
                                          std::shared_ptr<live_stream> live, stream_ports ports, const stream_times& times);

}  // namespace factory
