#pragma once

#include <caf/all.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "actors/flow/flow.hpp"
#include "actors/flow/reply.hpp"
#include "actors/flow/tick_book.hpp"
#include "actors/sensors/views.hpp"
#include "pipelines/alarm/alarm_row.hpp"
#include "pipelines/alarm/anomaly_note.hpp"
#include "pipelines/alarm/limit_order.hpp"
#include "pipelines/model/event.hpp"
#include "storage/admin/job_store.hpp"
#include "storage/journal/journal.hpp"
#include "storage/state/store_writer.hpp"

/// Every actor of the engine and every message, on one page. `anomaly` and `threshold` are the stages of the analysis chain.
///
///   dispatcher -------- new_readings, sensor_order (new_config, new_command) --> sensor (one per sensor)
///   tick_book --------- new_tick -----------------> sensor --> threshold    (sensors that wait for time; the sensor may be silent)
///   query thread ------ view_request -------------> sensor
///   sensor ------------ found_events -------------> anomaly                 (what its own detectors found)
///   sensor ------------ alarm_readings -----------> threshold               (readings that can move an alarm)
///   sensor ------------ new_config, new_command --> threshold
///   sensor ------------ save_order ---------------> all stages, one after the other --> store_writer
///   sensor ------------ drain_order --------------> all stages likewise      (an answer that must not overtake a saved state)
///   clock, HTTP thread - job_due, run_order ------> job_runner              (on a thread of its own)
///   anomaly, threshold - events ------------------> store_writer
///
/// Messages between two actors keep their order. A saved state takes the way of the readings. So the events of earlier readings reach
/// the store before the saved state does: a state on disk never outruns its events.
/// No message is ever serialized: all actors live in one process and share what a message points to.
namespace factory {

/// Rows of a group of batches that belong to the receiving sensor.
struct new_readings {
  std::shared_ptr<const batch_group> group;
  std::uint32_t begin = 0, end = 0;  ///< of its parts
  std::shared_ptr<void> turn = {};   ///< released as soon as the part has left the mailbox; the next group waits for that

  std::span<const batch_group::rows> parts() const { return std::span(group->parts).subspan(begin, end - begin); }
};

/// What the detectors of one sensor say about its readings. Nearly all slices give nothing; a message for every slice would cost as much as
/// all the sensor's own work.
struct found_events {
  std::shared_ptr<const batch_flow> flow;  ///< null: time alone decided
  sensor_id sensor = 0;
  std::vector<event> events;
  std::shared_ptr<const void> under_way = {};  ///< counted until it goes; only where there is no flow
};

/// Readings of one sensor that can move its alarms: those that breach a limit, and each reading that follows a breach. Where a reading
/// came late or was corrected: it and its successor, if it or what it replaced or what stands before it breaches. Where a rule is about
/// quality: all, and those that are of bad quality.
struct alarm_readings {
  std::shared_ptr<const batch_flow> flow;
  sensor_id sensor = 0;
  std::vector<alarm_row> rows;                 ///< in event-time order
  std::int64_t floor_us = INT64_MIN;           ///< no older reading comes later
  bool begin_anew = false;                     ///< these stand in no order to those before: the sensor's clock was set back
  std::vector<anomaly_change> anomalies = {};  ///< what its detectors say; only where a rule is about that
};

/// New limits and rules, at their place among the readings.
struct new_config {
  std::uint64_t sequence = 0;
  std::int64_t received_at_us = 0;
  std::shared_ptr<const sensor_config> config;
  std::shared_ptr<void> under_way = {};  ///< counted until it goes
  /// The sensor adds these for the threshold actor.
  std::int64_t at_us = INT64_MIN;              ///< in force behind the readings up to here, whenever they come
  std::int64_t floor_us = INT64_MIN;           ///< no older reading comes later
  std::vector<alarm_row> newer = {};           ///< readings behind that place that are there already
  std::vector<anomaly_change> anomalies = {};  ///< as in alarm_readings
};

/// A command of an operator, at its place among the readings. One of a sensor that has no actor (it is deleted or stays down) goes to the
/// threshold actor alone, which does what needs no state of the sensor.
struct new_command {
  std::uint64_t sequence = 0;
  std::int64_t received_at_us = 0;
  std::shared_ptr<const operator_command> command;
  std::shared_ptr<void> under_way = {};  ///< counted until it goes
  /// The sensor adds these, as to new_config.
  std::int64_t at_us = INT64_MIN, floor_us = INT64_MIN;
  std::vector<anomaly_change> anomalies = {};
  /// Of a hand_over: whether the sensor takes it over; then all its readings behind the edge.
  bool is_due = false;
  std::vector<alarm_row> rows = {};
};

/// Time has passed, and one of the sensor's actors waits for that. All entries before the tick were sent earlier.
struct new_tick {
  tick at;
  sensor_id sensor = 0;
  std::shared_ptr<void> under_way = {};        ///< counted until it goes
  std::vector<anomaly_change> anomalies = {};  ///< the sensor adds these
};

/// Asks a sensor for its state. Queued behind what was acknowledged before.
struct view_request {
  time_range range;  ///< of the head's rows wanted; empty range: none
  view_more more = view_more::nothing;
  reply<sensor_view> answer;
};

/// Answered when a sensor's state was stored. When the last copy is destroyed without an answer, the state was not stored.
using completion = reply<bool>;

/// Asks a sensor to save its state if it changed since the last save. Answered when the newest saved state is with the store_writer or
/// in RocksDB. A store_writer barrier that follows all answers therefore finds all states stored.
struct persist_request {
  completion stored;
};

/// A sensor's state on its way to the store; each stage that keeps state adds its part.
struct save_order {
  std::shared_ptr<saved_sensor> snapshot;
  completion stored;              ///< empty when no caller waits
  std::function<void()> written;  ///< tells the sensor that its blocks are on disk
};

/// Blocks of the sensor with numbers up to this one are in RocksDB.
struct blocks_written {
  std::uint32_t number = 0;
};

/// The sensor's late readings have been judged, when there were so many of them in all.
struct backlog_judged {
  std::uint64_t late_count = 0;
};

/// First message of a new sensor actor: its stored state, then the journal's later entries. The actor keeps back messages that come
/// earlier, and skips parts that the state has seen.
struct restore_order {
  std::uint64_t applied_sequence = 0;
  std::shared_ptr<const std::string> state;                                 ///< null: a new sensor
  std::vector<std::variant<new_readings, new_config, new_command>> missed;  ///< in order
  std::shared_ptr<void> under_way = {};                                     ///< counted until it goes
};

/// What a stage stored of a sensor. It ignores that when it has already seen later entries.
struct adopt_order {
  sensor_id sensor = 0;
  std::uint64_t applied_sequence = 0;
  std::string bytes;
  std::shared_ptr<void> under_way = {};  ///< counted until it goes
};

/// The sensor is deleted: everything about it is dropped, then `done`.
struct retire_order {
  sensor_id sensor = 0;
  reply<bool> done;
};

/// Answered when everything sent before it along the analysis actors has been handled.
struct drain_order {
  reply<bool> done;
  sensor_id about = 0;  ///< with `alarms`: the sensor
  std::shared_ptr<std::string> alarms =
      {};  ///< gets its alarms as they are then stored (judged_alarms::encode), where it has some; null: not asked
};

/// All that a sensor gets beside readings, as one kind of message: for each kind that an actor takes, CAF keeps 40 bytes in each actor.
struct sensor_order {
  std::variant<restore_order,    // stand where storage says
               new_config,       // pass new limits on, in order
               new_command,      // likewise
               new_tick,         // say that it is silent; pass on
               view_request,     // answer a query's cut
               persist_request,  // store the state when it changed
               blocks_written,   // forget sealed blocks that are on disk
               retire_order,     // end
               backlog_judged>   // forget the late readings that waited to be judged
      what;
};

/// Keeps one sensor's windows, head, watermark and counters.
using sensor_actor = caf::typed_actor<
    caf::reacts_to<new_readings>,   // take readings in: flags, windows, head; pass on what matters; seal a full head
    caf::reacts_to<sensor_order>>;  // do it, in order with the readings

/// A stage of the analysis chain for the sensors of a shard (analysis/stage.hpp): the anomaly actor, the threshold actor. Each gets what it
/// wants.
using stage_actor = caf::typed_actor<caf::reacts_to<found_events>,    // record them
                                     caf::reacts_to<alarm_readings>,  // let them move the alarms
                                     caf::reacts_to<new_config>,      // take limits and rules into force
                                     caf::reacts_to<new_command>,     // do what the operator asks
                                     caf::reacts_to<new_tick>,        // end the delays that are over
                                     caf::reacts_to<adopt_order>,     // start from a stored part
                                     caf::reacts_to<save_order>,      // add its part and pass on; the last hands it to the store
                                     caf::reacts_to<drain_order>,     // pass on; the last answers
                                     caf::reacts_to<retire_order>>;   // forget the sensor and pass on; the last answers

/// Asks the supervisor to watch an actor: of a sensor, or of an analysis shard.
struct watch_order {
  enum class kind : std::uint8_t { sensor, shard } what = kind::sensor;
  std::uint32_t id = 0;       ///< sensor id or shard index
  caf::strong_actor_ptr who;  ///< keeps the actor alive until it is watched: CAF does not check whether an address is still valid
};

/// Watches all of the above and reports each that fails.
using supervisor_actor =
    caf::typed_actor<caf::reacts_to<watch_order>>;  // monitor it; on its failure tell the engine, which rebuilds it from storage

/// A background job is due by its schedule.
struct job_due {
  std::size_t job = 0;
};

/// Runs a background job now.
struct run_order {
  std::size_t job = 0;
  reply<job_run> answer;
};

/// Runs background jobs one at a time on a thread of its own, where they may wait for the disk.
using job_runner_actor = caf::typed_actor<caf::reacts_to<job_due>,     // run it, then set its next time
                                          caf::reacts_to<run_order>>;  // run it and answer

/// Where actors hand over what must reach the disk (the store_writer; a recording stand-in in tests). Must not block.
struct persistence {
  std::function<void(saved_sensor, std::function<void()> written)> save_sensor;
  std::function<void(std::vector<event>)> write_events;
  /// The limits of a sensor of which nobody is told, whenever they change; empty: nobody asks.
  std::function<void(sensor_id, std::vector<shelf>)> tell_shelves = {};
};

}  // namespace factory

CAF_BEGIN_TYPE_ID_BLOCK(factory, caf::first_custom_type_id)
CAF_ADD_TYPE_ID(factory, (factory::new_readings))
CAF_ADD_TYPE_ID(factory, (factory::found_events))
CAF_ADD_TYPE_ID(factory, (factory::alarm_readings))
CAF_ADD_TYPE_ID(factory, (factory::new_config))
CAF_ADD_TYPE_ID(factory, (factory::new_command))
CAF_ADD_TYPE_ID(factory, (factory::new_tick))
CAF_ADD_TYPE_ID(factory, (factory::sensor_order))
CAF_ADD_TYPE_ID(factory, (factory::save_order))
CAF_ADD_TYPE_ID(factory, (factory::adopt_order))
CAF_ADD_TYPE_ID(factory, (factory::retire_order))
CAF_ADD_TYPE_ID(factory, (factory::drain_order))
CAF_ADD_TYPE_ID(factory, (factory::watch_order))
CAF_ADD_TYPE_ID(factory, (factory::job_due))
CAF_ADD_TYPE_ID(factory, (factory::run_order))
CAF_END_TYPE_ID_BLOCK(factory)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(factory::new_readings)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(factory::found_events)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(factory::alarm_readings)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(factory::new_config)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(factory::new_command)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(factory::new_tick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(factory::sensor_order)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(factory::save_order)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(factory::adopt_order)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(factory::retire_order)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(factory::drain_order)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(factory::watch_order)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(factory::job_due)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(factory::run_order)
