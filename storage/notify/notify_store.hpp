#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipelines/alarm/alert_routing.hpp"
#include "pipelines/model/event.hpp"
#include "pipelines/model/result.hpp"
#include "storage/base/database.hpp"

namespace factory {

/// One notification on its way to one channel, or given up.
struct delivery {
  channel_id channel = 0;
  std::uint64_t id = 0;      ///< rises over all channels, never used again
  std::string notification;  ///< the id that the receiver sees: the same in each attempt, made from the event alone
  std::string finding;       ///< deliveries of one finding to one channel go one after the other
  std::string kind;          ///< "alert_raised" ...
  std::string content;       ///< what is sent, made once; opaque here
  std::int64_t begun_at_us = 0;
  std::int64_t due_at_us = 0;   ///< of the next attempt; of a dead letter, when it was given up
  std::uint32_t attempts = 0;   ///< that failed
  std::string last_error = {};  ///< of the newest attempt
};

/// An alert that was told to somebody: who must hear of what becomes of it, and how far its escalation is. Kept until it is over and
/// acknowledged.
struct told_alert {
  event_key raised;                       ///< of the event that raised it
  std::int64_t raised_at_us = 0;          ///< event time
  std::int64_t received_at_us = 0;        ///< when the process knew
  std::uint32_t steps_done = 0;           ///< of the escalation
  bool acknowledged = false;              ///< it escalates no further
  std::uint32_t alarm_number = 1;         ///< among the new alarms of its factory in the ten minutes before it
  std::vector<channel_id> channels = {};  ///< that were told, in order
  std::int64_t ended_at_us = 0;           ///< when the process knew of its end; 0: it stands
  bool held_back = false;                 ///< it chattered: channels that damp were not told that it was raised
  struct membership {
    channel_id channel = 0;
    std::string opener;  ///< of the notice_group
  };
  std::vector<membership> groups = {};  ///< by channel: where it is told together with others
};

/// A notice that waits to be told together with others.
struct collected_notice {
  std::string notification;  ///< the id that it would have by itself
  std::string finding;
  std::string kind;  ///< "alert_raised" ...
  std::string title;
  std::int64_t at_us = 0;
  severity level{};
  bool active = false;
  bool begins = false;  ///< the channel has not heard of this alert
};

/// Alarms of one machine that came within a window, as one channel hears of them: of the first by itself, of those behind it, and of what
/// becomes of them, together.
struct notice_group {
  channel_id channel = 0;
  std::string opener;  ///< finding id of the alarm that was told by itself; with the channel, the name of the group
  machine_id machine = 0;
  event_key first_out;            ///< the alarm that was raised first, without its kind; most often the opener
  std::int64_t opened_us = 0;     ///< event time of what told the opener
  std::int64_t newest_us = 0;     ///< when the process knew of its newest alarm
  bool open = false;              ///< another alarm of the machine can join: none of a later group was told
  std::uint64_t alarms = 0;       ///< so far
  std::int64_t begun_at_us = 0;   ///< when `collected` began
  std::uint64_t first_event = 0;  ///< sequence of the event behind the first of `collected`: makes the id of their notice
  std::vector<collected_notice> collected = {};
};

/// What a channel is told of a factory all at once, because there is too much of it.
struct alert_digest {
  channel_id channel = 0;
  factory_id factory = 0;
  std::uint64_t first_event = 0;  ///< sequence: makes its id
  std::int64_t begun_at_us = 0;
  std::uint64_t raised = 0, cleared = 0, others = 0;
  severity worst{};
  std::vector<std::string> lines = {};  ///< the first ones, limits::digest_lines at most
};

/// A rule that raises and clears again and again on a sensor: its notices are held back until it is quiet.
struct chatter {
  event_key newest;                       ///< of the last event held back
  std::int64_t newest_us = 0;             ///< when the process knew of it
  std::uint64_t held_back = 0;            ///< events
  std::vector<channel_id> channels = {};  ///< who hears of the end
};

/// Where the chatter of an alert is kept: a limit of a sensor. Pipelines have numbers of their own, beside those of the rules.
inline std::pair<sensor_id, rule_id> chatter_place(const event_key& alert) {
  return {alert.sensor, alert.source == event_source::pipeline ? ~alert.rule : alert.rule};
}

/// State of the notifications, in RocksDB: how far the event log is worked in, the deliveries that are open, the dead letters, and the
/// alerts that were told. One write() is one atomic batch, without fsync: kill -9 takes nothing of it, and a power cut takes it back to
/// an earlier write together with the events behind it, so that a notification may be sent again, but none is left out.
/// Thread-safe; meant for one writer.
class notify_store {
 public:
  explicit notify_store(database& db);
  ~notify_store();

  /// Changes that belong together.
  struct change {
    std::vector<delivery> open = {};                                   ///< begun, or put off until `due_at_us`
    std::vector<delivery> dead = {};                                   ///< given up; no longer open
    std::vector<std::pair<channel_id, std::uint64_t>> sent = {};       ///< no longer open
    std::vector<std::pair<channel_id, std::uint64_t>> forgotten = {};  ///< dead letters that go
    std::vector<told_alert> told = {};                                 ///< new or changed
    std::vector<std::string> over = {};                                ///< finding ids of alerts that are no longer told of
    std::vector<alert_digest> digests = {};                            ///< new or changed
    std::vector<std::pair<channel_id, factory_id>> digests_told = {};  ///< no longer kept
    std::vector<notice_group> groups = {};                             ///< new or changed
    std::vector<std::pair<channel_id, std::string>> groups_over = {};  ///< channel and opener: no longer kept
    std::vector<chatter> chatters = {};                                ///< new or changed
    std::vector<std::pair<sensor_id, rule_id>> calm = {};              ///< that chatter no longer
    std::optional<std::uint64_t> cursor = {};                          ///< sequence of the last event that is worked in
    bool empty() const;
  };
  /// The first one must have a cursor: an event log is not told from its beginning.
  expected<void> write(const change& what);

  /// nullopt before the first write of a cursor.
  expected<std::optional<std::uint64_t>> cursor() const;
  /// Above all ids of deliveries that there are.
  expected<std::uint64_t> next_id() const;
  /// By channel and id.
  expected<void> visit_open(const std::function<void(delivery)>& each) const;
  expected<void> visit_dead(const std::function<void(delivery)>& each) const;
  expected<void> visit_told(const std::function<void(told_alert)>& each) const;
  expected<void> visit_digests(const std::function<void(alert_digest)>& each) const;
  expected<void> visit_groups(const std::function<void(notice_group)>& each) const;
  expected<void> visit_chatters(const std::function<void(chatter)>& each) const;
  expected<std::optional<delivery>> find_open(channel_id channel, std::uint64_t id) const;
  expected<std::optional<delivery>> find_dead(channel_id channel, std::uint64_t id) const;
  /// Newest first, below `before`.
  expected<std::vector<delivery>> dead_letters(channel_id channel, std::uint64_t before, std::size_t limit) const;
  /// Its id; nullopt when there is none above `after`.
  expected<std::optional<std::uint64_t>> oldest_dead_letter(channel_id channel, std::uint64_t after) const;
  /// All that a channel has: it is deleted.
  expected<void> remove_channel(channel_id channel);

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace factory
