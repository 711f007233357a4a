#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "http/notify/channel_kind.hpp"
#include "http/notify/delivery_line.hpp"
#include "http/notify/notice.hpp"
#include "http/notify/notice_groups.hpp"
#include "http/notify/notifier.hpp"
#include "storage/events/event_subscription.hpp"
#include "storage/notify/notify_store.hpp"

/// For this sub-room only.
namespace factory {

/// How a notice of an alert is told.
struct manner {
  bool held_back = false;  ///< it chatters
  bool begins = false;     ///< nobody has heard of the alert
};

/// All but what is marked belongs to the notifier's thread.
///
/// Invariant: `pending` is what memory knows and the store does not. Nothing is sent whose delivery is not stored, so deliveries join
/// their line when `pending` is written.
struct notifier::impl {
  explicit impl(notify_options options) : how(std::move(options)), network(std::make_unique<transfers>(how.ca_file)) {}

  const notify_options how;
  std::unique_ptr<transfers> network;  ///< wake() from any thread
  ports* behind = nullptr;
  std::unique_ptr<event_subscription> feed;
  std::mt19937_64 random{std::random_device{}()};

  struct channel_state {
    channel_entry entry;
    delivery_line line;
    std::uint64_t dead = 0, forgotten_up_to = 0;
    std::int64_t remind_at_us = 0;  ///< of an Alertmanager
    std::string reminded_up_to;     ///< finding id, within a round of reminders; empty: at its beginning
    bool is_reminding = false;      ///< meanwhile nothing else goes there: an old reminder must not come after "cleared"
  };
  std::map<channel_id, channel_state> channels;
  std::uint64_t catalog_version = UINT64_MAX;
  std::map<std::string, told_alert> told;                        ///< by finding id
  std::set<std::pair<std::int64_t, std::string>> steps;          ///< due, finding id: escalations that wait
  std::unordered_map<std::string, std::int64_t> step_due;        ///< of those in `steps`
  std::set<std::pair<std::int64_t, std::string>> unseen;         ///< end, finding id: those of `told` that are over
  std::map<factory_id, std::deque<std::int64_t>> recent_alarms;  ///< when the process knew of them
  std::map<std::pair<channel_id, factory_id>, alert_digest> digests;
  notice_groups groups{[this](channel_id id) {
    const auto of = channels.find(id);
    return of == channels.end() ? 0 : of->second.entry.group_every_us;
  }};
  std::map<std::pair<sensor_id, rule_id>, std::vector<std::int64_t>>
      transitions;  ///< event times within limits::chatter_window_ms
  std::map<std::pair<sensor_id, rule_id>, chatter> chatterers;
  std::set<std::pair<std::int64_t, std::pair<sensor_id, rule_id>>> chatter_line;  ///< newest_us of each, oldest first
  std::set<std::pair<channel_id, factory_id>> changed_digests;                    ///< since the last write
  std::set<std::pair<sensor_id, rule_id>> changed_chatterers;
  std::uint64_t next_id = 1;
  notify_store::change pending;
  std::set<std::uint64_t> fresh;  ///< of pending.open: those that are in no line yet
  bool is_stuck = false;          ///< the last write failed

  std::mutex guard;  ///< of the two below, for all threads
  std::vector<std::function<void()>> asked;
  bool ends = false;
  std::thread thread;

  struct {  ///< read by all threads
    std::atomic<std::uint64_t> sent{0}, failed_attempts{0}, dead{0}, dropped{0}, open{0}, dead_letters{0}, told_alerts{0},
        history{0};
    std::atomic<std::uint64_t> cursor{0}, send_us{0};
  } counts;

  // notifier.cpp: the thread
  void run();
  bool load();
  expected<void> read_state();
  bool take_commands();
  void refresh_channels();
  bool store();
  std::int64_t wait_us(std::int64_t now_us, bool more) const;
  void let_end();
  void ask(std::function<void()> what);
  void show_counts();

  // notifier_hear.cpp: from events to deliveries
  bool take_events();
  void hear(const event& what);
  void hear_of_the_past(const event& what);
  void raised(const event& what);
  void tell(const told_alert& to, const notice& what, manner by = {});
  void keep_told(told_alert one);
  void forget_told(const std::string& finding);
  void await_step(const told_alert& one);
  void drop_step(const std::string& finding);
  void take_steps(std::int64_t now_us);
  bool take_step(told_alert one);
  notice notice_about(const event& what, const alert_rule& rule) const;
  alert_rule rule_of(const event_key& key) const;  ///< what stands behind an alert, or the event of a pipeline
  std::vector<channel_id> listeners(const event_key& alert, const alert_rule& rule) const;
  void is_over(told_alert one, const event& end);

  // notifier_calm.cpp: floods and chatter
  std::uint32_t count_alarm(factory_id factory, std::int64_t known_us);
  std::uint32_t alarms_lately(factory_id factory, std::int64_t now_us) const;
  void begin_or_collect(channel_id to, const notice& what, std::uint32_t alarm_number);
  void tell_one(channel_id to, const told_alert& about, const notice& what, manner by);
  void join_groups(told_alert& one, const notice& raised);
  void take_back(told_alert one);
  void tell_collected(const told_alert& one);
  void take_groups(std::int64_t now_us);
  bool chatters(const event& what, const notice& as, const std::vector<channel_id>& to);
  void said_again(chatter& one, std::int64_t newest_us);
  std::int64_t due_us(const alert_digest& of) const;
  void take_digests(std::int64_t now_us);
  void take_quiet(std::int64_t now_us);
  std::int64_t calm_due_us() const;
  void keep_calm();
  expected<void> read_calm();

  // notifier_send.cpp: from deliveries to receivers
  void begin(channel_id to, const notice& what);
  void start_due(std::int64_t now_us);
  void start(channel_state& to, delivery what, std::int64_t now_us);
  void remind(channel_state& to, std::int64_t now_us);
  std::int64_t due_us(const channel_state& of) const;
  void finished(delivery what, const transfer_result& result);
  void give_up(channel_state& of, delivery what);
  std::size_t put_in_line_again(channel_id channel, const std::vector<std::uint64_t>& ids);
};

std::int64_t notify_clock_us();
inline constexpr std::int64_t unreadable_wait_us = 5'000'000;  ///< before the store is asked again for what it could not read

}  // namespace factory
