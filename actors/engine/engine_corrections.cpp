#include <algorithm>
#include <string>
#include <utility>

#include "actors/engine/engine_impl.hpp"
#include "actors/engine/limits.hpp"
#include "actors/jobs/job_report.hpp"
#include "pipelines/model/time.hpp"
#include "pipelines/spec/pipeline_spec.hpp"
#include "storage/base/limits.hpp"

namespace factory {

namespace {

tl::unexpected<error> takes_no_corrections_now() {
  return fail(errc::stopping, "the engine is stopping; send it again after its restart");
}

/// Up to here nothing that still comes is judged together with what is there: the greatest lateness of the sensors behind `now_us`.
expected<std::int64_t> settled_until_us(const engine::impl& parts, const std::vector<sensor_id>& sensors, std::int64_t now_us) {
  std::int64_t lateness_us = 0;
  for (const auto id : sensors) {
    const auto sensor = parts.entities->find_sensor(id);
    if (!sensor) return tl::unexpected(sensor.error());
    lateness_us = std::max(lateness_us, sensor->stream.value_or(stream_rules_of(parts.config))->allowed_lateness_us);
  }
  return now_us - lateness_us;
}

expected<void> check(const engine::impl& parts, const correction& wanted, std::int64_t now_us) {
  if (wanted.sensors.empty()) return fail(errc::invalid, "selector matches no sensor", "selector");
  if (wanted.sensors.size() > limits::sensors_a_correction)
    return fail(errc::too_large,
                "selector matches " + std::to_string(wanted.sensors.size()) + " sensors, more than " +
                    std::to_string(limits::sensors_a_correction),
                "selector");
  if (wanted.begin_us >= wanted.end_us) return fail(errc::invalid, "to must be later than from", "to");
  const auto settled_us = settled_until_us(parts, wanted.sensors, now_us);
  if (!settled_us) return tl::unexpected(settled_us.error());
  if (wanted.end_us > *settled_us)
    return fail(errc::invalid,
                "to must be no later than " + format_time(*settled_us) +
                    ": what is newer is still being judged and can be corrected when the allowed lateness has passed",
                "to");
  for (const auto sensor : wanted.sensors)
    if (parts.corrections->count_in_force(sensor) >= limits::corrections_in_force)
      return fail(errc::conflict, "sensor " + std::to_string(sensor) + " has " + std::to_string(limits::corrections_in_force) +
                                      " corrections in force; revert one that is not needed");
  return {};
}

/// One that is in force and asks for the same.
std::optional<correction> find_same(const correction_store& in, const correction& wanted) {
  auto found = in.newest(0, 1, [&](const correction& each) { return each.in_force() && each.asks_the_same(wanted); });
  return found.empty() ? std::nullopt : std::optional(std::move(found.front()));
}

}  // namespace

const correction_store& engine::corrections() const { return *impl_->corrections; }

expected<correction> engine::correct(correction wanted) {
  if (impl_->stopping) return takes_no_corrections_now();
  const std::lock_guard one(impl_->changes);
  auto& known = *impl_->corrections;
  if (auto same = find_same(known, wanted)) return *same;
  wanted.made_at_us = wall_clock_us();
  if (auto good = check(*impl_, wanted, wanted.made_at_us); !good) return tl::unexpected(std::move(good.error()));
  wanted.id = known.next_id();
  wanted.step = known.next_step();
  auto done = impl_->commit(std::nullopt, correction_store::writes_of(wanted), [parts = impl_.get(), wanted] {
    parts->corrections->put(wanted);
    parts->past->wake();
  });
  if (!done) return tl::unexpected(std::move(done.error()));
  return wanted;
}

expected<consequences> engine::preview(correction wanted) {
  if (impl_->stopping) return takes_no_corrections_now();
  if (auto good = check(*impl_, wanted, wall_clock_us()); !good) return tl::unexpected(std::move(good.error()));
  return impl_->past->preview(wanted);
}

expected<consequences> engine::preview_revert(correction_id id) {
  if (impl_->stopping) return takes_no_corrections_now();
  const auto made = impl_->corrections->find(id);
  if (!made) return tl::unexpected(made.error());
  return made->in_force() ? impl_->past->preview_revert(*made) : consequences{};
}

std::optional<consequences> engine::consequences_of(std::uint64_t step, std::int64_t wait_ms) {
  return impl_->past->wait_for(step, wait_ms);
}

bool engine::past_is_judged() const { return impl_->past->is_idle(); }

/// Pipelines, as the recomputer's thread sees them.
stream_access engine::impl::access_to_streams() {
  stream_access to;
  to.times = {config.allowed_lateness_us, config.future_skew_us};
  to.all = [this] {
    std::vector<stream_access::instance> all;
    for (const auto& entry : pipelines->all()) {
      auto spec = parse_pipeline(entry.spec);
      if (!spec || !spec->enabled) continue;
      const auto shared = std::make_shared<const pipeline_spec>(std::move(*spec));
      for (const auto& each : entry.instances)
        all.push_back({{entry.id, entry.version, each.machine}, shared, each.sources, each.sinks});
    }
    return all;
  };
  to.watch_of = [this](machine_id machine) -> std::optional<stream_access::watched_machine> {
    const auto known = watches->find(machine);
    if (!known) return std::nullopt;
    return stream_access::watched_machine{
        {machine_watches, known->version, machine}, known->sensors, known->sensitivity, known->since_event};
  };
  to.pause = [this](const stream_key& key) { return streams->pause(key, limits::query_deadline_ms); };
  to.resume = [this](const stream_key& key, std::uint64_t ticket, std::shared_ptr<const std::string> state, bool again_is_done) {
    return streams->resume(key, ticket, std::move(state), again_is_done, limits::query_deadline_ms);
  };
  to.reach_store = [this] { return reach_store(limits::query_deadline_ms); };
  to.cut = [this](sensor_id id) { return view(id, {}).map([](sensor_view seen) { return std::move(seen.cut); }); };
  to.commit = [this](reading_batch readings, std::vector<catalog_write> writes, std::function<void()> then) -> expected<void> {
    journal_entry entry;
    entry.received_at_us = wall_clock_us();
    if (readings.size() != 0)
      entry.readings = std::make_shared<const reading_batch>(std::move(readings));
    else
      entry.config = std::make_shared<const config_change>();
    entry.when_committed = std::move(then);
    return entries->append(std::move(entry), durability::fsync, std::move(writes)).map([](std::uint64_t) {});
  };
  return to;
}

/// Before the cut is used, all that the actors found in its rows is in the log.
void engine::impl::start_past(const job_parts& of_jobs) {
  const auto settled_cut = [this](sensor_id id) -> expected<sensor_cut> {
    auto seen = view(id, {});
    if (!seen) return tl::unexpected(std::move(seen.error()));
    if (auto done = sensors->settle(id, limits::query_deadline_ms); !done) return tl::unexpected(std::move(done.error()));
    if (auto done = reach_store(limits::query_deadline_ms); !done) return tl::unexpected(std::move(done.error()));
    return std::move(seen->cut);
  };
  const auto report = [of_jobs, write = config.jobs.write_report](const std::set<factory_id>& factories, const time_range& range,
                                                                  const std::atomic<bool>& stop) {
    if (!write) return expected<std::vector<std::int64_t>>();
    return report_again(of_jobs, write, factories, range, stop);
  };
  const auto live = [this](sensor_id id) -> expected<live_judges> {
    auto seen = view(id, {});
    if (!seen) return tl::unexpected(std::move(seen.error()));
    const auto alarms = std::make_shared<std::string>();
    if (auto done = sensors->settle(id, limits::query_deadline_ms, alarms); !done) return tl::unexpected(std::move(done.error()));
    return live_judges{seen->edge, std::move(*alarms)};
  };
  const auto command = [this](sensor_id id, command_payload what) {
    return this->command(std::make_shared<const operator_command>(operator_command{id, {}, std::move(what)}));
  };
  past = std::make_unique<recomputer>(
      recomputer::parts{{*entities, *events, *series, stream_rules_of(config), wall_clock_us, live},
                        *events,
                        *corrections,
                        settled_cut,
                        command,
                        report,
                        sensors->backlog(),
                        [this](sensor_id id, std::uint64_t late_count) { sensors->backlog_is_judged(id, late_count); },
                        access_to_streams(),
                        streams_behind,
                        *marks});
  sensors->backlog().when_put([parts = past.get()] { parts->wake(); });
  streams_behind.when_put([parts = past.get()] { parts->wake(); });
  past->start();
}

expected<correction> engine::revert_correction(correction_id id, std::string by, std::string reason) {
  if (impl_->stopping) return takes_no_corrections_now();
  const std::lock_guard one(impl_->changes);
  auto& known = *impl_->corrections;
  auto wanted = known.find(id);
  if (!wanted || !wanted->in_force()) return wanted;
  if (wanted->change.action == correction_action::rest)
    return fail(errc::conflict, "The correction belongs to an annotation; change or delete that.");
  wanted->reverted = correction::reversion{wall_clock_us(), std::move(by), std::move(reason), known.next_step()};
  auto done = impl_->commit(std::nullopt, correction_store::writes_of(*wanted), [parts = impl_.get(), entry = *wanted] {
    parts->corrections->put(entry);
    parts->past->wake();
  });
  if (!done) return tl::unexpected(std::move(done.error()));
  return wanted;
}

}  // namespace factory
