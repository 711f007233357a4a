#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "actors/engine/engine_impl.hpp"
#include "actors/engine/limits.hpp"
#include "actors/streams/stream_resolve.hpp"

namespace factory {

/// Sensors that pipelines fill: they say nothing that their sources do not, and no watch listens to them.
std::set<sensor_id> engine::impl::derived_sensors() const {
  std::set<sensor_id> all;
  for (const auto& each : pipelines->all())
    for (const auto& instance : each.instances) all.insert(instance.sinks.begin(), instance.sinks.end());
  return all;
}

/// After the journal has started. REQUIRES: the caller holds `changes`.
expected<void> engine::impl::start_watches() {
  auto all = watches->all();
  std::vector<machine_watch_entry> off;
  std::ranges::copy_if(all, std::back_inserter(off),
                       [this](const machine_watch_entry& each) { return !entities->machine_detector_of(each.machine).on; });
  if (auto stopped = stop_watches(off); !stopped) return stopped;
  all = watches->all();
  streams->start_watches(all);
  const auto is_gone = [&](const event_key& of) { return of.source == event_source::machine && !watches->find(of.rule); };
  if (auto ended = events->end_findings(is_gone, "The sensors of the machine were changed.", wall_clock_us()); !ended)
    return tl::unexpected(std::move(ended.error()));
  std::set<machine_id> machines;  // a change of the catalog that a crash cut short, or data of an older program
  for (const auto& each : entities->machines()) machines.insert(each.id);
  for (const auto& each : all) machines.insert(each.machine);
  refresh_watches(machines);
  return {};
}

/// They are switched off: nothing is left of them. Switched on again, they learn anew.
expected<void> engine::impl::stop_watches(const std::vector<machine_watch_entry>& of) {
  std::vector<catalog_write> writes;
  for (const auto& each : of) writes.push_back(machine_watch_store::write_of_removal(each.machine));
  if (writes.empty()) return {};
  if (auto ended = end_watches(of, "The machine detector was switched off."); !ended) return ended;
  return commit(std::nullopt, std::move(writes), [this, of] {
    for (const auto& each : of) watches->erase(each.machine);
  });
}

/// Takes away what the watches have stored and ends what they have found: after what their actors, if they have some, may still have handed over.
expected<void> engine::impl::end_watches(const std::vector<machine_watch_entry>& gone, std::string_view why) {
  if (gone.empty()) return {};
  std::vector<stream_key> keys;
  std::set<machine_id> machines;
  for (const auto& each : gone) {
    streams->end(machine_watches, each.machine);
    keys.push_back({machine_watches, each.version, each.machine});
    machines.insert(each.machine);
  }
  if (auto reached = reach_store(limits::query_deadline_ms); !reached) return reached;
  const auto is_gone = [&](const event_key& of) { return of.source == event_source::machine && machines.contains(of.rule); };
  if (auto done = events->end_findings(is_gone, why, wall_clock_us()); !done) return tl::unexpected(std::move(done.error()));
  if (auto removed = stream_states->remove(keys); !removed) return removed;
  return marks->keep_only([&](const stream_key& key) { return !machines.contains(key.machine); });
}

/// After a change of these machines' sensors or settings, or of which of the sensors pipelines fill: watches for those that have enough sensors, anew where they are others than before. The
/// change is in force, whatever becomes of the watches: the next start tries again. REQUIRES: the caller holds `changes`.
void engine::impl::refresh_watches(const std::set<machine_id>& of) {
  const auto derived = derived_sensors();
  std::vector<machine_watch_entry> fresh, ended, off;
  std::vector<catalog_write> writes;
  for (const auto machine : of) {
    const auto known = watches->find(machine);
    const auto how = entities->machine_detector_of(machine);
    if (!how.on) {
      if (known) off.push_back(*known);
      continue;
    }
    auto wanted = watched_sensors(*entities, machine, derived);
    if (known ? known->sensors == wanted : wanted.empty()) continue;
    if (known) ended.push_back(*known);
    if (wanted.empty()) {
      writes.push_back(machine_watch_store::write_of_removal(machine));
      continue;
    }
    fresh.push_back({machine, known ? known->version + 1 : 1U, entries->last_sequence(), std::move(wanted), how.sensitivity,
                     events->last_sequence()});
    writes.push_back(machine_watch_store::write_of(fresh.back()));
  }
  if (auto stopped = stop_watches(off); !stopped) spdlog::warn("the machine detector: {}", stopped.error().message);
  if (writes.empty()) return;
  const auto put = [this, fresh, ended] {
    for (const auto& each : ended) watches->erase(each.machine);
    for (const auto& each : fresh) watches->put(each);
  };
  auto done = end_watches(ended, "The sensors of the machine were changed.");
  if (done) done = commit(std::nullopt, std::move(writes), put);
  if (done)
    streams->start_watches(fresh);
  else
    spdlog::warn("the machine detector: {}", done.error().message);
}

void engine::impl::watch_machines(const std::set<machine_id>& of) {
  const std::lock_guard one(changes);
  refresh_watches(of);
}

std::optional<stream_report> engine::watch_of(machine_id machine) const {
  auto reports = impl_->streams->report(machine_watches, limits::query_deadline_ms, machine);
  return reports.empty() ? std::nullopt : std::optional(std::move(reports.front()));
}

expected<std::optional<machine_mark>> engine::mark_before(machine_id machine, std::int64_t time_us) const {
  const auto watch = impl_->watches->find(machine);
  if (!watch) return std::nullopt;
  const auto place = machine_cell::place(machine_cell::of(time_us), 0, watch->sensors.size()) - 1;
  return impl_->marks->newest_until({machine_watches, watch->version, machine}, place);
}

}  // namespace factory
