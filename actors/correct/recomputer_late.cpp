// Of the recomputer: what came later than the allowed lateness, for sensors, pipelines and machines.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "actors/correct/limits.hpp"
#include "actors/correct/past_reports.hpp"
#include "actors/correct/recomputer.hpp"

namespace factory {

/// Late readings of a sensor that are due; else when to look again.
std::optional<std::pair<sensor_id, backlog_book::entry>> recomputer::take_late() {
  std::optional<backlog_book::clock::time_point> next;
  auto late = with_.backlog.take_due(next);
  look_again_at(next);
  return late;
}

/// Likewise of an instance of a pipeline, or of a machine.
std::optional<std::pair<stream_key, stream_backlog::entry>> recomputer::take_behind() {
  std::optional<backlog_book::clock::time_point> next;
  std::optional<std::pair<stream_key, stream_backlog::entry>> behind;
  if (backlog_book::clock::now() >= streams_rest_until_)
    behind = with_.streams_behind.take_due(next);
  else if (!with_.streams_behind.empty())
    next = streams_rest_until_;
  look_again_at(next);
  return behind;
}

void recomputer::look_again_at(const std::optional<backlog_book::clock::time_point>& next) {
  if (next) look_again_ = look_again_ ? std::min(*look_again_, *next) : next;
}

/// An instance, or a machine, that is due; false when none is. One that is busy is judged later, and others go on.
bool recomputer::judge_behind() {
  const auto due = take_behind();
  if (!due) return false;
  const auto& [key, late] = *due;
  const bool is_watch = key.pipeline == machine_watches;
  const auto done = is_watch ? take_machine(key) : take_stream(&key);
  if (done) return true;
  with_.streams_behind.put(key, late);
  streams_rest_until_ = backlog_book::clock::now() + std::chrono::milliseconds(limits::judge_again_retry_ms);
  const auto level = done.error().code == errc::overloaded || stopping_ ? spdlog::level::debug : spdlog::level::warn;
  spdlog::log(level, "late readings of {} {} are not judged yet: {}", is_watch ? "machine" : "pipeline",
              is_watch ? key.machine : key.pipeline, done.error().message);
  return true;
}

/// A sensor that is due; nothing when none is.
std::optional<expected<void>> recomputer::judge_late(std::string& what) {
  auto late = take_late();
  if (!late) return std::nullopt;
  what = fmt::format("late readings of sensor {}", late->first);
  auto done = take_backlog(late->first, late->second, with_.corrections.overlay_of(late->first));
  if (!done && done.error().code != errc::not_found) with_.backlog.put(late->first, late->second);
  return done;
}

/// What readings that an instance could not take in as they count have a part in; with none, what a crash cut short.
expected<void> recomputer::take_stream(const stream_key* instance) {
  derived_past::cause why;
  why.at = with_.corrections.next_step() - 1;
  why.reason = "readings came late";
  why.recorded_at_us = with_.past.now_us();
  why.overlay = [&, at = why.at](sensor_id sensor) { return with_.corrections.overlay_at(sensor, at); };
  why.report = [&, now_us = why.recorded_at_us](sensor_id sensor, const time_range& range,
                                                const judged_past& judged) -> expected<event> {
    auto report = backlog_report(sensor, range, now_us, judged);
    const auto told = with_.events.events_of(report.key);
    if (!told) return tl::unexpected(told.error());
    report.key.revision = static_cast<std::uint32_t>(told->size());
    return report;
  };
  derived_past derived(derived_parts(), std::move(why), stopping_);
  if (instance != nullptr)
    derived.add(*instance);
  else
    derived.add_under_way();
  const auto followed = derived.run();
  if (!followed) return tl::unexpected(followed.error());
  std::set<factory_id> factories;
  std::optional<time_range> changed;
  for (const auto& [sensor, range] : derived.changed()) {
    add_factory(sensor, factories);
    if (!changed) changed = range;
    widen(*changed, range.begin_us, range.end_us - 1);
  }
  if (changed)
    if (auto days = with_.report_again(factories, *changed, stopping_); !days) return tl::unexpected(std::move(days.error()));
  spdlog::debug("late readings of a pipeline: {}", to_text(*followed));
  return derived.finish();
}

/// What readings of a machine that came later than its rows wait have a part in.
expected<void> recomputer::take_machine(const stream_key& watch) {
  const auto overlay = [&, at = with_.corrections.next_step() - 1](sensor_id sensor) {
    return with_.corrections.overlay_at(sensor, at);
  };
  const auto report = [now_us = with_.past.now_us()](const time_range& range, const judged_past& judged) {
    return backlog_report(0, range, now_us, judged);
  };
  machine_past machine(machine_parts(), {"readings came late", with_.past.now_us(), false, overlay, report}, stopping_);
  if (auto judged = machine.follow_late(watch); !judged) return judged;
  if (const auto& changed = machine.result().changed) {
    const auto known = with_.past.entities.find_machine(watch.machine);
    if (!known) return {};
    if (auto days = with_.report_again({known->factory}, *changed, stopping_); !days)
      return tl::unexpected(std::move(days.error()));
  }
  spdlog::debug("late readings of machine {}: {}", watch.machine, to_text(machine.result().as_consequences()));
  return {};
}

/// What a correction changes is held against what the log has, so late readings are judged first, by the corrections before this one.
expected<void> recomputer::take_backlog_before(const step& next, sensor_id sensor) {
  auto late = with_.backlog.take(sensor);
  if (!late) return {};
  auto done = take_backlog(sensor, *late, with_.corrections.overlay_at(sensor, next.number - 1));
  if (!done) with_.backlog.put(sensor, *late);
  return done;
}

/// What the log has of late readings of an earlier backlog in the range is brought to how they read now, too. Afterwards `late` has those that
/// came meanwhile.
expected<void> recomputer::take_backlog(sensor_id sensor, backlog_book::entry& late, const shared_overlay& corrections) {
  const auto entry = with_.past.entities.find_sensor(sensor);
  if (!entry) return tl::unexpected(entry.error());
  past_change change;
  change.before = change.after = corrections;
  change.late_readings_are_new = true;
  change.reason = "readings came late";
  change.recorded_at_us = with_.past.now_us();
  expected<judged_past> judged;
  for (int turn = 1;; ++turn) {
    change.range = {late.first_us, late.last_us + 1};
    judged = live().judge(sensor, change, stopping_);
    if (!judged) return tl::unexpected(std::move(judged.error()));
    if (turn == limits::turns_until_none_came_late) break;
    const auto more = with_.backlog.take(sensor);  // has what `late` has, too
    if (!more) break;
    late = *more;
    if (auto goes_on = live().let_go(sensor, *judged); !goes_on) return goes_on;
  }
  time_range changed = change.range;
  const auto counts = judged->changed;
  std::optional<event> report;
  if (judged->any()) {
    widen(changed, judged->first_us, judged->last_us);
    report = backlog_report(sensor, change.range, change.recorded_at_us, *judged);
    const auto told = with_.events.events_of(report->key);
    if (!told) return tl::unexpected(told.error());
    report->key.revision = static_cast<std::uint32_t>(told->size());
  }
  if (auto kept = live().finish(sensor, std::move(*judged), std::move(report)); !kept) return kept;
  std::set<factory_id> factories;
  if (const auto machine = with_.past.entities.find_machine(entry->machine)) factories.insert(machine->factory);
  if (auto days = with_.report_again(factories, changed, stopping_); !days) return tl::unexpected(std::move(days.error()));
  spdlog::debug("late readings of sensor {}: {}", sensor, to_text(counts));
  with_.backlog_is_judged(sensor, late.late_count);
  return {};
}

}  // namespace factory
