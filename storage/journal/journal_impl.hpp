#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>
#include <thread>

#include "storage/base/rocks.hpp"
#include "storage/journal/journal.hpp"
#include "storage/journal/journal_record.hpp"

/// For this room only: what the journal's files share.
namespace factory {

/// One entry in line. Shared by the caller, who may give up, and the committer.
struct journal::ticket::request {
  journal_entry entry;
  encoded_entry encoded;
  durability how = durability::fsync;
  std::vector<catalog_write> writes;
  waker wake;  ///< may be empty
  /// Of its readings.
  std::int64_t oldest_us = INT64_MAX, newest_us = INT64_MIN;

  std::mutex mutex;
  std::condition_variable answered;
  std::optional<expected<std::uint64_t>> answer;
  std::atomic<bool> has_answer{false};  ///< set behind it
};

struct journal::impl {
  using request = ticket::request;
  using group = std::vector<std::shared_ptr<request>>;

  /// Neighbouring records, so that the journal's length is known without reading it.
  struct stretch {
    std::uint64_t last_sequence = 0;
    std::uint64_t bytes = 0;
  };

  impl(database::impl& opened, std::chrono::milliseconds give_up_after);

  // journal_commit.cpp: on the committer thread
  void run();
  group next_group();
  void commit(group& requests);
  expected<void> write(const group& requests);
  expected<void> establish_truth();
  void pass_on(group& requests);
  static void put_in_time_order(group& requests);
  static void let_go(const group& requests);
  static void answer(request& to, expected<std::uint64_t> what);
  static void wake(const group& requests);

  // journal_read.cpp
  void survey();
  expected<std::uint64_t> stored_last() const;
  expected<void> visit(std::uint64_t from, std::uint64_t to, const observer& each) const;
  void survey_aside();
  expected<void> trim_to(std::uint64_t wanted_floor);
  void note_length(std::uint64_t last_sequence, std::uint64_t weight);  ///< as record_weight() says

  database::impl& rocks;
  const std::chrono::milliseconds deadline;

  std::mutex queue_mutex;
  std::condition_variable queue_filled;
  std::deque<std::shared_ptr<request>> queue;  // guarded by queue_mutex
  bool running = false;                        // likewise
  bool stopping = false;                       // likewise

  // Of the committer thread; before start(), of whoever holds the journal.
  group_observer on_commit;
  std::thread committer;
  rocksdb::WriteBatch batch;
  record_head head;
  std::string head_bytes;
  bool truth_unknown = false;  ///< a write failed: what the disk holds must be read before the next one
  group undecided;             ///< the entries of that write

  std::atomic<std::uint64_t> last{0};
  std::atomic<std::uint64_t> floor{0};
  mutable std::shared_mutex trimming;  ///< held while the floor moves, shared to see it and the disk at one instant
  std::optional<error> unreadable;     ///< found at opening; nothing is appended then

  mutable std::mutex length_mutex;
  std::deque<stretch> length;      // guarded by length_mutex
  std::uint64_t length_bytes = 0;  // likewise; sum over `length`

  mutable std::mutex aside_mutex;
  std::uint64_t aside_bytes = 0;                      // guarded by aside_mutex
  std::map<sensor_id, std::uint64_t> aside_readings;  // likewise

  std::atomic<std::uint64_t> groups{0}, entries{0}, readings{0}, bytes{0}, failures{0}, commit_nanoseconds{0};
};

std::string journal_key(std::uint64_t first_sequence);

}  // namespace factory
