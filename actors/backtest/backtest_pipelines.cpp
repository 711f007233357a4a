#include "actors/backtest/backtest_pipelines.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "actors/engine/pipeline_sinks.hpp"
#include "actors/streams/limits.hpp"
#include "actors/streams/stream_resolve.hpp"

namespace factory {

namespace {

using instances = std::vector<pipeline_instance_entry>;

error of_draft(std::size_t number, error why) {
  const auto name = "pipelines[" + std::to_string(number) + "]";
  why.message = name + ": " + why.message;
  why.field = why.field.empty() ? name : name + "." + why.field;
  return why;
}

class drafting {
 public:
  drafting(const backtest_request& asked, const backtest_sources& in_force) : asked_(asked), in_force_(in_force) {}

  expected<drafted_pipelines> run() {
    auto copy = in_force_.copy_of_catalog();
    if (!copy) return tl::unexpected(std::move(copy.error()));
    out_.with_drafts = std::move(*copy);
    for (std::size_t i = 0; i < asked_.pipelines.size(); ++i)
      if (auto added = add(i); !added) return tl::unexpected(of_draft(i, std::move(added.error())));
    return std::move(out_);
  }

 private:
  bool may_see(const pipeline_instance_entry& it) const {
    return !asked_.among ||
           std::ranges::all_of(it.sources, [&](sensor_id each) { return made_.contains(each) || asked_.among->contains(each); });
  }

  /// With what is in force in its place.
  expected<staged_pipeline> as_change(const draft_pipeline& draft) const {
    staged_pipeline out;
    out.spec = draft.spec;
    if (draft.instead_of == 0) return out;
    const auto at = std::ranges::find(in_force_.pipelines, draft.instead_of, &pipeline_entry::id);
    const auto is_theirs = [&](const auto& each) { return may_see(each); };
    if (at == in_force_.pipelines.end() || !std::ranges::all_of(at->instances, is_theirs))
      return fail(errc::invalid, "Pipeline not found", "id");
    auto spec = parse_pipeline(at->spec);
    if (!spec) return tl::unexpected(std::move(spec.error()));
    out.spec_before = std::move(*spec);
    out.before = at->instances;
    out.entry.former = at->former;
    return out;
  }

  expected<void> add(std::size_t number) {
    const auto& draft = asked_.pipelines[number];
    auto change = as_change(draft);
    if (!change) return tl::unexpected(std::move(change.error()));
    for (const auto& sink : draft.spec.sinks)
      if (const auto* const to = std::get_if<channel_sink>(&sink); to != nullptr && !in_force_.entities.find_channel(to->channel))
        return fail(errc::invalid, "sinks: there is no channel " + std::to_string(to->channel), "sinks");
    auto made = resolve(draft.spec, *out_.with_drafts, own_sensors(change->before, change->entry.former));
    if (!made) return tl::unexpected(std::move(made.error()));
    std::erase_if(*made, [&](const auto& each) { return !may_see(each); });
    if (made->empty()) return fail(errc::invalid, "sources: no machine has a sensor for each of them", "sources");
    if (out_.streams.size() + made->size() > limits::stream_instances)
      return fail(errc::too_large, "at most " + std::to_string(limits::stream_instances) + " instances of pipelines a backtest");
    for (const auto& each : change->before) {
      out_.concerned.insert(each.sources.begin(), each.sources.end());
      for (const auto sensor : each.sinks)
        if (sensor != 0) out_.concerned.insert(sensor);
    }
    change->made = std::move(*made);
    assign_known_sinks(*change, *out_.with_drafts);
    const auto spec = std::make_shared<const pipeline_spec>(draft.spec);
    for (const auto& each : change->made)
      if (auto added = add(number, spec, each); !added) return added;
    return {};
  }

  /// An instance, with the sensors that it would take over live.
  expected<void> add(std::size_t number, const std::shared_ptr<const pipeline_spec>& spec,
                     const pipeline_instance_entry& as_live) {
    for (const auto sensor : as_live.sources)
      if (!made_.contains(sensor)) out_.concerned.insert(sensor);
    auto made = as_live;
    for (std::size_t i = 0; i < spec->sinks.size(); ++i) {
      if (!std::holds_alternative<sensor_sink>(spec->sinks[i])) continue;
      auto filled = draft_sensor(number, *spec, i, as_live);
      if (!filled) return tl::unexpected(std::move(filled.error()));
      made.sinks[i] = filled->judged.config.sensor;
      made_.insert(made.sinks[i]);
      out_.sensors.push_back(std::move(*filled));
    }
    sensor_graph others;
    for (const auto& each : in_force_.pipelines)
      if (each.id != asked_.pipelines[number].instead_of)
        for (const auto& instance : each.instances) add_to(others, instance);
    if (const auto cycle = find_cycle(as_live, others))
      return fail(errc::invalid, "sources: " + *cycle + " would be computed from itself", "sources");
    out_.streams.push_back(
        {{draft_pipeline_id(number), 1, made.machine}, spec, std::move(made.sources), std::move(made.sinks), true});
    return {};
  }

  expected<drafted_sensor> draft_sensor(std::size_t number, const pipeline_spec& spec, std::size_t sink,
                                        const pipeline_instance_entry& as_live) {
    auto& scratch = *out_.with_drafts;
    const auto place = machine_of_sink(spec, sink, as_live, scratch);
    const auto known = scratch.find_sensor(as_live.sinks[sink]);
    if (!place && !known) return tl::unexpected(place.error());
    const auto machine = known ? known->machine : *place;
    const auto& wanted = std::get<sensor_sink>(spec.sinks[sink]);
    drafted_sensor out;
    out.pipeline = number;
    out.sink = sink;
    out.instead_of = as_live.sinks[sink];
    out.unit = wanted.unit;
    out.sources = as_live.sources;
    const auto on = scratch.find_machine(machine);
    out.name = (on ? on->name + "/" : "") + wanted.name;
    sensor_entry entry;
    if (known) {
      out_.replaced.insert(out.instead_of);
      entry.labels = known->labels;
      auto gone = scratch.stage_delete_sensor(out.instead_of);
      if (!gone) return tl::unexpected(std::move(gone.error()));
      scratch.apply(std::move(*gone));
    }
    entry.machine = machine;
    entry.name = known ? known->name : wanted.name;
    entry.unit = wanted.unit;
    auto staged = scratch.stage_create(std::vector{std::move(entry)}, 0);
    if (!staged) {
      wanted_sensors only;
      only.places.push_back({nullptr, 0, sink});
      return tl::unexpected(in_words_of_sinks(std::move(staged.error()), only));
    }
    const auto sensor = staged->entries.front().id;
    scratch.apply(std::move(staged->change));
    out.judged.config = out.instead_of != 0 ? in_force_.entities.config_of(out.instead_of) : scratch.config_of(sensor);
    out.judged.config.sensor = sensor;
    return out;
  }

  const backtest_request& asked_;
  const backtest_sources& in_force_;
  drafted_pipelines out_;
  std::set<sensor_id> made_;
};

}  // namespace

expected<drafted_pipelines> draft_pipelines(const backtest_request& asked, const backtest_sources& in_force) {
  if (asked.pipelines.empty()) return drafted_pipelines();
  return drafting(asked, in_force).run();
}

}  // namespace factory
