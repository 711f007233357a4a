#include "http/notify/notifier.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>

#include "http/notify/notifier_impl.hpp"

namespace factory {

namespace {

constexpr auto stop_grace = std::chrono::seconds(2);  // for what is under way: what is cut off is sent again after the next start
constexpr auto command_deadline = std::chrono::seconds(10);
constexpr std::int64_t stuck_wait_us = 1'000'000;    // after a write that failed
constexpr std::int64_t longest_wait_us = 1'000'000;  // a change of the catalog wakes nobody

}  // namespace

std::int64_t notify_clock_us() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

notifier::notifier(notify_options how) : impl_(std::make_unique<impl>(std::move(how))) {}
notifier::~notifier() { stop(); }

void notifier::serve(ports& behind) {
  impl_->behind = &behind;
  impl_->thread = std::thread([it = impl_.get()] { it->run(); });
}

void notifier::stop() {
  {
    const std::lock_guard lock(impl_->guard);
    impl_->ends = true;
  }
  impl_->network->wake();
  if (impl_->thread.joinable()) impl_->thread.join();
}

void notifier::test(const channel_entry& to, std::function<void(transfer_result)> done) {
  impl_->ask([it = impl_.get(), to, done = std::move(done)] {
    const std::int64_t now_us = notify_clock_us();
    const auto& kind = kind_of_channel(to.type);
    delivery once;
    const notice what = test_notice(now_us);
    once.channel = to.id;
    once.notification = what.id;
    once.kind = what.kind;
    once.content = kind.content(to, what);
    transfer request = kind.request(to, once, now_us);
    request.allow_private = request.allow_private || it->how.allow_private;
    it->network->start(std::move(request), done);
  });
}

expected<std::size_t> notifier::resend(channel_id channel, std::vector<std::uint64_t> ids) {
  auto promise = std::make_shared<std::promise<std::size_t>>();
  auto result = promise->get_future();
  impl_->ask(
      [it = impl_.get(), channel, ids = std::move(ids), promise] { promise->set_value(it->put_in_line_again(channel, ids)); });
  if (result.wait_for(command_deadline) != std::future_status::ready)
    return fail(errc::timed_out, "the notifier does not answer; ask again later");
  return result.get();
}

notify_figures notifier::count() const {
  const auto& of = impl_->counts;
  notify_figures out;
  out.sent = of.sent;
  out.failed_attempts = of.failed_attempts;
  out.dead = of.dead;
  out.dropped = of.dropped;
  out.open = of.open;
  out.dead_letters = of.dead_letters;
  out.told_alerts = of.told_alerts;
  out.history = of.history;
  out.send_seconds = static_cast<double>(of.send_us) / 1e6;
  if (impl_->behind != nullptr) {
    const auto last = impl_->behind->events().last_sequence();
    out.lag_events = last - std::min<std::uint64_t>(last, of.cursor);
  }
  return out;
}

void notifier::impl::ask(std::function<void()> what) {
  {
    const std::lock_guard lock(guard);
    asked.push_back(std::move(what));
  }
  network->wake();
}

/// False when the thread is to end.
bool notifier::impl::take_commands() {
  std::vector<std::function<void()>> taken;
  {
    const std::lock_guard lock(guard);
    if (ends) return false;
    taken.swap(asked);
  }
  for (const auto& each : taken) each();
  return true;
}

void notifier::impl::run() {
  if (!load()) return;
  while (take_commands()) {
    bool more = false;
    refresh_channels();
    if (!is_stuck) {
      more = take_events();
      take_groups(notify_clock_us());
      take_steps(notify_clock_us());
      take_digests(notify_clock_us());
      take_quiet(notify_clock_us());
    }
    if (store()) start_due(notify_clock_us());
    show_counts();
    network->run(wait_us(notify_clock_us(), more));
  }
  let_end();
}

bool notifier::impl::load() {
  refresh_channels();
  const auto read = read_state();
  if (!read) spdlog::error("no notifications are sent: {}", read.error().message);
  return read.has_value();
}

expected<void> notifier::impl::read_state() {
  const auto& stored = behind->notifications();
  const auto cursor = stored.cursor();
  if (!cursor) return tl::unexpected(cursor.error());
  const auto id = stored.next_id();
  if (!id) return tl::unexpected(id.error());
  next_id = *id;
  if (auto read = stored.visit_open([this](const delivery& each) {
        if (const auto to = channels.find(each.channel); to != channels.end())
          to->second.line.add(each.id, each.finding, each.due_at_us);
      });
      !read)
    return read;
  if (auto read = stored.visit_dead([this](const delivery& each) {
        if (const auto of = channels.find(each.channel); of != channels.end()) ++of->second.dead;
      });
      !read)
    return read;
  if (auto read = stored.visit_told([this](const told_alert& each) {
        await_step(each);
        if (each.ended_at_us != 0) unseen.emplace(each.ended_at_us, finding_id(each.raised));
        told.emplace(finding_id(each.raised), each);
      });
      !read)
    return read;
  if (auto read = read_calm(); !read) return read;

  // What was found before there were notifications is told to nobody.
  const std::uint64_t from = cursor->value_or(behind->events().last_sequence());
  if (!*cursor) pending.cursor = from;
  counts.cursor = from;
  feed = behind->events().subscribe(from, [this] { network->wake(); });
  return {};
}

/// Follows the catalog. What a channel that is gone had goes with it.
void notifier::impl::refresh_channels() {
  const std::uint64_t version = behind->entities().version();
  if (version == catalog_version) return;
  catalog_version = version;
  std::set<channel_id> gone;
  for (const auto& [id, state] : channels) gone.insert(id);
  for (auto& entry : behind->entities().channels()) {
    gone.erase(entry.id);
    const channel_id id = entry.id;
    channels[id].entry = std::move(entry);
  }
  for (const channel_id id : gone) {
    if (auto removed = behind->notifications().remove_channel(id); !removed)
      spdlog::warn("notifications of channel {}: {}", id, removed.error().message);
    channels.erase(id);
    const auto of_it = [id](const delivery& each) { return each.channel == id; };
    std::erase_if(pending.open, of_it);
    std::erase_if(pending.dead, of_it);
    std::erase_if(digests, [id = id](const auto& each) { return each.first.first == id; });
    groups.forget(id);
  }
  groups.place_again();  // channels may collect for another time now
  steps.clear();
  step_due.clear();  // rules may have other steps now
  for (const auto& [finding, alert] : told) await_step(alert);
}

/// True when the store knows all that memory knows.
bool notifier::impl::store() {
  keep_calm();
  if (auto written = behind->notifications().write(pending); !written) {
    if (!is_stuck) spdlog::warn("notifications wait: {}", written.error().message);
    is_stuck = true;
    return false;
  }
  is_stuck = false;
  if (pending.cursor) counts.cursor = *pending.cursor;
  for (const auto& each : pending.open) {
    const auto to = channels.find(each.channel);
    if (to != channels.end() && fresh.contains(each.id)) to->second.line.add(each.id, each.finding, each.due_at_us);
  }
  fresh.clear();
  changed_digests.clear();
  changed_chatterers.clear();
  groups.stored();
  pending = {};
  return true;
}

std::int64_t notifier::impl::wait_us(std::int64_t now_us, bool more) const {
  if (is_stuck) return stuck_wait_us;
  if (more || !pending.empty()) return 0;
  std::int64_t due = std::min(calm_due_us(), steps.empty() ? INT64_MAX : steps.begin()->first);
  for (const auto& [id, of] : channels)
    if (of.entry.enabled) due = std::min(due, due_us(of));
  return due == INT64_MAX ? longest_wait_us : std::clamp<std::int64_t>(due - now_us, 0, longest_wait_us);
}

void notifier::impl::let_end() {
  feed.reset();
  const auto until = std::chrono::steady_clock::now() + stop_grace;
  while (network->under_way() > 0 && std::chrono::steady_clock::now() < until) network->run(100'000);
  store();
}

void notifier::impl::show_counts() {
  std::uint64_t open = 0, dead = 0;
  for (const auto& [id, of] : channels) {
    open += of.line.size();
    dead += of.dead;
  }
  counts.open = open;
  counts.dead_letters = dead;
  counts.told_alerts = told.size() - unseen.size();
}

}  // namespace factory
