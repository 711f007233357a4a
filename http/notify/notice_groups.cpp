#include "http/notify/notice_groups.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace factory {

namespace {

constexpr std::int64_t group_window_us = limits::alarm_group_ms * 1'000;

/// As group_alarms() orders the alarms of a group.
bool is_raised_before(const event_key& a, const event_key& b) {
  return std::tie(a.event_time_us, a.sensor, a.source, a.rule) < std::tie(b.event_time_us, b.sensor, b.source, b.rule);
}

}  // namespace

void notice_groups::restore(notice_group stored) {
  const key group(stored.channel, stored.opener);
  if (stored.open) open_[{stored.channel, stored.machine}] = stored.opener;
  auto& one = all_[group];
  one.it = std::move(stored);
  place(group, one);
}

const notice_group* notice_groups::find(const key& group) const {
  const auto found = all_.find(group);
  return found == all_.end() ? nullptr : &found->second.it;
}

std::optional<std::string> notice_groups::join(channel_id to, const notice& alarm, std::int64_t now_us) {
  const auto alarm_key = with_kind(alarm.what.key, {});
  const std::pair of_machine(to, alarm.machine.id);
  if (const auto open = open_.find(of_machine); open != open_.end()) {
    const key group(to, open->second);
    auto& one = all_.at(group);
    const auto distance_us = alarm.what.at_us - one.it.opened_us;
    const bool joins = distance_us > -group_window_us && distance_us < group_window_us && open->second != alarm.finding;
    if (joins) {
      if (is_raised_before(alarm_key, one.it.first_out)) one.it.first_out = alarm_key;
      one.it.newest_us = now_us;
      ++one.it.alarms;
    } else {
      one.it.open = false;
      open_.erase(open);
    }
    place(group, one);
    if (joins) return group.second;
  }
  if (all_.size() >= limits::notice_groups) return std::nullopt;
  const key group(to, alarm.finding);
  auto& one = all_[group];
  one.it.channel = to;
  one.it.opener = alarm.finding;
  one.it.machine = alarm.machine.id;
  one.it.first_out = alarm_key;
  one.it.opened_us = alarm.what.at_us;
  one.it.newest_us = now_us;
  one.it.open = true;
  one.it.alarms = 1;
  open_[of_machine] = alarm.finding;
  place(group, one);
  return std::nullopt;
}

void notice_groups::collect(channel_id to, const std::string& opener, const notice& what, bool begins, std::int64_t now_us) {
  const key group(to, opener);
  auto& one = all_[group];
  if (one.it.channel == 0) {  // it was forgotten
    one.it.channel = to;
    one.it.opener = opener;
    one.it.machine = what.machine.id;
    one.it.newest_us = now_us - group_window_us;
    (void)parse_finding_id(opener, one.it.first_out);
  }
  if (one.it.collected.empty()) {
    one.it.begun_at_us = now_us;
    one.it.first_event = what.what.sequence;
  }
  one.it.collected.push_back(
      {what.id, what.finding, what.kind, headline(what), what.what.at_us, what.level, what.active, begins});
  if (one.it.collected.size() >= limits::grouped_notices) full_.push_back(emptied(one));
  place(group, one);
}

bool notice_groups::take_back(const key& group, const std::string& finding) {
  const auto found = all_.find(group);
  if (found == all_.end()) return false;
  auto& one = found->second;
  const auto is_untold = [&](const collected_notice& each) { return each.begins && each.finding == finding; };
  if (std::ranges::none_of(one.it.collected, is_untold)) return false;
  std::erase_if(one.it.collected, [&](const collected_notice& each) { return each.finding == finding; });
  --one.it.alarms;
  place(group, one);
  return true;
}

std::vector<notice_group> notice_groups::take_due(std::int64_t now_us) {
  auto out = std::exchange(full_, {});
  while (!line_.empty() && line_.begin()->first <= now_us) {
    const key group = line_.begin()->second;
    auto& one = all_.at(group);
    if (!one.it.collected.empty()) {
      out.push_back(emptied(one));
      place(group, one);
      continue;
    }
    if (one.it.open) open_.erase({group.first, one.it.machine});
    line_.erase(line_.begin());
    changed_.insert(group);
    all_.erase(group);
  }
  return out;
}

std::optional<notice_group> notice_groups::take(const key& group) {
  const auto found = all_.find(group);
  if (found == all_.end() || found->second.it.collected.empty()) return std::nullopt;
  auto out = emptied(found->second);
  place(group, found->second);
  return out;
}

notice_group notice_groups::emptied(kept& one) {
  notice_group out = one.it;
  one.it.collected.clear();
  one.it.begun_at_us = 0;
  one.it.first_event = 0;
  return out;
}

std::int64_t notice_groups::due_us() const {
  if (!full_.empty()) return INT64_MIN;
  return line_.empty() ? INT64_MAX : line_.begin()->first;
}

/// At its place in the line, by what is in it; it has changed.
void notice_groups::place(const key& group, kept& one) {
  line_.erase({one.due_us, group});
  one.due_us = one.it.collected.empty() ? one.it.newest_us + group_window_us : one.it.begun_at_us + span_us_(group.first);
  line_.emplace(one.due_us, group);
  changed_.insert(group);
}

void notice_groups::place_again() {
  line_.clear();
  const auto changed = changed_;
  for (auto& [group, one] : all_) place(group, one);
  changed_ = changed;
}

void notice_groups::forget(channel_id channel) {
  const auto is_of_it = [channel](const auto& each) { return each.first.first == channel; };
  for (const auto& [group, one] : all_)
    if (group.first == channel) line_.erase({one.due_us, group});
  std::erase_if(all_, is_of_it);
  std::erase_if(open_, is_of_it);
  std::erase_if(changed_, [channel](const key& each) { return each.first == channel; });
  std::erase_if(full_, [channel](const notice_group& each) { return each.channel == channel; });
}

namespace {

std::string counted(std::size_t count, std::string_view one, std::string_view many) {
  return count == 1 ? fmt::format("1 {}", one) : fmt::format("{} {}", count, many);
}

/// "WARNING: 3 more alarms, 1 cleared on Press 7 (Works); first was hot on Bearing".
std::string group_headline(const notice& it, const catalog& entities) {
  std::size_t raised = 0, cleared = 0;
  for (const auto& each : it.collected) {
    if (each.begins) ++raised;
    if (each.kind == "alert_cleared") ++cleared;
  }
  const auto others = it.collected.size() - raised - cleared;
  std::string what;
  const auto add = [&what](std::size_t count, std::string_view one, std::string_view many) {
    if (count != 0) what += (what.empty() ? "" : ", ") + counted(count, one, many);
  };
  add(raised, "more alarm", "more alarms");
  add(cleared, "cleared", "cleared");
  add(others, "other change", "other changes");
  const auto first = entities.find_sensor(it.what.key.sensor);
  return fmt::format("{}: {} on {} ({}); first was {} on {}", to_text(it.level), what, it.machine.name, it.factory.name,
                     rule_behind(entities, it.what.key).name, first ? first->name : "a sensor that was deleted");
}

}  // namespace

notice notice_of(const catalog& entities, const notice_group& due) {
  notice it;
  it.kind = "group";
  it.id = fmt::format("group:{}:{}:{}", due.channel, due.opener, due.first_event);
  it.finding = due.opener;  // behind the notice of the opener, and before that of its end
  it.what.key = due.first_out;
  it.raised_at_us = due.first_out.event_time_us;
  it.what.at_us = due.collected.back().at_us;
  it.what.recorded_at_us = due.begun_at_us;
  it.machine = entities.find_machine(due.machine).value_or(machine_entry{});
  it.factory = entities.find_factory(it.machine.factory).value_or(factory_entry{});
  it.collected = due.collected;
  it.level = due.collected.front().level;
  it.active = false;
  for (const auto& each : due.collected) {
    it.level = std::max(it.level, each.level);
    it.active = it.active || each.active;
    it.message += each.title + "\n";
  }
  it.title = group_headline(it, entities);
  return it;
}

}  // namespace factory
