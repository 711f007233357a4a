#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "actors/interfaces.hpp"

namespace factory {

/// A stage of the analysis chain: what is found behind the sensors of a shard. An object without CAF; run_stage() is its actor. It gets what
/// its kind wants (stage_kind), in the order in which each sensor sent it, and hands what it finds to the store.
class stage {
 public:
  virtual ~stage() = default;
  virtual void record(const found_events&) {}     ///< what a sensor's own detectors found
  virtual void observe(const alarm_readings&) {}  ///< readings that can move an alarm
  virtual void configure(const new_config&) {}    ///< limits and rules
  virtual void obey(const new_command&) {}        ///< of an operator; also for a sensor that has no actor
  virtual void pass_time(const new_tick&) {}      ///< a tick
  virtual void adopt(const adopt_order&) {}       ///< what it saved of a sensor, when the sensor starts again
  virtual void save(saved_sensor&) {}             ///< appends its part (saved_state.hpp), when it keeps one
  virtual void forget(sensor_id) {}               ///< the sensor is deleted
  virtual void look(const drain_order&) {}        ///< fills what is asked
};

/// What sensors tell stages, beside what concerns them all: states on their way to the store, and deletions.
enum class stage_input : std::uint8_t { found_events, alarm_readings, config, command, tick };
inline constexpr std::size_t stage_inputs = 5;

template <class Message>
inline constexpr stage_input input_of = stage_input::found_events;
template <>
inline constexpr stage_input input_of<alarm_readings> = stage_input::alarm_readings;
template <>
inline constexpr stage_input input_of<new_config> = stage_input::config;
template <>
inline constexpr stage_input input_of<new_command> = stage_input::command;
template <>
inline constexpr stage_input input_of<new_tick> = stage_input::tick;

/// What a stage works with.
struct stage_parts {
  persistence store;
  std::shared_ptr<tick_book> ticks;
};

struct stage_kind {
  const char* name = "";
  std::vector<stage_input> wants;
  bool keeps_state = false;  ///< it appends a part to each saved state, and adopts it
  bool own_thread = false;   ///< in the scheduler's queue it would wait behind busy sensors
  std::function<std::unique_ptr<stage>(const stage_parts&)> make;
};
/// The chain, in the order in which saved states go through it. A new stage is a line here and a file of its own. One that keeps state
/// comes behind those that do: its part is the last of a saved state, and is missing in older ones.
std::span<const stage_kind> analysis_chain();

struct stage_actor_state {
  stage_actor_state() = default;  // no aggregate: CAF would fill its first member with the self pointer
  const char* name = "stage";
  std::unique_ptr<stage> what;
  stage_actor next;  ///< of the same sensors; null: the store is next
  persistence store;
};
/// The actor of a stage: gives it its messages, and passes saved states, drains and deletions on behind what it handed to the store.
stage_actor::behavior_type run_stage(stage_actor::stateful_pointer<stage_actor_state> self, const stage_kind* kind,
                                     stage_parts parts, stage_actor next);

/// The stages of a shard.
struct stage_line {
  std::vector<stage_actor> stages;                             ///< in the order of the chain
  std::array<std::vector<stage_actor>, stage_inputs> wanting;  ///< by stage_input
  std::vector<stage_actor> keeping;                            ///< by the number of their part in a saved state

  /// What goes through all of them begins here.
  const stage_actor& front() const { return stages.front(); }
  void add(const stage_kind& kind, const stage_actor& actor) {
    stages.insert(stages.begin(), actor);
    for (const auto input : kind.wants) {
      auto& those = wanting.at(static_cast<std::size_t>(input));
      those.insert(those.begin(), actor);
    }
    if (kind.keeps_state) keeping.insert(keeping.begin(), actor);
  }
  /// `send(actor, message)` for each that wants such a message.
  template <class Message, class Send>
  void tell(Message message, Send send) const {
    const auto& those = wanting[static_cast<std::size_t>(input_of<Message>)];
    for (std::size_t i = 0; i + 1 < those.size(); ++i) send(those[i], message);
    if (!those.empty()) send(those.back(), std::move(message));
  }
};

/// The whole chain. `spawn(kind, next)` makes the actor of a stage.
template <class Spawn>
std::shared_ptr<const stage_line> make_stage_line(Spawn spawn) {
  auto line = std::make_shared<stage_line>();
  stage_actor next;
  const auto chain = analysis_chain();
  for (auto kind = chain.rbegin(); kind != chain.rend(); ++kind) {
    next = spawn(*kind, next);
    line->add(*kind, next);
  }
  return line;
}

}  // namespace factory
