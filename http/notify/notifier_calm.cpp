#include <fmt/format.h>

#include <algorithm>

#include "http/edge/limits.hpp"
#include "http/notify/notifier_impl.hpp"
#include "storage/base/limits.hpp"

/// Flood control: groups of alarms that come together, digests where a factory has many new alarms, and silence about a rule that chatters.
namespace factory {

namespace {

constexpr std::int64_t flood_window_us = limits::flood_window_ms * 1'000;

std::string digest_headline(const alert_digest& it, const std::string& factory) {
  return fmt::format("{}: {} new alarms, {} cleared, {} other changes in {}", to_text(it.worst), it.raised, it.cleared, it.others,
                     factory);
}

std::string chatter_message(std::uint64_t held_back, bool begins, std::int64_t window_us) {
  if (begins)
    return fmt::format("The alert comes and goes: {} times within {} s. Its notices are held back until it is quiet for {} s.",
                       limits::chatter_transitions, window_us / 1'000'000, window_us / 1'000'000);
  return fmt::format("It is quiet again; {} changes were held back.", held_back);
}

}  // namespace

/// Counts a new alarm of the factory; returns how many there were in the ten minutes up to it.
std::uint32_t notifier::impl::count_alarm(factory_id factory, std::int64_t known_us) {
  auto& recent = recent_alarms[factory];
  recent.push_back(known_us);
  while (recent.front() <= known_us - flood_window_us || recent.size() > limits::digest_above + 1) recent.pop_front();
  return static_cast<std::uint32_t>(recent.size());
}

/// New alarms of the factory in the ten minutes up to now.
std::uint32_t notifier::impl::alarms_lately(factory_id factory, std::int64_t now_us) const {
  const auto recent = recent_alarms.find(factory);
  if (recent == recent_alarms.end()) return 0;
  return static_cast<std::uint32_t>(
      std::ranges::count_if(recent->second, [&](std::int64_t known_us) { return known_us > now_us - flood_window_us; }));
}

/// Says it to one channel in the form that it wants: by itself, in a digest, or not at all.
void notifier::impl::tell_one(channel_id to, const told_alert& about, const notice& what, manner by) {
  const auto found = channels.find(to);
  if (found == channels.end()) return;
  const channel_entry& entry = found->second.entry;
  const bool is_late_acknowledgement = what.kind == "alert_acknowledged" && !what.active;
  if (is_late_acknowledgement && entry.type == channel_type::alertmanager)
    return;  // there it is over, and this would end it again
  if (by.held_back && entry.damp_chatter) return;
  const auto group = std::ranges::find(about.groups, to, &told_alert::membership::channel);
  if (group == about.groups.end() || entry.group_every_us == 0 || what.kind == "escalation")
    return begin_or_collect(to, what, about.alarm_number);
  if (entry.enabled) groups.collect(to, group->opener, what, by.begins, notify_clock_us());
}

/// A new alarm, on each channel that tells the alarms of a machine together: where there is a group of its machine, it joins; else it
/// opens one.
void notifier::impl::join_groups(told_alert& one, const notice& raised) {
  if (raised.machine.id == 0 || raised.pipeline != 0) return;
  for (const channel_id id : one.channels) {
    const auto found = channels.find(id);
    if (found == channels.end()) continue;
    const channel_entry& entry = found->second.entry;
    const bool is_in_digest = entry.digest_above != 0 && one.alarm_number > entry.digest_above;
    const bool is_held_back = one.held_back && entry.damp_chatter;
    if (!entry.enabled || entry.group_every_us == 0 || entry.type == channel_type::alertmanager || is_in_digest || is_held_back)
      continue;
    if (auto opener = groups.join(id, raised, notify_clock_us())) one.groups.push_back({id, std::move(*opener)});
  }
}

/// Nobody is told of the alert any more: who has not heard of it by now does not.
void notifier::impl::take_back(told_alert one) {
  const std::string finding = finding_id(one.raised);
  const auto is_taken_back = [&](const told_alert::membership& each) {
    if (!groups.take_back({each.channel, each.opener}, finding)) return false;
    std::erase(one.channels, each.channel);
    return true;
  };
  if (std::erase_if(one.groups, is_taken_back) == 0) return;
  one.channels.empty() ? forget_told(finding) : keep_told(std::move(one));
}

/// What waits to be told of the alert goes before what is now told of it by itself.
void notifier::impl::tell_collected(const told_alert& one) {
  const std::string finding = finding_id(one.raised);
  for (const auto& each : one.groups) {
    const auto* const group = groups.find({each.channel, each.opener});
    const bool waits = group != nullptr && std::ranges::count(group->collected, finding, &collected_notice::finding) != 0;
    if (auto due = waits ? groups.take({each.channel, each.opener}) : std::nullopt)
      begin(each.channel, notice_of(behind->entities(), *due));
  }
}

void notifier::impl::take_groups(std::int64_t now_us) {
  for (const auto& due : groups.take_due(now_us)) begin(due.channel, notice_of(behind->entities(), due));
}

/// By itself, or in a digest when so many new alarms came before it.
void notifier::impl::begin_or_collect(channel_id to, const notice& what, std::uint32_t alarm_number) {
  const auto found = channels.find(to);
  if (found == channels.end() || !found->second.entry.enabled) return;
  const channel_entry& entry = found->second.entry;
  const bool digests_it = entry.digest_above != 0 && alarm_number > entry.digest_above;
  if (!digests_it || entry.type == channel_type::alertmanager) return begin(to, what);

  const std::pair key(to, what.factory.id);
  alert_digest& digest = digests[key];
  if (digest.channel == 0) {
    digest.channel = to;
    digest.factory = what.factory.id;
    digest.first_event = what.what.sequence;
    digest.begun_at_us = notify_clock_us();
    digest.worst = what.level;
  }
  digest.worst = std::max(digest.worst, what.level);
  ++(what.kind.ends_with("_raised") ? digest.raised : what.kind.ends_with("_cleared") ? digest.cleared : digest.others);
  if (digest.lines.size() < limits::digest_lines) digest.lines.push_back(headline(what));
  changed_digests.insert(key);
}

std::int64_t notifier::impl::due_us(const alert_digest& of) const {
  const auto to = channels.find(of.channel);
  return of.begun_at_us + (to == channels.end() ? 0 : to->second.entry.digest_every_us);
}

void notifier::impl::take_digests(std::int64_t now_us) {
  for (auto it = digests.begin(); it != digests.end();) {
    if (due_us(it->second) > now_us) {
      ++it;
      continue;
    }
    const alert_digest& due = it->second;
    notice what;
    what.kind = "digest";
    what.id = fmt::format("digest:{}:{}:{}", due.channel, due.factory, due.first_event);
    what.finding = fmt::format("digest-{}", due.factory);
    what.factory = behind->entities().find_factory(due.factory).value_or(factory_entry{});
    what.what.at_us = what.what.recorded_at_us = what.raised_at_us = due.begun_at_us;
    what.level = due.worst;
    what.title = digest_headline(due, what.factory.name);
    for (const auto& line : due.lines) what.message += line + "\n";
    const auto all = due.raised + due.cleared + due.others;
    if (all > due.lines.size()) what.message += fmt::format("and {} more\n", all - due.lines.size());
    begin(due.channel, what);
    changed_digests.insert(it->first);
    it = digests.erase(it);
  }
}

/// Moves it to its place in the line.
void notifier::impl::said_again(chatter& one, std::int64_t newest_us) {
  const auto key = chatter_place(one.newest);
  chatter_line.erase({one.newest_us, key});
  one.newest_us = newest_us;
  chatter_line.emplace(newest_us, key);
}

/// Counts a raise or a clear. True when the rule chatters on this sensor: then the notice of this event is held back.
bool notifier::impl::chatters(const event& what, const notice& as, const std::vector<channel_id>& to) {
  const auto key = chatter_place(what.key);
  if (const auto known = chatterers.find(key); known != chatterers.end()) {
    known->second.newest = what.key;
    said_again(known->second, what.recorded_at_us);
    ++known->second.held_back;
    changed_chatterers.insert(key);
    return true;
  }
  auto& recent = transitions[key];
  recent.push_back(what.at_us);
  std::erase_if(recent, [&](std::int64_t at_us) { return at_us <= what.at_us - how.chatter_window_us; });
  if (recent.size() < limits::chatter_transitions) return false;
  transitions.erase(key);
  said_again(chatterers[key] = {what.key, what.recorded_at_us, 1, to}, what.recorded_at_us);
  changed_chatterers.insert(key);
  notice it = as;
  it.kind = "chattering";
  it.id = finding_id(what.key) + ":chattering";
  it.message = chatter_message(0, true, how.chatter_window_us);
  for (const channel_id channel : to)
    if (const auto found = channels.find(channel); found != channels.end() && found->second.entry.damp_chatter)
      begin_or_collect(channel, it, alarms_lately(as.factory.id, what.recorded_at_us));
  return true;
}

/// Says how things stand with those that were quiet for a while.
void notifier::impl::take_quiet(std::int64_t now_us) {
  while (!chatter_line.empty() && chatter_line.begin()->first + how.chatter_window_us <= now_us) {
    const auto key = chatter_line.begin()->second;
    chatter& quiet = chatterers.at(key);
    const auto found = behind->events().find(quiet.newest);
    if (!found) return said_again(quiet, now_us);  // asked again later
    if (*found && (*found)->stated) {
      notice what = notice_of(behind->entities(), (*found)->newest(), rule_of(quiet.newest));
      what.kind = "calm";
      what.id = finding_id(quiet.newest) + ":calm";
      what.active = (*found)->open();
      what.message = chatter_message(quiet.held_back, false, how.chatter_window_us);
      for (const channel_id channel : quiet.channels)
        if (const auto to = channels.find(channel); to != channels.end() && to->second.entry.damp_chatter)
          begin_or_collect(channel, what, alarms_lately(what.factory.id, now_us));
    }
    changed_chatterers.insert(key);
    chatter_line.erase(chatter_line.begin());
    chatterers.erase(key);
  }
  if (transitions.size() > limits::chatter_watched) transitions.clear();
}

std::int64_t notifier::impl::calm_due_us() const {
  std::int64_t due = INT64_MAX;
  for (const auto& [key, digest] : digests) due = std::min(due, due_us(digest));
  due = std::min(due, groups.due_us());
  return chatter_line.empty() ? due : std::min(due, chatter_line.begin()->first + how.chatter_window_us);
}

/// REQUIRES: `told` is read.
expected<void> notifier::impl::read_calm() {
  const catalog& entities = behind->entities();
  for (const auto& [finding, alert] : told) {
    const auto sensor = entities.find_sensor(alert.raised.sensor).value_or(sensor_entry{});
    recent_alarms[entities.find_machine(sensor.machine).value_or(machine_entry{}).factory].push_back(alert.received_at_us);
  }
  for (auto& [factory, times] : recent_alarms) std::ranges::sort(times);
  auto read = behind->notifications().visit_digests([this](const alert_digest& each) {
    digests[{each.channel, each.factory}] = each;
  });
  if (!read) return read;
  read = behind->notifications().visit_groups([this](notice_group each) { groups.restore(std::move(each)); });
  if (!read) return read;
  groups.stored();
  return behind->notifications().visit_chatters([this](const chatter& each) {
    const auto key = chatter_place(each.newest);
    chatterers[key] = each;
    chatter_line.emplace(each.newest_us, key);
  });
}

/// Puts into `pending` what changed since the last write.
void notifier::impl::keep_calm() {
  pending.digests.clear();
  pending.digests_told.clear();
  pending.chatters.clear();
  pending.calm.clear();
  for (const auto& key : changed_digests) {
    const auto it = digests.find(key);
    it != digests.end() ? pending.digests.push_back(it->second) : pending.digests_told.push_back(key);
  }
  pending.groups.clear();
  pending.groups_over.clear();
  for (const auto& key : groups.changed()) {
    const auto* const it = groups.find(key);
    if (it != nullptr)
      pending.groups.push_back(*it);
    else
      pending.groups_over.push_back(key);
  }
  for (const auto& key : changed_chatterers) {
    const auto it = chatterers.find(key);
    it != chatterers.end() ? pending.chatters.push_back(it->second) : pending.calm.push_back(key);
  }
}

}  // namespace factory
