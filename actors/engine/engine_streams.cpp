#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "actors/engine/engine_impl.hpp"
#include "actors/engine/limits.hpp"
#include "actors/streams/stream_resolve.hpp"
#include "pipelines/spec/pipeline_spec.hpp"

namespace factory {

namespace {

using instances = std::vector<pipeline_instance_entry>;

}  // namespace

expected<void> engine::impl::open_streams() {
  pipelines = std::make_unique<pipeline_store>(*db);
  if (auto loaded = pipelines->load(); !loaded) return loaded;
  watches = std::make_unique<machine_watch_store>(*db);
  if (auto loaded = watches->load(); !loaded) return loaded;
  stream_states = std::make_unique<stream_state_store>(*db);
  marks = std::make_unique<machine_mark_store>(*db);
  stream_ports ports;
  ports.write_readings = [this](reading_batch batch, journal::waker wake) {
    journal_entry entry;
    entry.received_at_us = wall_clock_us();
    entry.readings = std::make_shared<const reading_batch>(std::move(batch));
    // Not fsynced: a power cut that takes it takes all that was written later, also the state that has seen it.
    return entries->begin(std::move(entry), durability::buffered, {}, std::move(wake));
  };
  ports.save = [this](saved_stream snapshot, std::function<void()> written) {
    writer->write(std::move(snapshot), std::move(written));
  };
  ports.corrections_of = [this](sensor_id sensor) { return corrections->overlay_of(sensor); };
  ports.compute_again = [this](const stream_key& key, std::int64_t first_us, std::int64_t last_us) {
    streams_behind.put(key, {first_us, last_us, 0});
  };
  ports.keep_mark = [this](const stream_key& key, machine_mark mark) { writer->write(saved_mark{key, std::move(mark)}); };
  ports.write_events = [this](std::vector<event> found) { writer->write(std::move(found), nullptr); };
  streams = std::make_unique<stream_population>(
      runtime->system(), stream_progress, stream_times{config.allowed_lateness_us, config.future_skew_us}, std::move(ports),
      *stream_states, *entries, [this](std::function<void()> reached) { writer->barrier(std::move(reached)); });
  return {};
}

/// Brings what runs, and what instances have stored and found, to what is committed: after the journal has started, as instances write into it, and
/// after a change whose caller gave up before it was committed.
expected<void> engine::impl::start_streams() {
  const std::lock_guard one(changes);
  const auto all = pipelines->all();
  const auto is_known = [&](const stream_key& key) {
    if (key.pipeline == machine_watches) {
      const auto known = watches->find(key.machine);
      return known && known->version == key.version;
    }
    const auto at = std::ranges::find(all, key.pipeline, &pipeline_entry::id);
    return at != all.end() && at->version == key.version && find_instance(at->instances, key.machine) != nullptr;
  };
  if (streams->end_all_but(is_known))
    if (auto reached = reach_store(limits::query_deadline_ms); !reached) return reached;
  std::vector<stream_key> orphans;
  auto visited = stream_states->visit([&](const stream_key& key) {
    if (!is_known(key)) orphans.push_back(key);
  });
  if (!visited) return visited;
  if (auto removed = stream_states->remove(orphans); !removed) return removed;
  if (auto removed = marks->keep_only(is_known); !removed) return removed;
  std::set<std::pair<pipeline_id, sensor_id>> subjects;
  for (const auto& each : all)
    if (const auto spec = parse_pipeline(each.spec))
      for (const auto& instance : each.instances) subjects.emplace(each.id, instance.sources[subject_source(*spec)]);
  const auto is_gone = [&](pipeline_id id, sensor_id subject) { return !subjects.contains({id, subject}); };
  if (auto ended = end_events_of_pipelines(is_gone); !ended) return ended;
  for (const auto& each : all)
    if (auto started = start_instances(each, each.instances); !started) return started;
  if (auto watched = start_watches(); !watched) return watched;
  refresh_streams();  // a change of the catalog that a crash cut short
  return {};
}

expected<void> engine::impl::start_instances(const pipeline_entry& of, const std::vector<pipeline_instance_entry>& which) {
  auto spec = parse_pipeline(of.spec);
  if (!spec) return fail(errc::corrupt, "pipeline " + std::to_string(of.id) + " is of a newer version: " + spec.error().message);
  if (!spec->enabled) return {};
  streams->start(of.id, of.version, std::make_shared<const pipeline_spec>(std::move(*spec)), which);
  return {};
}

namespace {

/// The error of one of several pipelines has its index: of the first that is refused.
tl::unexpected<error> refuse_one(const std::vector<staged_pipeline>& all, error why) {
  const auto one = std::ranges::find_if(all, [](const staged_pipeline& each) { return !each.refused.empty(); });
  if (all.size() == 1 || one == all.end()) return tl::unexpected(std::move(why));
  error out{why.code, "1 of " + std::to_string(all.size()) + " entries refused; nothing was stored", {}, {}};
  out.rows.push_back({static_cast<std::size_t>(one - all.begin()), std::move(why.field), std::move(why.message)});
  return tl::unexpected(std::move(out));
}

}  // namespace

/// Commits pipelines together with the sensors that they need, and the units of these, as one write. REQUIRES: the caller holds `changes`.
expected<void> engine::impl::commit_pipelines(std::vector<staged_pipeline>& all) {
  wanted_sensors wanted;
  for (auto& each : all)
    if (auto assigned = assign_sinks(each, *entities, wanted); !assigned) return refuse_one(all, std::move(assigned.error()));
  std::optional<catalog_change> change;
  if (!wanted.empty()) {
    auto staged = entities->stage_create(std::move(wanted.entries), wanted.units, wall_clock_us());
    if (!staged) return refuse_one(all, in_words_of_sinks(std::move(staged.error()), wanted));
    for (std::size_t i = 0; i < staged->entries.size(); ++i) *wanted.ids[i] = staged->entries[i].id;
    change = std::move(staged->change);
  }
  std::vector<catalog_write> writes;
  std::vector<pipeline_entry> entries_of_all;
  std::set<pipeline_id> changed;
  for (const auto& each : all) changed.insert(each.entry.id);
  sensor_graph others;
  for (const auto& each : pipelines->all())
    if (!changed.contains(each.id))
      for (const auto& instance : each.instances) add_to(others, instance);
  for (auto& one : all) {
    for (const auto& each : one.made)
      if (const auto cycle = find_cycle(each, others))
        one.refused.push_back({each.machine, "sources: " + *cycle + " would be computed from itself"});
    if (!one.refused.empty()) return refuse_one(all, {errc::invalid, one.refused.front().reason, "sources", {}});
    auto& now = one.entry.instances;
    std::erase_if(now, [&one](const auto& each) { return find_instance(one.made, each.machine) != nullptr; });
    now.insert(now.end(), one.made.begin(), one.made.end());
    std::ranges::sort(now, {}, &pipeline_instance_entry::machine);
    keep_former(one, *entities);
    const auto own = pipelines->writes_of(one.entry);
    writes.insert(writes.end(), own.begin(), own.end());
    entries_of_all.push_back(one.entry);
  }
  const auto machines = machines_of_changed_sinks(all, *entities);
  auto done = commit(std::move(change), std::move(writes), [this, entries_of_all] {
    for (const auto& each : entries_of_all) pipelines->put(each);
  });
  if (done) refresh_watches(machines);
  return done;
}

expected<pipeline_entry> engine::impl::commit_pipeline(staged_pipeline one) {
  std::vector<staged_pipeline> all;
  all.push_back(std::move(one));
  if (auto done = commit_pipelines(all); !done) return tl::unexpected(std::move(done.error()));
  return std::move(all.front().entry);
}

/// Commits a change of the catalog, if there is one, with further writes.
expected<void> engine::impl::commit(std::optional<catalog_change> change, std::vector<catalog_write> writes,
                                    std::function<void()> then) {
  if (change) {
    change->writes.insert(change->writes.end(), writes.begin(), writes.end());
    return commit(std::move(*change), std::move(then));
  }
  journal_entry entry;
  entry.received_at_us = wall_clock_us();
  entry.config = std::make_shared<const config_change>();
  entry.when_committed = std::move(then);
  return commit(std::move(entry), std::move(writes));
}

std::vector<pipeline_instance_entry> engine::impl::all_instances(pipeline_id but) const {
  instances all;
  for (const auto& each : pipelines->all())
    if (each.id != but) all.insert(all.end(), each.instances.begin(), each.instances.end());
  return all;
}

/// Takes away what instances had stored and ends what they found: after what they may still have handed over. Where the disk is too slow for that, the
/// housekeeper does it, and starts what is to run.
expected<void> engine::impl::forget_instances(const std::vector<stream_key>& ended, const pipeline_spec& spec,
                                              const instances& were) {
  if (ended.empty()) return {};
  auto done = reach_store(limits::query_deadline_ms);
  if (done) done = forget_reached(ended, spec, were);
  if (!done) is_to_follow_changes = true;
  return done;
}

/// Likewise, when what they handed over is stored.
expected<void> engine::impl::forget_reached(const std::vector<stream_key>& ended, const pipeline_spec& spec,
                                            const instances& were) {
  std::set<sensor_id> subjects;
  for (const auto& each : ended)
    if (const auto* const known = find_instance(were, each.machine)) subjects.insert(known->sources[subject_source(spec)]);
  const auto is_gone = [&](pipeline_id id, sensor_id subject) {
    return id == ended.front().pipeline && subjects.contains(subject);
  };
  if (auto done = end_events_of_pipelines(is_gone); !done) return done;
  return stream_states->remove(ended);
}

expected<void> engine::impl::end_events_of_pipelines(const std::function<bool(pipeline_id, sensor_id)>& is_gone) {
  const auto of_gone = [&](const event_key& of) {
    return of.source == event_source::pipeline && is_gone(pipeline_of(of.rule), of.sensor);
  };
  if (auto ended = events->end_findings(of_gone, "The pipeline was changed or deleted.", wall_clock_us()); !ended)
    return tl::unexpected(std::move(ended.error()));
  return {};
}

expected<void> engine::impl::check_channels(const pipeline_spec& spec) const {
  for (std::size_t i = 0; i < spec.sinks.size(); ++i) {
    const auto* const sink = std::get_if<channel_sink>(&spec.sinks[i]);
    if (sink == nullptr || entities->find_channel(sink->channel)) continue;
    const auto field = "sinks[" + std::to_string(i) + "].channel.channel_id";
    return fail(errc::invalid, field + ": there is no channel " + std::to_string(sink->channel), field);
  }
  return {};
}

/// The pipeline whose events a channel hears, if there is one.
std::optional<pipeline_id> engine::impl::tells_channel(channel_id channel) const {
  for (const auto& each : pipelines->all()) {
    const auto spec = parse_pipeline(each.spec);
    if (spec && std::ranges::find(spec->sinks, pipeline_sink(channel_sink{channel})) != spec->sinks.end()) return each.id;
  }
  return std::nullopt;
}

std::optional<pipeline_id> engine::impl::filled_by(sensor_id sensor) const {
  for (const auto& each : pipelines->all())
    for (const auto& instance : each.instances)
      if (std::ranges::find(instance.sinks, sensor) != instance.sinks.end()) return each.id;
  return std::nullopt;
}

}  // namespace factory
