#pragma once

#include <atomic>
#include <memory>
#include <variant>
#include <vector>

#include "actors/analysis/stage.hpp"
#include "actors/correct/backlog_book.hpp"
#include "actors/interfaces.hpp"
#include "actors/sensors/judging_book.hpp"
#include "actors/sensors/saved_state.hpp"
#include "actors/sensors/sensor_state.hpp"

namespace factory {

/// The parts of a sensor actor, and the actors that it sends to.
struct sensor_parts {
  sensor_id sensor = 0;
  bool stores_readings = true;               ///< false: what is judged goes
  std::shared_ptr<const stage_line> behind;  ///< of its shard
  std::uint64_t restarts = 0;
  std::shared_ptr<std::atomic<std::uint64_t>> taken_in;  ///< newest entry applied, for the rebuilder; may be null
  std::shared_ptr<tick_book> ticks = {};                 ///< null: no time passes
  std::shared_ptr<judging_book::record> judging = {};    ///< what is told to those who take readings in; may be null
  std::shared_ptr<backlog_book> backlog = {};            ///< told of readings that come too late; may be null
};

struct sensor_actor_state {
  sensor_actor_state() = default;  // no aggregate: CAF would fill its first member with the self pointer
  static inline const char* name = "sensor";
  using waiting =
      std::variant<new_readings, new_config, new_command, new_tick, view_request, persist_request, retire_order, backlog_judged>;

  sensor_parts parts;
  std::unique_ptr<sensor_state> core;
  bool restored = false;  ///< false: messages are kept back
  bool watched = false;   ///< has limits or rules: its readings go to the threshold actor
  std::vector<waiting> kept_back;
  std::uint64_t applied_sequence = 0;    ///< newest entry applied
  std::uint64_t persisted_sequence = 0;  ///< newest entry in a saved state
  std::int64_t asked_us = INT64_MAX;     ///< the tick that it asked the book for
  late_span late;                        ///< of readings that were not judged yet
};

sensor_actor::behavior_type sensor(sensor_actor::stateful_pointer<sensor_actor_state> self, sensor_parts parts,
                                   const stream_rules& rules);

}  // namespace factory
