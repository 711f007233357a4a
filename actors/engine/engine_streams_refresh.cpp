// Which instances pipelines have after a change of the catalog.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "actors/engine/engine_impl.hpp"
#include "actors/engine/limits.hpp"
#include "actors/streams/stream_resolve.hpp"
#include "pipelines/select/glob.hpp"
#include "pipelines/spec/pipeline_spec.hpp"

namespace factory {

namespace {

using instances = std::vector<pipeline_instance_entry>;

/// What the catalog does not allow, however often it is tried.
bool is_refusal(const error& why) {
  return why.code == errc::invalid || why.code == errc::conflict || why.code == errc::too_large;
}

}  // namespace

/// After a change of the catalog: instances for machines that have all sources now, none for those that have them no more. The sensors that
/// this makes may be sources in turn. What one pipeline cannot have now is no reason for others to stand still: the housekeeper tries again. REQUIRES: the
/// caller holds `changes`.
void engine::impl::refresh_streams() {
  for (bool changed = true; changed;) {
    changed = false;
    for (const auto& entry : pipelines->all()) {
      const auto done = refresh_stream(entry);
      changed = changed || done.value_or(false);
      if (done) continue;
      spdlog::warn("pipeline {} does not follow a change of the catalog yet: {}", entry.id, done.error().message);
      is_to_follow_changes = true;
    }
  }
}

/// Whether instances came into being.
expected<bool> engine::impl::refresh_stream(pipeline_entry entry) {
  const auto spec = parse_pipeline(entry.spec);
  if (!spec || !spec->enabled) {
    note_left_out(entry, {});
    return false;
  }
  const auto before = entry.instances;
  auto [fresh, left_out] = resolve_again(*spec, *entities, entry);
  std::vector<stream_key> ended;
  std::erase_if(entry.instances, [&](const auto& known) {
    const auto* const now = find_instance(fresh, known.machine);
    if (now != nullptr && now->sources == known.sources) return false;
    const auto gone = streams->end(entry.id, known.machine);
    ended.insert(ended.end(), gone.begin(), gone.end());
    return true;
  });
  std::erase_if(fresh, [&](const auto& each) { return find_instance(entry.instances, each.machine) != nullptr; });
  const bool has_changed = entry.instances.size() != before.size() || !fresh.empty();
  if (has_changed) {
    if (auto done = forget_instances(ended, *spec, before); !done) return tl::unexpected(std::move(done.error()));
    for (auto& each : fresh) each.since_sequence = entries->last_sequence();
    auto begun = commit_instances(entry, {*spec, before}, std::move(fresh), left_out);
    if (!begun) return tl::unexpected(std::move(begun.error()));
    fresh = std::move(*begun);
  }
  note_left_out(entry, std::move(left_out));
  if (fresh.empty()) return false;
  if (auto started = start_instances(entry, fresh); !started) return tl::unexpected(std::move(started.error()));
  return true;
}

/// Commits what is left of the instances of before, with the fresh ones but those that the catalog refuses: these are left out. Returns those that came
/// into being.
expected<instances> engine::impl::commit_instances(pipeline_entry& entry, const instances_before& was, instances fresh,
                                                   std::vector<left_out_machine>& left_out) {
  std::vector<staged_pipeline> one{{entry, was.spec, fresh, was.spec, was.all}};
  const auto done = commit_pipelines(one);
  auto& refused = one.front().refused;
  if (done) {
    entry = std::move(one.front().entry);
    return std::move(one.front().made);
  }
  if (!is_refusal(done.error()) || fresh.empty()) return tl::unexpected(done.error());
  if (refused.empty() && fresh.size() > 1) {  // it says of none that it is at fault, as where there are too many at once
    const auto half = fresh.begin() + static_cast<std::ptrdiff_t>(fresh.size() / 2);
    auto begun = commit_instances(entry, was, {fresh.begin(), half}, left_out);
    if (!begun) return begun;
    auto others = commit_instances(entry, {was.spec, entry.instances}, {half, fresh.end()}, left_out);
    if (!others) return others;
    begun->insert(begun->end(), others->begin(), others->end());
    return begun;
  }
  if (refused.empty()) refused.push_back({fresh.front().machine, done.error().message});
  std::set<machine_id> without;
  for (auto& each : refused)
    if (without.insert(each.machine).second) left_out.push_back(std::move(each));
  std::erase_if(fresh, [&](const auto& each) { return without.contains(each.machine); });
  if (fresh.empty() && entry.instances.size() == was.all.size()) return instances{};
  return commit_instances(entry, was, std::move(fresh), left_out);
}

/// What `GET /api/pipelines/{id}` says of it; the log hears of what is new, as far as its bound goes.
void engine::impl::note_left_out(const pipeline_entry& of, std::vector<left_out_machine> all) {
  left_out_machines now{{}, all.size()};
  all.resize(std::min(all.size(), limits::left_out_kept));
  now.first = std::move(all);
  const std::lock_guard lock(left_out_mutex);
  auto& known = left_out_by_pipeline[of.id];
  std::size_t fresh = 0;
  for (const auto& each : now.first)
    if (std::ranges::find(known.first, each) == known.first.end() && ++fresh <= limits::left_out_logged)
      spdlog::warn("pipeline {} has no instance{}: {}", of.id,
                   each.machine != 0 ? " for machine " + std::to_string(each.machine) : "", each.reason);
  const bool passes_bound = now.count > limits::left_out_kept && known.count <= limits::left_out_kept;
  if (fresh > limits::left_out_logged || passes_bound)
    spdlog::warn("pipeline {} has no instance for {} machines; GET /api/pipelines/{} says why", of.id, now.count, of.id);
  known = std::move(now);
  if (known.count == 0) left_out_by_pipeline.erase(of.id);
}

/// REQUIRES: the caller holds `changes`. The change is in force, whatever becomes of the pipelines.
void engine::impl::after_catalog_change(const std::vector<sensor_entry>& created) {
  if (!created.empty()) {
    std::set<machine_id> machines;
    for (const auto& each : created) machines.insert(each.machine);
    refresh_watches(machines);
  }
  const auto all = pipelines->all();
  if (all.empty()) return;
  // A screen: sensors that no pipeline is for come in great numbers.
  std::vector<selector> wanted;
  for (const auto& each : all)
    for (auto& source : parse_pipeline(each.spec).value_or(pipeline_spec{}).sources)
      if (source.sensor == 0) wanted.push_back(std::move(source.which));
  const auto is_wanted = [&](const sensor_entry& sensor) {
    return std::ranges::any_of(wanted,
                               [&](const selector& which) { return !which.name || matches_pattern(*which.name, sensor.name); });
  };
  if (!created.empty() && std::ranges::none_of(created, is_wanted)) return;
  refresh_streams();
}

}  // namespace factory
