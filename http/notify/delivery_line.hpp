#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace factory {

/// The open deliveries of one channel: which one may go next. Numbers only, no clock of its own.
///
///   * Deliveries of one finding go one after the other, in the order of their ids: nobody hears "cleared" before "raised".
///   * At most limits::channel_transfers are under way.
///   * After a failure the channel pauses, then tries one delivery at a time until one gets through. So a receiver that is down sees one
///     request per pause, whatever waits, and gets all of it soon after it is back.
class delivery_line {
 public:
  void add(std::uint64_t id, std::string_view finding, std::int64_t due_us);
  /// The next one that may go now; it is under way until one of the ends. nullopt when none may.
  std::optional<std::uint64_t> begin(std::int64_t now_us);
  /// When begin() has something; INT64_MAX while that hangs on a delivery under way, or nothing waits.
  std::int64_t due_us() const;

  // REQUIRES: `id` is under way.
  void sent(std::uint64_t id);
  /// `pause_until_us` unless the receiver itself refused this one delivery.
  void given_up(std::uint64_t id, std::optional<std::int64_t> pause_until_us);
  void failed(std::uint64_t id, std::int64_t again_us, std::int64_t pause_until_us);

  std::size_t size() const { return open_.size(); }
  bool is_idle() const { return under_way_ == 0; }  ///< nothing is under way
  std::uint32_t failures_in_a_row() const { return failures_; }

 private:
  struct open_delivery {
    std::size_t finding = 0;  ///< a hash: two findings that share one wait for each other
    std::int64_t due_us = 0;
    bool under_way = false;
  };
  void end(std::uint64_t id);
  void pause(std::int64_t until_us);
  std::size_t most_under_way() const;

  std::map<std::uint64_t, open_delivery> open_;                            // by id
  std::unordered_map<std::size_t, std::deque<std::uint64_t>> of_finding_;  // ids in line; none is empty
  std::set<std::pair<std::int64_t, std::uint64_t>> waiting_;               // due, id: first of their finding and not under way
  std::size_t under_way_ = 0;
  std::uint32_t failures_ = 0;
  std::int64_t paused_until_us_ = INT64_MIN;
};

/// How long to wait after so many failures in a row (from 1): doubling, between a half and the whole of it by `chance` in [0, 1).
std::int64_t retry_delay_us(std::uint32_t failures, double chance);

}  // namespace factory
