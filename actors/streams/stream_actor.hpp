#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "actors/streams/stream_messages.hpp"
#include "actors/streams/stream_outbox.hpp"
#include "pipelines/stream/stream_instance.hpp"

namespace factory {

struct stream_actor_state {
  stream_actor_state() = default;  // no aggregate: CAF would fill its first member with the self pointer
  static inline const char* name = "stream";

  std::shared_ptr<live_stream> live;
  stream_ports ports;
  std::unique_ptr<stream_instance> core;
  stream_outbox outbox;
  std::vector<std::shared_ptr<void>> held;  ///< credits of entries whose results are not yet handed over
  bool replaying = false;  ///< what comes of the entries may be in the journal: only the last of each time is written
  std::uint64_t applied_sequence = 0;
  std::optional<stream_pause> pause;  ///< it stands still
  bool pause_is_answered = false;
  std::vector<stream_entries> kept;  ///< that came since
  stream_instance::span told_again;  ///< what of core->again() the recomputer knows
};

stream_actor::behavior_type stream(stream_actor::stateful_pointer<stream_actor_state> self, std::shared_ptr<live_stream> live,
                                   stream_ports ports, const stream_times& times);

}  // namespace factory
