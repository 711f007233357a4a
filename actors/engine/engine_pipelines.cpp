#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "actors/engine/engine_impl.hpp"
#include "actors/engine/limits.hpp"
#include "actors/streams/limits.hpp"
#include "actors/streams/stream_resolve.hpp"
#include "pipelines/model/limits.hpp"
#include "pipelines/spec/pipeline_spec.hpp"

namespace factory {

namespace {

bool same_computation(pipeline_spec a, pipeline_spec b) {
  a.name = b.name;
  return a == b;
}

tl::unexpected<error> pipelines_end() { return fail(errc::stopping, "the engine is stopping; send it again after its restart"); }

}  // namespace

/// REQUIRES: the caller holds `changes`.
expected<staged_pipeline> engine::impl::stage_pipeline(const std::string& json, pipeline_id id) {
  auto spec = parse_pipeline(json);
  if (!spec) return tl::unexpected(std::move(spec.error()));
  if (auto good = check_channels(*spec); !good) return tl::unexpected(std::move(good.error()));
  auto made = resolve(*spec, *entities, {});
  if (!made) return tl::unexpected(std::move(made.error()));
  for (auto& each : *made) each.since_sequence = entries->last_sequence();
  staged_pipeline staged;
  staged.entry.id = id;
  staged.entry.created_at_us = wall_clock_us();
  staged.entry.spec = merge_pipeline(json, "{}").value_or(json);  // as short as it can be
  staged.spec = staged.spec_before = std::move(*spec);
  staged.made = std::move(*made);
  return staged;
}

expected<std::vector<pipeline_entry>> engine::create_pipelines(const std::vector<std::string>& bodies) {
  if (impl_->stopping) return pipelines_end();
  const std::lock_guard one(impl_->changes);
  std::vector<staged_pipeline> all;
  error refused{errc::invalid, {}, {}, {}};
  std::size_t refused_count = 0, instances_made = 0;
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    auto staged = impl_->stage_pipeline(bodies[i], impl_->pipelines->next_id() + static_cast<pipeline_id>(all.size()));
    if (!staged && bodies.size() == 1) return tl::unexpected(std::move(staged.error()));
    if (staged) {
      instances_made += staged->made.size();
      all.push_back(std::move(*staged));
    } else if (++refused_count <= limits::row_errors_per_answer) {
      refused.rows.push_back({i, staged.error().field, staged.error().message});
    }
  }
  refused.message =
      std::to_string(refused_count) + " of " + std::to_string(bodies.size()) + " entries refused; nothing was stored";
  if (refused_count > 0) return tl::unexpected(std::move(refused));
  if (impl_->streams->size() + instances_made > limits::stream_instances)
    return fail(errc::conflict, "there are " + std::to_string(impl_->streams->size()) +
                                    " instances of pipelines already; at most " + std::to_string(limits::stream_instances) +
                                    " may be");
  if (all.empty()) return std::vector<pipeline_entry>();
  if (auto done = impl_->commit_pipelines(all); !done) return tl::unexpected(std::move(done.error()));
  std::vector<pipeline_entry> made;
  for (auto& each : all) {
    if (auto started = impl_->start_instances(each.entry, each.entry.instances); !started)
      return tl::unexpected(std::move(started.error()));
    made.push_back(std::move(each.entry));
  }
  impl_->after_catalog_change({});
  return made;
}

expected<pipeline_entry> engine::update_pipeline(pipeline_id id, std::string_view changes) {
  if (impl_->stopping) return pipelines_end();
  if (const auto readable = merge_pipeline("{}", changes); !readable) return tl::unexpected(readable.error());
  return impl_->change_pipeline(id, changes);
}

expected<pipeline_entry> engine::impl::change_pipeline(pipeline_id id, std::string_view members) {
  const std::lock_guard one(changes);
  auto entry = pipelines->find(id);
  if (!entry) return entry;
  auto json = merge_pipeline(entry->spec, members);
  if (!json) return tl::unexpected(std::move(json.error()));
  const auto spec = parse_pipeline(*json), before = parse_pipeline(entry->spec);
  if (!spec) return tl::unexpected(spec.error());
  if (auto good = check_channels(*spec); !good) return tl::unexpected(std::move(good.error()));
  entry->spec = std::move(*json);
  const auto known = entry->instances;
  if (before && same_computation(*spec, *before)) {
    auto committed = commit_pipeline({std::move(*entry), *spec, {}, *before, known});
    if (committed && *spec == *before) after_catalog_change({});
    return committed;
  }
  auto made = resolve(*spec, *entities, own_sensors(known, entry->former));
  if (!made) return tl::unexpected(std::move(made.error()));
  for (auto& each : *made) each.since_sequence = entries->last_sequence();
  ++entry->version;
  entry->instances.clear();
  auto committed = commit_pipeline({std::move(*entry), *spec, std::move(*made), before.value_or(*spec), known});
  if (!committed) return committed;
  if (auto gone = forget_instances(streams->end(id), before.value_or(*spec), known); !gone)
    return tl::unexpected(std::move(gone.error()));
  if (auto started = start_instances(*committed, committed->instances); !started)
    return tl::unexpected(std::move(started.error()));
  after_catalog_change({});
  return committed;
}

expected<void> engine::remove_pipeline(pipeline_id id, bool with_sensors) {
  if (impl_->stopping) return pipelines_end();
  std::vector<sensor_id> gone;
  auto removed = impl_->take_pipeline_away(id, with_sensors, gone);
  return impl_->clear_away_or_later(gone, std::move(removed));
}

/// With its sensors, if they are to go, as one write. `gone`: these, unless it was refused; what is stored of them is left to the caller.
expected<void> engine::impl::take_pipeline_away(pipeline_id id, bool with_sensors, std::vector<sensor_id>& gone) {
  const std::lock_guard one(changes);
  const auto entry = pipelines->find(id);
  if (!entry) return tl::unexpected(entry.error());
  const auto own = sensors_of_sinks(*entry, *entities), filled = with_sensors ? own : std::vector<sensor_id>();
  for (const auto& other : all_instances(id))
    for (const auto sensor : other.sources)
      if (std::ranges::binary_search(filled, sensor))
        return fail(errc::conflict, "Another pipeline computes from sensor " + std::to_string(sensor) +
                                        ", which this one fills or has filled; delete that one first, or keep the sensors.");
  std::set<machine_id> machines;
  for (const auto sensor : own)
    if (const auto known = entities->find_sensor(sensor)) machines.insert(known->machine);
  std::optional<catalog_change> change;
  if (!filled.empty()) {
    auto staged = entities->stage_delete_sensors(filled);
    if (!staged) return tl::unexpected(std::move(staged.error()));
    change = std::move(*staged);
  }
  gone = filled;
  const auto erase = [this, id] { pipelines->erase(id); };
  if (auto done = commit(std::move(change), pipeline_store::writes_of_removal(id), erase); !done) return done;
  note_left_out(*entry, {});
  auto done = forget_instances(streams->end(id), parse_pipeline(entry->spec).value_or(pipeline_spec{}), entry->instances);
  after_catalog_change({});
  refresh_watches(machines);
  return done;
}

std::vector<pipeline_entry> engine::pipelines() const { return impl_->pipelines->all(); }
expected<pipeline_entry> engine::find_pipeline(pipeline_id id) const { return impl_->pipelines->find(id); }
std::shared_ptr<const sensor_set> engine::derived_sensors() const { return impl_->pipelines->filled(); }
std::vector<stream_report> engine::report_of_pipeline(pipeline_id id) const {
  return impl_->streams->report(id, limits::query_deadline_ms);
}
left_out_machines engine::left_out_of_pipeline(pipeline_id id) const {
  const std::lock_guard lock(impl_->left_out_mutex);
  const auto at = impl_->left_out_by_pipeline.find(id);
  return at == impl_->left_out_by_pipeline.end() ? left_out_machines() : at->second;
}

}  // namespace factory
