#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "http/edge/limits.hpp"
#include "http/notify/notice.hpp"
#include "pipelines/alarm/alarm_groups.hpp"
#include "storage/notify/notify_store.hpp"

namespace factory {

/// Alarms of a machine that begin together are told together. A channel hears of the first one by itself, at once. What begins within the
/// window from it joins its group: it is collected and told in one notice, a span of the channel after the first that is collected, and so
/// is what becomes of it later. Invariants:
///
///   * What is collected is in exactly one notice, in the order in which it came, unless it is taken back.
///   * No notice has more than limits::grouped_notices; a group that has collected so many is due.
///   * A group is forgotten when a window has passed since its newest alarm and nothing is collected. What becomes of its alarms
///     afterwards makes it anew.
///
/// Knows no clock. Not thread-safe.
class notice_groups {
 public:
  using key = std::pair<channel_id, std::string>;  ///< channel and opener
  /// How long a channel collects; 0 where it does not, or does no more: then what is collected is due.
  using span_us_of = std::function<std::int64_t(channel_id)>;

  explicit notice_groups(span_us_of span) : span_us_(std::move(span)) {}

  /// What was stored of one, at the start.
  void restore(notice_group stored);
  /// An alarm that the channel has not heard of. The opener of the group that it joins; nullopt when it is to be told by itself, and
  /// opens a group.
  std::optional<std::string> join(channel_id to, const notice& alarm, std::int64_t now_us);
  /// An alarm that has joined, when `begins`, or what became of one.
  void collect(channel_id to, const std::string& opener, const notice& what, bool begins, std::int64_t now_us);
  /// Of an alarm that is collected and not told yet, everything goes. False when there is no such.
  bool take_back(const key& group, const std::string& finding);
  /// What is collected of a group that is due, and of one that waits. A group without anything in it is not among them.
  std::vector<notice_group> take_due(std::int64_t now_us);
  std::optional<notice_group> take(const key& group);
  /// When take_due() has something to do; INT64_MAX while it does not.
  std::int64_t due_us() const;
  /// Spans are others now.
  void place_again();
  void forget(channel_id channel);

  const std::set<key>& changed() const { return changed_; }  ///< since the last stored()
  void stored() { changed_.clear(); }
  const notice_group* find(const key& group) const;

 private:
  struct kept {
    notice_group it;
    std::int64_t due_us = INT64_MAX;
  };
  void place(const key& group, kept& one);
  notice_group emptied(kept& one);

  span_us_of span_us_;
  std::map<key, kept> all_;
  std::map<std::pair<channel_id, machine_id>, std::string> open_;  ///< opener of the newest group
  std::set<std::pair<std::int64_t, key>> line_;                    ///< due_us of each
  std::vector<notice_group> full_;                                 ///< for the next take_due()
  std::set<key> changed_;
};

/// The one notice of what is collected. REQUIRES: that is not empty.
notice notice_of(const catalog& entities, const notice_group& due);

}  // namespace factory
