#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "pipelines/model/result.hpp"
#include "storage/base/database.hpp"
#include "storage/journal/journal_entry.hpp"

namespace factory {

enum class durability : std::uint8_t { fsync, buffered };

/// A key and its new value (or its deletion) in the catalog column family, written in the same batch as the entry.
using catalog_write = std::pair<std::string, std::optional<std::string>>;

/// The write-ahead record of everything acknowledged.
///
/// One committer thread takes all waiting entries (up to limits::commit_group_bytes), writes them as one record with one
/// fsync (none when every entry of the group asked for buffered), hands them to the observer, in sequence order, then lets
/// the callers go. So what a caller was told is committed has already been passed on, in order.
///
/// Thread-safety: append from any thread. The observer runs on the committer thread and must not block or throw.
class journal {
  struct impl;

 public:
  /// An entry in line.
  class ticket {
   public:
    /// Waits until the entry is committed and observed. On error nothing was acknowledged; after timed_out it may still be
    /// committed. To be called once, while the journal lives.
    expected<std::uint64_t> wait();
    /// Whether wait() would return at once. From any thread.
    bool ready() const;

   private:
    friend class journal;
    struct request;
    std::shared_ptr<request> request_;
    std::chrono::steady_clock::time_point deadline_{};
  };

  /// Called on the committer thread when entries that were begun with it have their answers, once a commit. Must not wait.
  using waker = std::shared_ptr<const std::function<void()>>;
  using observer = std::function<void(const journal_entry&)>;
  using group_observer = std::function<void(std::span<const journal_entry* const>)>;

  explicit journal(database& db);
  journal(database& db, std::chrono::milliseconds deadline);  ///< how long append waits; limits::commit_deadline_ms otherwise
  ~journal();                                                 ///< stops

  /// Calls `visit` for each stored entry with sequence >= from, in order. Before start().
  /// corrupt when a record in the middle is damaged or missing.
  expected<void> replay(std::uint64_t from, const observer& visit) const;
  /// Like replay but from any thread at any time, up to and including `to`.
  expected<void> read(std::uint64_t from, std::uint64_t to, const observer& visit) const;

  void start(group_observer on_commit);
  /// Commits what waits, refuses what comes later with errc::stopping, joins the thread.
  void stop();

  /// Puts the entry in line and waits for its ticket. `writes` go into the same atomic write.
  expected<std::uint64_t> append(journal_entry entry, durability how, std::vector<catalog_write> writes = {});
  /// Puts the entry in line, without waiting: a thread may have many under way and let one commit take them all.
  expected<ticket> begin(journal_entry entry, durability how, std::vector<catalog_write> writes = {}, waker wake = {});

  /// Of each source and partition, the position that came with the entry committed last. It outlives the entry.
  expected<std::vector<source_position>> positions() const;

  std::uint64_t last_sequence() const;  ///< newest committed; 0 when none ever was
  std::uint64_t floor() const;          ///< all entries up to this one have left the journal
  /// A reading counts at least as many bytes as one that is not packed: this bounds the time of a replay.
  std::uint64_t bytes_above_floor() const;
  /// Entries up to and including `floor` are no longer needed, but by the sensors in `kept_for`: what concerns these is set aside first.
  /// Recorded durably before they go. One call at a time.
  expected<void> trim(std::uint64_t floor, const std::set<sensor_id>& kept_for = {});

  /// What was set aside, in order: of each entry the rows, configs and commands of sensors it was kept for, and ticks. All of it lies at or
  /// below the floor.
  expected<void> read_aside(const observer& visit) const;
  /// To be called when nobody needs it any more: stored states have seen all of it, or their sensors are deleted.
  expected<void> drop_aside();
  std::uint64_t aside_bytes() const;
  std::uint64_t aside_readings(sensor_id sensor) const;

  struct counters {
    std::uint64_t groups = 0, entries = 0, readings = 0, bytes = 0, failures = 0, waiting = 0;
    double commit_seconds = 0;
  };
  counters count() const;

 private:
  std::unique_ptr<impl> impl_;
};

}  // namespace factory
