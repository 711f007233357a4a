#include "actors/streams/stream_population.hpp"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "actors/flow/wake.hpp"
#include "actors/streams/limits.hpp"
#include "actors/streams/stream_actor.hpp"
#include "actors/streams/watch_rows.hpp"

namespace factory {

const std::uint64_t stream_population::instance::limit_ = limits::stream_queued_readings;

namespace {

stream_ports through(std::shared_ptr<derived_writer> writer, stream_ports ports) {
  ports.put_derived = [writer = std::move(writer)](derived_readings made) { writer->put(std::move(made)); };
  return ports;
}

}  // namespace

stream_population::stream_population(caf::actor_system& system, progress& counts, const stream_times& times, stream_ports ports,
                                     const stream_state_store& states, const journal& entries,
                                     std::function<void(std::function<void()>)> store_barrier)
    : system_(system),
      times_(times),
      writer_(std::make_shared<derived_writer>(system, ports.write_readings)),
      ports_(through(writer_, std::move(ports))),
      states_(states),
      entries_(entries),
      store_barrier_(std::move(store_barrier)),
      counts_(counts),
      supervisor_(system.spawn(supervisor, [this](const failed_actor& failed) { on_failure(failed.id); })),
      dispatched_sequence_(entries.last_sequence()),
      catch_up_entries_(limits::stream_catch_up_entries),
      giver_([this] { give_loop(); }) {}

stream_population::~stream_population() {
  stopping_ = true;
  bell_.ring();
  giver_.join();
  writer_->stop();
  const auto shutdown = caf::exit_reason::user_shutdown;
  caf::anon_send_exit(supervisor_, shutdown);
  for (const auto& [key, each] : all_) caf::anon_send_exit(each->actor, shutdown);
}

expected<void> stream_population::start(pipeline_id pipeline, std::uint32_t version,
                                        const std::shared_ptr<const pipeline_spec>& spec,
                                        std::span<const pipeline_instance_entry> instances) {
  const std::lock_guard lock(mutex_);
  for (const auto& each : instances) start({pipeline, version, each.machine}, spec, each);
  bell_.ring();
  return {};
}

void stream_population::start_watches(std::span<const machine_watch_entry> watches) {
  const std::lock_guard lock(mutex_);
  for (const auto& each : watches)
    if (auto* const made =
            start({machine_watches, each.version, each.machine}, nullptr, {each.machine, each.since_sequence, each.sensors, {}}))
      made->live->sensitivity = each.sensitivity;
  bell_.ring();
}

/// The new one; null where it is there already. REQUIRES: the caller holds mutex_.
stream_population::instance* stream_population::start(const stream_key& key, std::shared_ptr<const pipeline_spec> spec,
                                                      const pipeline_instance_entry& of) {
  if (all_.contains(key)) return nullptr;
  auto made = std::make_shared<instance>();
  made->live = std::make_shared<live_stream>();
  made->live->key = key;
  made->live->spec = std::move(spec);
  made->live->sources = of.sources;
  made->live->sinks = of.sinks;
  made->live->saved = of.since_sequence;
  made->sent_sequence = of.since_sequence;
  made->number = next_number_++;
  all_.emplace(key, made);
  ++(made->live->is_watch() ? watch_count_ : count_);
  routes_are_old_ = true;
  to_restore_.push_back(made);
  return made.get();
}

std::vector<stream_key> stream_population::end(pipeline_id pipeline, std::optional<machine_id> machine) {
  return end([&](const stream_key& key) { return key.pipeline == pipeline && (!machine || key.machine == *machine); });
}

bool stream_population::end_all_but(const std::function<bool(const stream_key&)>& holds) {
  return !end([&](const stream_key& key) { return !holds(key); }).empty();
}

std::vector<stream_key> stream_population::end(const std::function<bool(const stream_key&)>& is_one) {
  const std::lock_guard lock(mutex_);
  std::vector<stream_key> ended;
  std::erase_if(all_, [&](const auto& each) {
    if (!is_one(each.first)) return false;
    ended.push_back(each.first);
    each.second->is_down = true;  // the thread that gives may still hold it
    each.second->live->is_over = true;
    --(each.second->live->is_watch() ? watch_count_ : count_);
    if (each.second->actor) caf::anon_send_exit(each.second->actor, caf::exit_reason::user_shutdown);
    return true;
  });
  routes_are_old_ = true;
  bell_.ring();
  return ended;
}

std::size_t stream_population::size() const { return count_.load(); }
std::size_t stream_population::watch_count() const { return watch_count_.load(); }

/// What is being filled for it; that counts as under way until its actor lets go, or it is dropped.
stream_entries& stream_population::next_of(instance& to) {
  if (!to.next) {
    to.next = std::make_shared<stream_entries>();
    to.next->credit = under_way(counts_);
  }
  return *to.next;
}

void stream_population::add(instance& to, const journal_entry& entry, const slice& rows, std::uint32_t source) {
  auto& next = next_of(to);
  const auto times = entry.readings->times(rows);
  const auto values = entry.readings->values(rows);
  const auto begin = static_cast<std::uint32_t>(next.values.size());
  const auto flags = entry.readings->flags_of(rows);
  const auto corrections = ports_.corrections_of ? ports_.corrections_of(rows.sensor) : nullptr;
  if (to.live->is_watch()) {
    add_newest_of_cells(next, times, values, flags, corrections.get());
  } else {
    next.times_us.insert(next.times_us.end(), times.begin(), times.end());
    next.values.insert(next.values.end(), values.begin(), values.end());
    if (!flags.empty()) {
      next.flags.resize(begin);
      next.flags.insert(next.flags.end(), flags.begin(), flags.end());
    }
  }
  const bool is_corrected =
      corrections && std::ranges::any_of(times, [&](std::int64_t time_us) { return corrections->changes(time_us); });
  next.parts.push_back(
      {entry.sequence, entry.received_at_us, source, begin, static_cast<std::uint32_t>(next.values.size()), is_corrected});
}

void stream_population::add_tick(instance& to, const journal_entry& entry) {
  next_of(to).parts.push_back({entry.sequence, entry.received_at_us, stream_entries::tick, 0, 0});
}

void stream_population::add_sensitivity(instance& to, const journal_entry& entry, double sensitivity) {
  auto& next = next_of(to);
  const auto begin = static_cast<std::uint32_t>(next.values.size());
  next.times_us.push_back(entry.received_at_us);
  next.values.push_back(sensitivity);
  next.parts.push_back({entry.sequence, entry.received_at_us, stream_entries::sensitivity, begin, begin + 1});
}

std::optional<std::int64_t> stream_population::due_us() const {
  if (count_.load() == 0) return std::nullopt;  // watches wait for nothing
  const std::lock_guard lock(mutex_);
  auto due = INT64_MAX;
  for (const auto& [key, each] : all_)
    if (!each->is_down) due = std::min(due, each->live->due_us.load());
  return due == INT64_MAX ? std::nullopt : std::optional(due);
}

std::vector<stream_report> stream_population::report(pipeline_id pipeline, std::int64_t deadline_ms,
                                                     std::optional<machine_id> machine) {
  std::vector<stream_report> reports;
  std::vector<reply<stream_view>::waiter> asked;
  {
    bundled_wakes by(system_);
    const std::lock_guard lock(mutex_);
    pass_on(by);
    send_held(by);
    for (auto at = all_.lower_bound({pipeline, 0, 0}); at != all_.end() && at->first.pipeline == pipeline; ++at) {
      const auto& [key, each] = *at;
      if (machine && key.machine != *machine) continue;
      stream_report made{
          key.machine, each->live->sources, each->live->sinks, {}, each->live->queued.load(), each->restarts, each->failure, {}};
      made.state = each->is_down  ? stream_condition::failed
                   : each->behind ? stream_condition::catching_up
                                  : stream_condition::running;
      reports.push_back(std::move(made));
      auto [answer, waiter] = reply<stream_view>::make();
      if (each->actor && !each->is_down) caf::anon_send(each->actor, stream_view_request{std::move(answer)});
      asked.push_back(std::move(waiter));
    }
  }
  for (std::size_t i = 0; i < reports.size(); ++i)
    if (auto seen = asked[i].wait_for(deadline_ms)) reports[i].seen = *seen;
  return reports;
}

bool stream_population::persist_all(std::int64_t deadline_ms, const std::function<bool()>& hopeless) {
  std::vector<reply<bool>::waiter> asked;
  {
    bundled_wakes by(system_);
    const std::lock_guard lock(mutex_);
    pass_on(by);
    send_held(by);
    for (const auto& [key, each] : all_) {
      if (each->is_down || !each->actor) continue;
      auto [stored, waiter] = reply<bool>::make();
      caf::anon_send(each->actor, stream_save{each->behind ? 0 : dispatched_sequence_, std::move(stored)});
      asked.push_back(std::move(waiter));
    }
  }
  // One that fails meanwhile is restored from its stored state: it holds the journal, not the checkpoint.
  return std::ranges::all_of(asked, [&](auto& each) {
    const auto stored = each.wait_for(deadline_ms, hopeless);
    return stored || stored.error().code != errc::timed_out;
  });
}

std::uint64_t stream_population::floor(std::uint64_t target) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [key, each] : all_)
    if (!each->is_down) target = std::min(target, each->live->saved.load());
  return target;
}

bool stream_population::wait_until_idle(std::int64_t deadline_ms) {
  constexpr std::int64_t look_every_ms = 5;
  for (; deadline_ms > 0; deadline_ms -= look_every_ms) {
    {
      bundled_wakes by(system_);
      const std::lock_guard lock(mutex_);
      pass_on(by);
      send_held(by);
      const bool all_there = failures_.empty() && std::ranges::none_of(all_, [](const auto& each) {
                               return each.second->behind && !each.second->is_down;
                             });
      // In this order: what is under way may end in the line.
      if (all_there && counts_.idle() && line_is_empty()) return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(look_every_ms));
  }
  return false;
}

std::uint64_t stream_population::failed_count() const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::uint64_t>(std::ranges::count_if(all_, [](const auto& each) { return each.second->is_down; }));
}

stream_population::lag stream_population::how_far_behind() const {
  const std::lock_guard lock(mutex_);  // nothing moves from the line to instances
  const auto behind = std::ranges::count_if(all_, [](const auto& each) { return each.second->behind && !each.second->is_down; });
  return {queued_->load() + readings_in_line(), static_cast<std::uint64_t>(behind)};
}

bool stream_population::is_behind() const { return how_far_behind().instances_behind > 0; }

stream_actor stream_population::actor_of(pipeline_id pipeline, machine_id machine) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [key, each] : all_)
    if (key.pipeline == pipeline && key.machine == machine) return each->actor;
  return {};
}

expected<stream_population::paused> stream_population::pause(const stream_key& key, std::int64_t deadline_ms) {
  constexpr std::int64_t look_every_ms = 5;
  auto [answer, waiter] = reply<std::shared_ptr<const std::string>>::make();
  paused out;
  for (auto left_ms = std::min(deadline_ms, limits::stream_pause_wait_ms);; left_ms -= look_every_ms) {
    {
      bundled_wakes by(system_);
      const std::lock_guard lock(mutex_);
      pass_on(by);
      const auto at = all_.find(key);
      if (at == all_.end()) return fail(errc::not_found, "there is no such instance of a pipeline");
      if (at->second->is_down) return fail(errc::unavailable, at->second->failure);
      if (!at->second->behind && at->second->actor) {
        out.ticket = next_ticket_++;
        caf::anon_send(at->second->actor, stream_pause{out.ticket, std::move(answer)});
        break;
      }
    }
    if (left_ms <= 0) return fail(errc::overloaded, "an instance of a pipeline, or a machine detector, is catching up");
    std::this_thread::sleep_for(std::chrono::milliseconds(look_every_ms));
  }
  auto state = waiter.wait_for(deadline_ms);
  if (!state) {
    if (auto gone_on = resume(key, out.ticket, nullptr, false, deadline_ms); !gone_on)
      return tl::unexpected(std::move(gone_on.error()));
    return fail(errc::overloaded, "an instance of a pipeline did not answer: " + state.error().message);
  }
  out.state = std::move(*state);
  return out;
}

expected<void> stream_population::resume(const stream_key& key, std::uint64_t ticket, std::shared_ptr<const std::string> state,
                                         bool again_is_done, std::int64_t deadline_ms) {
  const bool changes = state || again_is_done;
  auto [done, goes_on] = reply<bool>::make();
  auto [stored, is_stored] = reply<bool>::make();
  {
    const std::lock_guard lock(mutex_);
    const auto at = all_.find(key);
    if (at == all_.end() || !at->second->actor) return fail(errc::overloaded, "the pipeline was changed meanwhile");
    caf::anon_send(at->second->actor, stream_resume{ticket, std::move(state), again_is_done, std::move(done)});
    if (changes) caf::anon_send(at->second->actor, stream_save{0, std::move(stored)});
  }
  const auto went_on = goes_on.wait_for(deadline_ms);
  if (!went_on) return tl::unexpected(went_on.error());
  if (!*went_on) return fail(errc::overloaded, "an instance of a pipeline failed meanwhile");
  if (!changes) return {};
  const auto written = is_stored.wait_for(deadline_ms);
  return written ? expected<void>() : tl::unexpected(written.error());
}

}  // namespace factory
