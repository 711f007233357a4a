#include "actors/sensors/sensor_population.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "actors/engine/limits.hpp"
#include "actors/flow/wake.hpp"

namespace factory {

namespace {

tl::unexpected<error> has_failed() {
  return fail(errc::unavailable, "this sensor's actor has failed; its readings are safe, see the log");
}

}  // namespace

sensor_population::sensor_population(caf::actor_system& system, population_counts& counts, const population_config& config,
                                     persistence store, const population_source& source)
    : system_(system),
      config_(config),
      store_(std::move(store)),
      source_(source),
      counts_(counts),
      supervisor_(system.spawn(supervisor, [this](const failed_actor& failed) { on_failure(failed); })),
      ticks_(std::make_shared<tick_book>([this](sensor_id sensor_number, const tick& at) {
        if (const auto actor = directory_.find(sensor_number))
          caf::anon_send(actor, sensor_order{new_tick{at, sensor_number, under_way(counts_.readings)}});
      })),
      line_(std::make_shared<dispatcher>([this](const auto& group, const auto& turn) { send(group, turn); },
                                         [this](const auto& group) { run(group); })) {
  shards_.resize(config_.shards);
  for (std::size_t i = 0; i < shards_.size(); ++i) shards_[i] = spawn_shard(i);
  rebuilder_ = std::thread([this] { rebuild_loop(); });
}

sensor_population::~sensor_population() {
  line_->close();
  ticks_->close();
  {
    const std::lock_guard lock(failures_mutex_);
    stopping_ = true;
  }
  failures_changed_.notify_all();
  rebuilder_.join();
  const auto shutdown = caf::exit_reason::user_shutdown;
  caf::anon_send_exit(supervisor_, shutdown);
  directory_.for_each([&](sensor_id, const sensor_actor& actor) { caf::anon_send_exit(actor, shutdown); });
  for (const auto& line : shards_)
    for (const auto& each : line->stages) caf::anon_send_exit(each, shutdown);
}

sensor_population::shard sensor_population::spawn_shard(std::size_t index) {
  return make_stage_line([&](const stage_kind& kind, const stage_actor& next) {
    const stage_parts parts{store_, ticks_};
    auto made = kind.own_thread ? system_.spawn<caf::detached>(run_stage, &kind, parts, next)
                                : system_.spawn(run_stage, &kind, parts, next);
    caf::anon_send(supervisor_, watch_order{watch_order::kind::shard, static_cast<std::uint32_t>(index),
                                            caf::actor_cast<caf::strong_actor_ptr>(made)});
    return made;
  });
}

sensor_population::shard sensor_population::shard_behind(sensor_id sensor_number) const {
  const std::lock_guard lock(shards_mutex_);
  return shards_[shard_of(sensor_number)];
}

sensor_actor sensor_population::spawn_sensor(sensor_id sensor_number, const restart_record& record) {
  auto actor = system_.spawn(
      sensor,
      sensor_parts{sensor_number, config_.stores_readings, shard_behind(sensor_number), record.restarts, record.taken_in, ticks_,
                   judging_.of(sensor_number), config_.stores_readings ? backlog_ : nullptr},
      config_.rules);
  caf::anon_send(supervisor_,
                 watch_order{watch_order::kind::sensor, sensor_number, caf::actor_cast<caf::strong_actor_ptr>(actor)});
  return actor;
}

void sensor_population::start(sensor_id sensor_number, std::uint64_t applied_sequence, std::shared_ptr<const std::string> state) {
  auto actor = spawn_sensor(sensor_number, {});
  directory_.put(sensor_number, actor);  // first: the failure of an actor that does not stand here is passed over
  caf::anon_send(actor, sensor_order{restore_order{applied_sequence, std::move(state), {}, under_way(counts_.readings)}});
}

void sensor_population::dispatch(std::span<const journal_entry* const> entries, const sensor_set* known) {
  const auto newest = entries.back()->sequence;
  dispatching_sequence_.store(newest);
  std::size_t overtaking = 0;
  for (const auto* entry : entries) {
    if (entry->readings) {
      if (overtaking < limits::overtaking_entries && line_->overtakes(*entry, counts_.readings))
        ++overtaking;
      else
        line_->put(*entry, counts_.readings);
    }
    if (entry->readings) continue;
    line_->pass_on();
    if (entry->config) dispatch_config(*entry, known);
    if (entry->command) dispatch_command(*entry);
    if (entry->tick) dispatch_tick(*entry);
  }
  dispatched_sequence_.store(newest);
  line_->send_where_room();
}

void sensor_population::send(const std::shared_ptr<const batch_group>& group, const dispatcher::turn& turn) const {
  bundled_wakes wakes(system_);
  directory_.for_each(group->parts, [&](std::uint32_t begin, std::uint32_t end, const sensor_actor& actor) {
    send_by(wakes, actor, new_readings{group, begin, end, turn});
  });
}

/// On this thread: the workers' queue holds the entries that are being overtaken.
void sensor_population::run(const std::shared_ptr<const batch_group>& group) const {
  run_here here(system_);
  directory_.for_each(group->parts, [&](std::uint32_t begin, std::uint32_t end, const sensor_actor& actor) {
    send_by(here, actor, new_readings{group, begin, end});
  });
  here.run();
}

std::uint64_t sensor_population::pass_on() {
  const auto newest = dispatched_sequence_.load();
  line_->pass_on();
  return newest;
}

void sensor_population::dispatch_config(const journal_entry& entry, const sensor_set* known) {
  for (const auto& config : entry.config->configs) {
    auto actor = directory_.find(config.sensor);
    if (!actor) {
      if (known == nullptr || known->contains(config.sensor)) continue;  // deleted since, or failed for good
      start(config.sensor, 0, nullptr);
      actor = directory_.find(config.sensor);
    }
    caf::anon_send(actor, sensor_order{new_config{entry.sequence, entry.received_at_us,
                                                  std::shared_ptr<const sensor_config>(entry.config, &config),
                                                  under_way(counts_.readings)}});
  }
}

void sensor_population::dispatch_tick(const journal_entry& entry) {
  ticks_->forget_when([this] { return counts_.readings.idle() && counts_.rebuilt.idle(); });
  ticks_->put({entry.sequence, entry.received_at_us});
}

void sensor_population::dispatch_command(const journal_entry& entry) {
  const new_command part{entry.sequence, entry.received_at_us, entry.command, under_way(counts_.readings)};
  if (const auto actor = directory_.find(entry.command->sensor))
    caf::anon_send(actor, sensor_order{part});
  else
    shard_behind(entry.command->sensor)->tell(part, [](const stage_actor& to, const new_command& each) {
      caf::anon_send(to, each);
    });
}

void sensor_population::backlog_is_judged(sensor_id sensor_number, std::uint64_t late_count) const {
  if (const auto actor = directory_.find(sensor_number)) caf::anon_send(actor, sensor_order{backlog_judged{late_count}});
}

expected<reply<sensor_view>::waiter> sensor_population::ask(sensor_id sensor_number, const time_range& range,
                                                            view_more more) const {
  const auto actor = directory_.find(sensor_number);
  if (!actor) return has_failed();
  line_->pass_on();  // a client reads its own writes
  auto [answer, waiter] = reply<sensor_view>::make();
  run_here here(system_);
  send_by(here, actor, sensor_order{view_request{range, more, std::move(answer)}});
  here.run();
  return waiter;
}

std::vector<expected<reply<sensor_view>::waiter>> sensor_population::ask(std::span<const sensor_id> sensors,
                                                                         const time_range& range, view_more more) const {
  line_->pass_on();
  std::vector<expected<reply<sensor_view>::waiter>> waiters;
  waiters.reserve(sensors.size());
  bundled_wakes wakes(system_);
  for (const auto each : sensors) {
    const auto actor = directory_.find(each);
    if (!actor) {
      waiters.emplace_back(has_failed());
      continue;
    }
    auto [answer, waiter] = reply<sensor_view>::make();
    send_by(wakes, actor, sensor_order{view_request{range, more, std::move(answer)}});
    waiters.emplace_back(std::move(waiter));
  }
  return waiters;
}

expected<reply<sensor_view>::waiter> sensor_population::ask_from_behind(sensor_id sensor_number, const time_range& range) const {
  const auto actor = directory_.find(sensor_number);
  if (!actor) return has_failed();
  auto [answer, waiter] = reply<sensor_view>::make();
  bundled_wakes wakes(system_);
  send_by(wakes, actor, sensor_order{view_request{range, view_more::nothing, std::move(answer)}});
  return waiter;
}

/// The sensor first: what it passes on is in the mailboxes behind it by the time it answers.
expected<void> sensor_population::settle(sensor_id sensor_number, std::int64_t deadline_ms,
                                         std::shared_ptr<std::string> alarms) const {
  if (directory_.find(sensor_number)) {
    auto asked = ask(sensor_number, {});
    if (!asked) return tl::unexpected(std::move(asked.error()));
    if (auto seen = asked->wait_for(deadline_ms); !seen) return tl::unexpected(std::move(seen.error()));
  }
  return drain(shard_behind(sensor_number), deadline_ms, {{}, sensor_number, std::move(alarms)});
}

expected<void> sensor_population::retire(sensor_id sensor_number, std::int64_t deadline_ms) {
  const auto actor = directory_.remove(sensor_number);
  ticks_->forget(sensor_number);
  {
    const std::lock_guard lock(failed_mutex_);
    failed_.erase(sensor_number);
  }
  if (actor) {
    auto [done, waiter] = reply<bool>::make();
    caf::anon_send(actor, sensor_order{retire_order{sensor_number, std::move(done)}});
    if (auto gone = waiter.wait_for(deadline_ms); !gone) return tl::unexpected(gone.error());
  }
  auto [done, waiter] = reply<bool>::make();
  source_.barrier([done = std::move(done)] { done.set(true); });
  if (auto stored = waiter.wait_for(deadline_ms); !stored) return tl::unexpected(stored.error());
  return {};
}

bool sensor_population::persist_all(std::int64_t deadline_ms, const std::function<bool()>& hopeless) {
  // In waves, so that memory never holds the states of 100,000 sensors at once.
  std::vector<sensor_actor> actors;
  directory_.for_each([&](sensor_id, const sensor_actor& actor) { actors.push_back(actor); });
  bool all = true;
  for (std::size_t begin = 0; begin < actors.size() && all; begin += limits::checkpoint_wave) {
    std::vector<completion::waiter> waiters;
    for (std::size_t i = begin; i < std::min(actors.size(), begin + limits::checkpoint_wave); ++i) {
      auto [stored, waiter] = completion::make();
      caf::anon_send(actors[i], sensor_order{persist_request{std::move(stored)}});
      waiters.push_back(std::move(waiter));
    }
    for (auto& waiter : waiters) all = all && waiter.wait_for(deadline_ms, hopeless).has_value();
  }
  return all;
}

std::uint64_t sensor_population::failed_count() const {
  const std::lock_guard lock(failed_mutex_);
  return failed_.size();
}

std::set<sensor_id> sensor_population::failed() const {
  const std::lock_guard lock(failed_mutex_);
  return failed_;
}

std::optional<sensor_id> sensor_population::failed_among(const reading_batch& readings) const {
  const std::lock_guard lock(failed_mutex_);
  const auto found = std::ranges::find_if(readings.slices, [&](const slice& rows) { return failed_.contains(rows.sensor); });
  return found == readings.slices.end() ? std::nullopt : std::optional(found->sensor);
}

bool sensor_population::wait_until_idle(std::int64_t deadline_ms) {
  return counts_.readings.wait_until_idle(deadline_ms) && counts_.rebuilt.wait_until_idle(deadline_ms);
}

}  // namespace factory
