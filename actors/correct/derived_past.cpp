#include "actors/correct/derived_past.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "actors/correct/derived_renewal.hpp"
#include "actors/correct/limits.hpp"
#include "actors/correct/source_rows.hpp"
#include "pipelines/correct/historical.hpp"
#include "pipelines/spec/pipeline_id.hpp"

namespace factory {

namespace {

void widen(std::map<sensor_id, time_range>& in, sensor_id sensor, const time_range& range) {
  const auto [at, is_new] = in.try_emplace(sensor, range);
  if (is_new) return;
  at->second.begin_us = std::min(at->second.begin_us, range.begin_us);
  at->second.end_us = std::max(at->second.end_us, range.end_us);
}

}  // namespace

derived_past::derived_past(const parts& with, cause why, const std::atomic<bool>& stopping)
    : with_(with), why_(std::move(why)), stopping_(stopping) {}

void derived_past::add(sensor_id sensor, const time_range& range) { widen(affected_, sensor, range); }

void derived_past::add_under_way() {
  for (const auto sensor : with_.corrections.revisions().under_way()) {
    const auto known = with_.corrections.revisions().of(sensor);
    const time_range range{known.before->times_us.front(), known.before->times_us.back() + 1};
    widen(affected_, sensor, range);
    widen(made_anew_, sensor, range);
  }
}

/// Those that fill a sensor stand before those that read it: no pipeline reads what it fills, through others either.
std::vector<stream_access::instance> derived_past::in_order() const {
  auto left = with_.streams.all();
  std::vector<instance> out;
  while (!left.empty()) {
    std::set<sensor_id> to_fill;
    for (const auto& each : left) to_fill.insert(each.sinks.begin(), each.sinks.end());
    to_fill.erase(0);
    const auto is_ready = [&](const instance& each) {
      return std::ranges::none_of(each.sources, [&](sensor_id sensor) { return to_fill.contains(sensor); });
    };
    const auto ready = std::stable_partition(left.begin(), left.end(), [&](const instance& each) { return !is_ready(each); });
    if (ready == left.end()) return out;
    std::move(ready, left.end(), std::back_inserter(out));
    left.erase(ready, left.end());
  }
  return out;
}

expected<consequences> derived_past::run() {
  for (const auto& [sensor, range] : std::map(made_anew_))
    if (auto judged = judge(sensor); !judged) return tl::unexpected(std::move(judged.error()));
  if (affected_.empty() && late_.empty()) return all_;
  for (const auto& each : in_order()) {
    if (stopping_) return fail(errc::stopping, "stopped before its end");
    std::optional<time_range> range;
    for (const auto sensor : each.sources) {
      const auto known = affected_.find(sensor);
      if (known == affected_.end()) continue;
      if (!range) range = known->second;
      range->begin_us = std::min(range->begin_us, known->second.begin_us);
      range->end_us = std::max(range->end_us, known->second.end_us);
    }
    if (!range && !late_.contains(each.key)) continue;
    if (auto done = compute(each, range.value_or(time_range{INT64_MAX, INT64_MIN})); !done)
      return tl::unexpected(std::move(done.error()));
  }
  return all_;
}

expected<void> derived_past::compute(const instance& it, const time_range& range) {
  const std::lock_guard alone(*with_.streams.one_at_a_time);
  auto paused = with_.streams.pause(it.key);
  if (!paused) {
    if (paused.error().code == errc::not_found) return {};
    if (paused.error().code != errc::unavailable) return tl::unexpected(std::move(paused.error()));
    ++all_.pipelines_not_followed;
    return {};
  }
  const auto plan = stream_plan::of(*it.spec);
  const stream_subject subject{it.sources[subject_source(*it.spec)], it.key.pipeline, it.key.version};
  stream_instance live(plan, with_.streams.times, subject);
  std::string_view in = *paused->state;
  bool reaches_live = false;
  auto done = live.decode(in) ? compute_paused(it, range, plan, live, reaches_live)
                              : expected<void>(fail(errc::corrupt, "the state of a pipeline cannot be read"));
  std::shared_ptr<std::string> state;
  if (done && reaches_live && !why_.only_look) live.encode(*(state = std::make_shared<std::string>()));
  auto goes_on = with_.streams.resume(it.key, paused->ticket, state, done && !why_.only_look);
  const auto is_beyond_help = [](errc code) {
    return code == errc::too_large || code == errc::unavailable || code == errc::not_found;
  };
  if (!done && is_beyond_help(done.error().code)) {
    ++all_.pipelines_not_followed;
    return {};
  }
  if (!done) return done;
  if (!goes_on) return goes_on;
  for (const auto sensor : std::set(it.sinks.begin(), it.sinks.end()))
    if (made_anew_.contains(sensor))
      if (auto judged = judge(sensor); !judged) return judged;
  return {};
}

expected<void> derived_past::compute_paused(const instance& it, time_range range, const std::shared_ptr<const stream_plan>& plan,
                                            stream_instance& live, bool& reaches_live) {
  if (!live.again().empty() && !why_.only_look) {
    range.begin_us = std::min(range.begin_us, live.again().first_us);
    range.end_us = std::max(range.end_us, live.again().last_us + 1);
  }
  if (range.begin_us >= range.end_us) return {};
  source_rows_reader rows(with_.past.series, stopping_);
  for (const auto sensor : it.sources) {
    const auto derived = versions_.find(sensor);
    auto cut = derived != versions_.end() ? expected<sensor_cut>(derived->second.stored) : with_.streams.cut(sensor);
    if (!cut) return tl::unexpected(std::move(cut.error()));
    cut->corrections = derived != versions_.end() ? derived->second.after : why_.overlay(sensor);
    rows.add(std::move(*cut));
  }
  const stream_subject subject{it.sources[subject_source(*it.spec)], it.key.pipeline, it.key.version};
  auto made = compute_again(plan, subject, range.begin_us, range.end_us, rows, live);
  if (!made) return tl::unexpected(std::move(made.error()));
  live.again_is_done();
  reaches_live = made->reaches_live;
  if (made->from_us >= made->until_us) return {};
  auto told = events_again(it, *made, live);
  if (!told) return tl::unexpected(std::move(told.error()));
  for (const auto sensor : std::set(it.sinks.begin(), it.sinks.end()))
    if (sensor != 0)
      if (auto anew = make_anew(sensor, *made); !anew) return anew;
  if (why_.only_look || told->empty()) return {};
  return with_.events.append(std::move(*told)).map([](std::size_t) {});
}

std::string derived_past::name_of(sensor_id sensor) const {
  const auto entry = with_.past.entities.find_sensor(sensor);
  return entry ? entry->name : std::to_string(sensor);
}

/// Makes the sensor's readings what the pipeline would have made of them, as one write.
expected<void> derived_past::make_anew(sensor_id sensor, const computed_past& made) {
  auto cut = with_.settled_cut(sensor);
  if (!cut) return tl::unexpected(std::move(cut.error()));
  const auto& revisions = with_.corrections.revisions();
  const auto known = revisions.of(sensor);
  const correction_overlay points({}, known.points);
  std::map<std::int64_t, stored_reading> is;
  auto scanned = with_.past.series.scan(*cut, {made.from_us, made.until_us}, [&](const reading_run& rows) {
    auto now = rows;
    points.apply(now);
    for (std::size_t i = 0; i < rows.size(); ++i)
      is[rows.event_time_us[i]] = {rows.value[i], now.value[i], is_left_out(rows.flags[i]), !is_left_out(now.flags[i])};
    return !stopping_;
  });
  if (!scanned) return scanned;
  if (stopping_) return fail(errc::stopping, "stopped before its end");
  const auto change = renewal_of(is, made);
  if (change.after.empty() && !known.before) return {};
  const auto old_points = known.points ? *known.points : revised_points{};
  derived_revision now;
  now.points = shared(joined(without(old_points, change.without_point), change.points));
  now.before = shared(known.before ? joined(change.before, *known.before) : change.before);
  now.step = why_.step;
  if (revisions.point_count() + change.points.size() > limits::revised_readings)
    return fail(errc::too_large, "more derived readings would be revised than can be kept");
  if (!change.after.empty() && !why_.only_look) {
    auto done = with_.streams.commit(batch_of(sensor, change.written), revisions.writes_of(sensor, now),
                                     [&store = with_.corrections, sensor, now] { store.put_revision(sensor, now); });
    if (!done) return done;
  }
  auto& counts = counts_[sensor];
  for (std::size_t i = 0; i < now.before->size(); ++i) {
    const auto time_us = now.before->times_us[i];
    const auto at = std::ranges::lower_bound(change.after.times_us, time_us) - change.after.times_us.begin();
    const auto place = static_cast<std::size_t>(at);
    const bool is_changed = place < change.after.size() && change.after.times_us[place] == time_us;
    const auto stored = is.find(time_us);
    const bool counts_now = is_changed ? change.after.gone[place] == 0 : stored != is.end() && stored->second.counts;
    const bool counted = now.before->gone[i] == 0;
    ++(counted && counts_now ? counts.replaced : counts_now ? counts.added : counts.removed);
  }
  consequences of_sensor;
  of_sensor.derived[name_of(sensor)] = counts;
  all_.add(of_sensor);
  add_to_head(cut->head, change.added);
  const auto after = joined(now.points ? *now.points : revised_points{}, change.after);
  versions_[sensor] = {std::move(*cut), with_.corrections.overlay_with(sensor, why_.at, shared(joined(after, *now.before))),
                       with_.corrections.overlay_with(sensor, why_.at, shared(after))};
  const time_range range{now.before->times_us.front(), now.before->times_us.back() + 1};
  widen(affected_, sensor, range);
  widen(made_anew_, sensor, range);
  return {};
}

/// What the log lacks of what event sinks should have said; the instance numbers what it tells from now on so that none is taken for another.
expected<std::vector<event>> derived_past::events_again(const instance& it, const computed_past& made, stream_instance& live) {
  std::vector<event> out;
  if (live.events().sink_count() == 0) return out;
  if (auto reached = with_.streams.reach_store(); !reached) return tl::unexpected(std::move(reached.error()));
  std::map<event_key, std::vector<event>> wanted;
  for (const auto& each : made.events) wanted[with_kind(each.key, {})].push_back(each);
  event_query stated;
  stated.sensor = it.sources[subject_source(*it.spec)];
  stated.kind = event_kind::pipeline_raised;
  stated.range = {made.findings_from_us, made.until_us};
  for (;;) {
    const auto page = with_.events.page(stated);
    if (!page) return tl::unexpected(page.error());
    for (const auto& each : page->rows)
      if (pipeline_of(each.key.rule) == it.key.pipeline) wanted.try_emplace(with_kind(each.key, {}));
    if (!page->next) break;
    stated.before_sequence = *page->next;
  }
  for (const auto& [key, events] : wanted) {
    const auto stored = with_.events.events_of(key);
    if (!stored) return tl::unexpected(stored.error());
    const bool held = fold_finding(*stored).holds();
    const auto told = told_again(*stored, events, why_.reason, why_.recorded_at_us);
    if (!told.empty()) ++(held && !events.empty() ? all_.events.revised : held ? all_.events.withdrawn : all_.events.raised);
    auto whole = *stored;
    whole.insert(whole.end(), told.begin(), told.end());
    const bool goes_on = fold_finding(whole).open();
    for (const auto& each : *stored)
      if (!is_historical(each.key)) live.events().has_gone(each.key, each.at_us, goes_on);
    out.insert(out.end(), told.begin(), told.end());
  }
  return out;
}

/// Detectors, limits and rules over the readings that were made anew.
expected<void> derived_past::judge(sensor_id sensor) {
  auto known = versions_.find(sensor);
  if (known == versions_.end()) {  // a crash came after it was made anew
    auto cut = with_.settled_cut(sensor);
    if (!cut) return cut.error().code == errc::not_found ? expected<void>() : tl::unexpected(std::move(cut.error()));
    const auto revision = with_.corrections.revisions().of(sensor);
    const auto points = revision.points ? *revision.points : revised_points{};
    const auto before = revision.before ? joined(points, *revision.before) : points;
    known = versions_
                .emplace(sensor, version{std::move(*cut), with_.corrections.overlay_with(sensor, why_.at, shared(before)),
                                         with_.corrections.overlay_with(sensor, why_.at, shared(points))})
                .first;
  }
  past_change change;
  change.range = made_anew_.at(sensor);
  change.before = known->second.before;
  change.after = known->second.after;
  change.reason = why_.reason;
  change.recorded_at_us = why_.recorded_at_us;
  const live_past live{with_.past, with_.events, with_.settled_cut, with_.command};
  auto judged =
      why_.only_look ? judge_again(with_.past, known->second.stored, change, stopping_) : live.judge(sensor, change, stopping_);
  if (!judged) return tl::unexpected(std::move(judged.error()));
  if (judged->any()) widen(made_anew_, sensor, {judged->first_us, judged->last_us + 1});
  if (why_.only_look) {
    all_.add(judged->changed);
    return {};
  }
  if (const auto counts = counts_.find(sensor); counts != counts_.end())
    judged->changed.derived[name_of(sensor)] = counts->second;
  auto report = why_.report(sensor, change.range, *judged);
  if (!report) return tl::unexpected(std::move(report.error()));
  const auto told = with_.events.events_of(report->key);
  if (!told) return tl::unexpected(told.error());
  const auto before = std::ranges::find(*told, report->key, &event::key);
  auto changed =
      before == told->end() ? std::move(judged->changed) : consequences_of(std::get<judged_again_detail>(before->detail));
  changed.derived.clear();  // they are counted where they are made
  all_.add(changed);
  return live.finish(sensor, std::move(*judged), std::move(*report));
}

expected<void> derived_past::finish() {
  for (const auto& [sensor, range] : made_anew_) {
    auto known = with_.corrections.revisions().of(sensor);
    if (!known.before) continue;
    known.before = nullptr;
    known.step = 0;
    auto done = with_.streams.commit({}, with_.corrections.revisions().writes_of(sensor, known),
                                     [&store = with_.corrections, sensor = sensor, known] { store.put_revision(sensor, known); });
    if (!done) return done;
  }
  return {};
}

}  // namespace factory
