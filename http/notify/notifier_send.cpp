#include <spdlog/spdlog.h>

#include <algorithm>

#include "http/edge/limits.hpp"
#include "http/notify/notifier_impl.hpp"
#include "storage/base/limits.hpp"

namespace factory {

void notifier::impl::begin(channel_id to, const notice& what) {
  const auto found = channels.find(to);
  if (found == channels.end() || !found->second.entry.enabled) return;
  channel_state& channel = found->second;
  delivery it;
  it.channel = to;
  it.id = next_id++;
  it.notification = what.id;
  it.finding = what.finding;
  it.kind = what.kind;
  it.content = kind_of_channel(channel.entry.type).content(channel.entry, what);
  it.begun_at_us = it.due_at_us = notify_clock_us();
  if (channel.line.size() >= limits::open_deliveries) {
    it.last_error = "more notifications wait for this channel than may";
    return give_up(channel, std::move(it));
  }
  fresh.insert(it.id);
  pending.open.push_back(std::move(it));
}

void notifier::impl::start_due(std::int64_t now_us) {
  for (auto& [id, channel] : channels) {
    if (!channel.entry.enabled || channel.is_reminding) continue;
    while (const auto next = channel.line.begin(now_us)) {
      auto stored = behind->notifications().find_open(id, *next);
      if (stored && *stored) {
        start(channel, std::move(**stored), now_us);
      } else if (stored) {
        channel.line.given_up(*next, std::nullopt);
      } else {
        spdlog::warn("a notification of channel {} waits: {}", id, stored.error().message);
        channel.line.failed(*next, now_us + unreadable_wait_us, now_us + unreadable_wait_us);
      }
    }
    if (channel.line.is_idle() && due_us(channel) <= now_us) remind(channel, now_us);
  }
}

/// Posts alerts that are active to an Alertmanager again, some at a time, while nothing else is under way to it. A reminder is not
/// stored: the next one says it all again.
void notifier::impl::remind(channel_state& to, std::int64_t now_us) {
  std::vector<notice> active;
  auto next = told.upper_bound(to.reminded_up_to);
  for (; next != told.end() && active.size() < limits::reminded_alerts; ++next) {
    to.reminded_up_to = next->first;
    if (std::ranges::count(next->second.channels, to.entry.id) == 0) continue;
    const auto found = behind->events().find(next->second.raised);
    if (!found || !*found || !(*found)->open() || hush_of(**found) != nullptr) continue;
    active.push_back(notice_of(behind->entities(), (*found)->newest(), rule_of(next->second.raised)));
    active.back().raised_at_us = next->second.raised_at_us;
    active.back().steps_done = next->second.steps_done;
  }
  if (next == told.end()) {
    to.reminded_up_to.clear();
    to.remind_at_us = now_us + limits::alertmanager_reminder_ms * 1'000;
  }
  if (active.empty()) return;
  delivery once;
  once.content = alertmanager_reminder(to.entry, active, now_us);
  transfer request = alertmanager_request(to.entry, once, now_us);
  request.allow_private = request.allow_private || how.allow_private;
  to.is_reminding = true;
  network->start(std::move(request), [this, id = to.entry.id](const transfer_result&) {
    if (const auto found = channels.find(id); found != channels.end()) found->second.is_reminding = false;
  });
}

/// When the channel has something to do.
std::int64_t notifier::impl::due_us(const channel_state& of) const {
  if (of.is_reminding) return INT64_MAX;
  const bool reminds = of.entry.type == channel_type::alertmanager && of.line.is_idle() && !told.empty();
  return std::min(of.line.due_us(), reminds ? of.remind_at_us : INT64_MAX);
}

void notifier::impl::start(channel_state& to, delivery what, std::int64_t now_us) {
  transfer request = kind_of_channel(to.entry.type).request(to.entry, what, now_us);
  request.allow_private = request.allow_private || how.allow_private;
  network->start(std::move(request), [this, what = std::move(what)](const transfer_result& result) { finished(what, result); });
}

void notifier::impl::finished(delivery what, const transfer_result& result) {
  const auto found = channels.find(what.channel);
  if (found == channels.end()) return;  // deleted meanwhile
  channel_state& channel = found->second;
  const std::int64_t now_us = notify_clock_us();
  if (result.what == transfer_result::outcome::sent) {
    channel.line.sent(what.id);
    pending.sent.emplace_back(what.channel, what.id);
    ++counts.sent;
    counts.send_us += static_cast<std::uint64_t>(std::max<std::int64_t>(0, now_us - what.begun_at_us));
    return;
  }
  ++counts.failed_attempts;
  ++what.attempts;
  what.last_error = result.detail;
  std::uniform_real_distribution<double> chance(0, 1);
  const std::int64_t pause_us =
      std::max(retry_delay_us(channel.line.failures_in_a_row() + 1, chance(random)), result.retry_after_us);
  const bool refused = result.what == transfer_result::outcome::never;
  if (channel.line.failures_in_a_row() == 0)
    spdlog::warn("channel {} '{}': {}", channel.entry.id, channel.entry.name, result.detail);
  if (refused || now_us - what.begun_at_us >= channel.entry.give_up_after_us) {
    channel.line.given_up(what.id, refused ? std::nullopt : std::optional(now_us + pause_us));
    return give_up(channel, std::move(what));
  }
  what.due_at_us = now_us + std::max(retry_delay_us(what.attempts, chance(random)), result.retry_after_us);
  channel.line.failed(what.id, what.due_at_us, now_us + pause_us);
  pending.open.push_back(std::move(what));
}

/// A dead letter. The oldest one goes where there are too many.
void notifier::impl::give_up(channel_state& of, delivery what) {
  what.due_at_us = notify_clock_us();
  ++counts.dead;
  if (++of.dead > limits::dead_letters) {
    const auto oldest = behind->notifications().oldest_dead_letter(what.channel, of.forgotten_up_to);
    if (oldest && *oldest) {
      of.forgotten_up_to = **oldest;
      pending.forgotten.emplace_back(what.channel, **oldest);
      --of.dead;
      ++counts.dropped;
    }
  }
  pending.dead.push_back(std::move(what));
}

std::size_t notifier::impl::put_in_line_again(channel_id channel, const std::vector<std::uint64_t>& ids) {
  const auto found = channels.find(channel);
  if (found == channels.end() || !store()) return 0;
  std::vector<delivery> again;
  if (ids.empty()) {
    again = behind->notifications().dead_letters(channel, UINT64_MAX, limits::dead_letters).value_or(std::vector<delivery>{});
    std::ranges::reverse(again);
  }
  for (const std::uint64_t id : ids) {
    auto one = behind->notifications().find_dead(channel, id);
    if (one && *one) again.push_back(std::move(**one));
  }
  for (delivery& each : again) {
    pending.forgotten.emplace_back(channel, each.id);
    each.attempts = 0;
    each.begun_at_us = each.due_at_us = notify_clock_us();
    fresh.insert(each.id);
    pending.open.push_back(each);
    if (found->second.dead > 0) --found->second.dead;
  }
  found->second.forgotten_up_to = 0;
  return again.size();
}

}  // namespace factory
