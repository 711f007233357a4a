#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/base/database.hpp"
#include "storage/block/block.hpp"
#include "storage/events/event_log.hpp"
#include "storage/streams/machine_mark_store.hpp"
#include "storage/streams/pipeline_store.hpp"

namespace factory {

/// A sensor's state at one place of the journal, with the blocks it sealed on the way. Written in one atomic batch, so
/// that on disk "blocks" and "state" always agree: the state's head holds exactly what the blocks do not.
struct saved_sensor {
  sensor_id sensor = 0;
  std::uint64_t applied_sequence = 0;  ///< newest entry that `state` has seen
  std::string state;                   ///< opaque to this room
  std::vector<std::shared_ptr<const block>> blocks;
};

/// The state of a pipeline's instance, likewise.
struct saved_stream {
  stream_key key;
  std::uint64_t applied_sequence = 0;
  std::string state;
};

/// The thread between the actors and the disk: actors hand work over and continue. It writes in the order of hand-over, waiting work
/// in one batch, without an fsync: if a power cut loses these writes, the journal still has their entries (RocksDB recovers a
/// prefix of its log, and the floor is written after them). Each block's batch includes its note for the roll-ups
/// (storage/rollups/rollup_notes.hpp).
///
/// On an error of the disk health() shows it, and the write is tried again each second until it succeeds or stop();
/// nothing is dropped, and the journal's floor does not move. Thread-safe.
class store_writer {
 public:
  explicit store_writer(database& db, event_log& events);
  ~store_writer();
  void start();
  /// Writes what waits (gives up if the disk refuses), then joins the thread.
  void stop();

  /// `written` is called on the writer's thread once it is in RocksDB.
  void write(saved_sensor snapshot, std::function<void()> written);
  void write(saved_stream snapshot, std::function<void()> written);
  void write(saved_mark mark);
  void write(std::vector<event> found, std::function<void()> written);
  /// Calls `reached` once all that was handed over before is in RocksDB.
  void barrier(std::function<void()> reached);

  std::uint64_t waiting_bytes() const;
  std::optional<error> health() const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

/// Stored sensor states, for recovery and for the restart of one actor.
class state_store {
 public:
  explicit state_store(database& db);
  struct stored {
    std::uint64_t applied_sequence = 0;
    std::string state;
  };
  expected<std::optional<stored>> get(sensor_id sensor) const;
  expected<void> visit(const std::function<void(sensor_id, stored)>& each) const;

 private:
  database& db_;
};

}  // namespace factory
