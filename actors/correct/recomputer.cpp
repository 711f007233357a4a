#include "actors/correct/recomputer.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

#include "actors/correct/limits.hpp"
#include "pipelines/correct/historical.hpp"

namespace factory {

namespace {

std::string name_of(const correction_store::step& of) {
  return fmt::format("{}correction {}", of.is_revert() ? "the revert of " : "", of.of.id);
}

std::int64_t when(const correction_store::step& of) { return of.is_revert() ? of.of.reverted->at_us : of.of.made_at_us; }

judged_again_detail detail_of(std::string what, const time_range& range, const judged_past& judged) {
  const auto& alerts = judged.changed.alerts;
  const auto& anomalies = judged.changed.anomalies;
  judged_again_detail detail;
  detail.what = std::move(what);
  detail.begin_us = range.begin_us;
  detail.end_us = range.end_us;
  detail.alerts_raised = alerts.raised;
  detail.alerts_withdrawn = alerts.withdrawn;
  detail.alerts_revised = alerts.revised;
  detail.anomalies_raised = anomalies.raised;
  detail.anomalies_withdrawn = anomalies.withdrawn;
  detail.anomalies_revised = anomalies.revised;
  if (!judged.any()) return detail;
  detail.changed_from_us = judged.first_us;
  detail.changed_to_us = judged.last_us;
  return detail;
}

/// What came of a step for one sensor.
event report_of(const correction_store::step& of, sensor_id sensor, const judged_past& judged) {
  const bool back = of.is_revert();
  event said;
  said.key = {sensor, of.of.begin_us, event_source::correction, of.of.id, event_kind::readings_corrected, back ? 1U : 0U};
  said.recorded_at_us = when(of);
  said.at_us = of.of.begin_us;
  said.who = back ? of.of.reverted->by : of.of.by;
  said.explanation =
      fmt::format("Correction {} {}: {}.", of.of.id, back ? "was reverted" : "took force", to_text(judged.changed));
  auto detail = detail_of(fmt::format("{}{}", back ? "revert of " : "", to_text(of.of.change.action)),
                          {of.of.begin_us, of.of.end_us}, judged);
  detail.correction = of.of.id;
  said.detail = std::move(detail);
  return said;
}

/// Likewise of late readings.
event backlog_report(sensor_id sensor, const time_range& range, std::int64_t recorded_at_us, const judged_past& judged) {
  event said;
  said.key = {sensor, range.begin_us, event_source::correction, 0, event_kind::backlog_judged};
  said.recorded_at_us = recorded_at_us;
  said.at_us = range.begin_us;
  said.explanation = fmt::format("Readings that came late were judged: {}.", to_text(judged.changed));
  said.detail = detail_of("late readings", range, judged);
  return said;
}

void widen(time_range& range, std::int64_t first_us, std::int64_t last_us) {
  range.begin_us = std::min(range.begin_us, first_us);
  range.end_us = std::max(range.end_us, last_us + 1);
}

std::string reason_of(const correction_store::step& of) {
  return of.is_revert() ? "a correction was reverted" : "readings were corrected";
}

void add(const machine_past::outcome& of, consequences& to) {
  to.anomalies.add(of.anomalies);
  to.machines_not_followed += of.not_followed;
}

}  // namespace

void recomputer::start() {
  thread_ = std::thread([this] { run(); });
}

void recomputer::stop() {
  stopping_ = true;
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  news_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void recomputer::wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  news_.notify_all();
}

void recomputer::run() {
  constexpr int nicer_by = 10;
  ::setpriority(PRIO_PROCESS, 0, ::getpriority(PRIO_PROCESS, 0) + nicer_by);  // of this thread: live work comes first
  while (!stopping_) {
    with_backlog_ = !with_.backlog.empty() || !with_.streams_behind.empty();
    const bool more = work();
    with_backlog_ = false;
    if (more) continue;
    std::unique_lock lock(mutex_);
    const auto until = look_again_.value_or(backlog_book::clock::time_point::max());
    if (look_again_)
      news_.wait_until(lock, until, [this] { return woken_; });
    else
      news_.wait(lock, [this] { return woken_; });
    woken_ = false;
  }
}

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

/// One thing of what there is to do; false when there is nothing for now.
bool recomputer::work() {
  expected<void> done;
  std::string what;
  look_again_.reset();
  try {
    if (const auto next = with_.corrections.first_open_step()) {
      what = name_of(*next);
      done = take(*next);
    } else if (!with_.corrections.revisions().under_way().empty()) {
      what = "derived readings that were made anew";
      done = take_stream(nullptr);
    } else {
      sensors_first_ = !sensors_first_;  // many of one kind do not keep the other waiting
      if (!sensors_first_ && judge_behind()) return true;
      if (auto judged = judge_late(what))
        done = std::move(*judged);
      else
        return sensors_first_ && judge_behind();
    }
  } catch (const std::exception& e) {
    done = fail(errc::unavailable, e.what());
  }
  if (done || stopping_) return true;
  spdlog::warn("what follows from {} is not done yet: {}", what, done.error().message);
  look_again_ = backlog_book::clock::now() + std::chrono::milliseconds(limits::judge_again_retry_ms);
  return false;
}

std::set<machine_id> recomputer::machines_of(const std::vector<sensor_id>& sensors) const {
  std::set<machine_id> all;
  for (const auto sensor : sensors)
    if (const auto entry = with_.past.entities.find_sensor(sensor)) all.insert(entry->machine);
  return all;
}

void recomputer::add_factory(sensor_id sensor, std::set<factory_id>& to) const {
  const auto entry = with_.past.entities.find_sensor(sensor);
  if (!entry) return;
  if (const auto machine = with_.past.entities.find_machine(entry->machine)) to.insert(machine->factory);
}

expected<void> recomputer::take(const step& next) {
  consequences all;
  time_range changed{next.of.begin_us, next.of.end_us};
  std::set<factory_id> factories;
  derived_past::cause why;
  why.step = why.at = next.number;
  why.reason = reason_of(next);
  why.recorded_at_us = when(next);
  const auto overlay = [&](sensor_id sensor) { return with_.corrections.overlay_at(sensor, next.number); };
  why.overlay = overlay;
  why.report = [&](sensor_id sensor, const time_range&, const judged_past& judged) { return report_of(next, sensor, judged); };
  derived_past derived(derived_parts(), std::move(why), stopping_);
  for (const auto sensor : next.of.sensors) {
    if (stopping_) return fail(errc::stopping, "stopped before its end");
    const auto entry = with_.past.entities.find_sensor(sensor);
    auto judged = entry ? judge_sensor(next, sensor, changed) : tl::unexpected(entry.error());
    if (!judged) {
      if (judged.error().code != errc::not_found && judged.error().code != errc::unavailable)
        return tl::unexpected(std::move(judged.error()));
      ++all.sensors_not_judged;
      continue;
    }
    all.add(*judged);
    derived.add(sensor, {next.of.begin_us, next.of.end_us});
    add_factory(sensor, factories);
  }
  auto followed = derived.run();
  if (!followed) return tl::unexpected(std::move(followed.error()));
  all.add(*followed);
  machine_past machines(machine_parts(), {reason_of(next), when(next), false, overlay}, stopping_);
  if (auto judged = machines.follow(machines_of(next.of.sensors), {next.of.begin_us, next.of.end_us}); !judged)
    return tl::unexpected(std::move(judged.error()));
  add(machines.result(), all);
  if (const auto& span = machines.result().changed) widen(changed, span->begin_us, span->end_us - 1);
  for (const auto& [sensor, range] : derived.changed()) {
    widen(changed, range.begin_us, range.end_us - 1);
    add_factory(sensor, factories);
  }
  auto days = with_.report_again(factories, changed, stopping_);
  if (!days) return tl::unexpected(std::move(days.error()));
  all.reported_days = std::move(*days);
  if (auto stored = with_.corrections.put_consequences(next.number, all); !stored) return stored;
  if (auto noted = derived.finish(); !noted) return noted;
  spdlog::info("{} of {} sensors: {}", name_of(next), next.of.sensors.size(), to_text(all));
  { const std::lock_guard lock(mutex_); }  // who has just looked hears of it
  news_.notify_all();
  return {};
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
  machine_past machine(machine_parts(), {"readings came late", with_.past.now_us(), false, overlay}, stopping_);
  if (auto judged = machine.follow_late(watch); !judged) return judged;
  if (const auto& changed = machine.result().changed) {
    const auto known = with_.past.entities.find_machine(watch.machine);
    if (!known) return {};
    if (auto days = with_.report_again({known->factory}, *changed, stopping_); !days)
      return tl::unexpected(std::move(days.error()));
  }
  consequences all;
  add(machine.result(), all);
  spdlog::debug("late readings of machine {}: {}", watch.machine, to_text(all));
  return {};
}

/// Findings and the report of them are one write: where the report is there already, a crash came later. Readings that come late meanwhile are
/// judged first.
expected<consequences> recomputer::judge_sensor(const step& next, sensor_id sensor, time_range& changed) {
  if (auto stored = with_.settled_cut(sensor); !stored) return tl::unexpected(std::move(stored.error()));
  const auto told = with_.events.events_of(report_of(next, sensor, {}).key);
  if (!told) return tl::unexpected(told.error());
  const auto before = std::ranges::find(*told, report_of(next, sensor, {}).key, &event::key);
  if (before != told->end()) {
    const auto& detail = std::get<judged_again_detail>(before->detail);
    if (detail.changed_to_us != 0) widen(changed, detail.changed_from_us, detail.changed_to_us);
    return consequences_of(detail);
  }
  past_change change;
  change.range = {next.of.begin_us, next.of.end_us};
  change.before = with_.corrections.overlay_at(sensor, next.number - 1);
  change.after = with_.corrections.overlay_at(sensor, next.number);
  change.reason = reason_of(next);
  change.recorded_at_us = when(next);
  expected<judged_past> judged;
  for (int turn = 1;; ++turn) {
    if (auto done = take_backlog_before(next, sensor); !done) return tl::unexpected(std::move(done.error()));
    judged = live().judge(sensor, change, stopping_);
    if (!judged) return tl::unexpected(std::move(judged.error()));
    if (turn == limits::turns_until_none_came_late || !with_.backlog.has(sensor)) break;
    if (auto goes_on = live().let_go(sensor, *judged); !goes_on) return tl::unexpected(std::move(goes_on.error()));
  }
  if (judged->any()) widen(changed, judged->first_us, judged->last_us);
  const auto counts = judged->changed;
  auto report = report_of(next, sensor, *judged);
  if (auto kept = live().finish(sensor, std::move(*judged), std::move(report)); !kept)
    return tl::unexpected(std::move(kept.error()));
  return counts;
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

std::optional<consequences> recomputer::wait_for(std::uint64_t number, std::int64_t wait_ms) {
  std::optional<consequences> known;
  std::unique_lock lock(mutex_);
  news_.wait_for(lock, std::chrono::milliseconds(wait_ms), [&] {
    known = with_.corrections.consequences_of(number);
    return known || stopping_;
  });
  return known;
}

expected<consequences> recomputer::preview(const correction& wanted) const { return preview(wanted, false); }
expected<consequences> recomputer::preview_revert(const correction& made) const { return preview(made, true); }

expected<consequences> recomputer::preview(const correction& what, bool is_revert) const {
  if (what.sensors.size() > limits::sensors_a_preview)
    return fail(errc::too_large, "a preview looks at " + std::to_string(limits::sensors_a_preview) + " sensors at most",
                "preview");
  consequences all;
  const auto now_counts_as = [&](sensor_id sensor) {
    if (!std::ranges::binary_search(what.sensors, sensor)) return with_.corrections.overlay_of(sensor);
    return is_revert ? with_.corrections.overlay_without(sensor, what.id)
                     : with_.corrections.overlay_at(sensor, UINT64_MAX - 1, &what);
  };
  derived_past::cause why;
  why.at = UINT64_MAX - 1;
  why.only_look = true;
  why.overlay = now_counts_as;
  derived_past derived(derived_parts(), std::move(why), stopping_);
  for (const auto sensor : what.sensors) {
    auto stored = with_.settled_cut(sensor);
    if (!stored) return tl::unexpected(std::move(stored.error()));
    past_change change;
    change.range = {what.begin_us, what.end_us};
    change.before = with_.corrections.overlay_of(sensor);
    change.after = now_counts_as(sensor);
    derived.add(sensor, change.range);
    const auto judged = judge_again(with_.past, *stored, change, stopping_);
    if (!judged) return tl::unexpected(judged.error());
    all.add(judged->changed);
  }
  auto followed = derived.run();
  if (!followed) return followed;
  all.add(*followed);
  machine_past machines(machine_parts(), {{}, 0, true, now_counts_as}, stopping_);
  if (auto judged = machines.follow(machines_of(what.sensors), {what.begin_us, what.end_us}); !judged)
    return tl::unexpected(std::move(judged.error()));
  add(machines.result(), all);
  return all;
}

}  // namespace factory
