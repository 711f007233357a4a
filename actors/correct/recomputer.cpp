#include "actors/correct/recomputer.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

#include "actors/correct/limits.hpp"
#include "actors/correct/past_reports.hpp"

namespace factory {

namespace {

std::string name_of(const correction_store::step& of) {
  return fmt::format("{}correction {}", of.is_revert() ? "the revert of " : "", of.of.id);
}

std::string reason_of(const correction_store::step& of) {
  return of.is_revert() ? "a correction was reverted" : "readings were corrected";
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
  const auto report = [&](const time_range&, const judged_past& judged) { return report_of(next, 0, judged); };
  machine_past machines(machine_parts(), {reason_of(next), when(next), false, overlay, report}, stopping_);
  if (auto judged = machines.follow(machines_of(next.of.sensors), {next.of.begin_us, next.of.end_us}); !judged)
    return tl::unexpected(std::move(judged.error()));
  all.add(machines.result().as_consequences());
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
  machine_past machines(machine_parts(), {{}, 0, true, now_counts_as, {}}, stopping_);
  if (auto judged = machines.follow(machines_of(what.sensors), {what.begin_us, what.end_us}); !judged)
    return tl::unexpected(std::move(judged.error()));
  all.add(machines.result().as_consequences());
  return all;
}

}  // namespace factory
