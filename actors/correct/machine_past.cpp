#include "actors/correct/machine_past.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "actors/correct/past_reports.hpp"
#include "actors/correct/source_rows.hpp"
#include "pipelines/correct/historical.hpp"
#include "pipelines/machine/limits.hpp"
#include "pipelines/machine/machine_rerun.hpp"

namespace factory {

namespace {

bool is_beyond_help(errc code) { return code == errc::too_large || code == errc::unavailable || code == errc::not_found; }

/// Before the first row of the cell.
std::int64_t place_before(std::int64_t time_us, std::size_t sensors) {
  return machine_cell::place(machine_cell::of(time_us), 0, sensors) - 1;
}

}  // namespace

expected<void> machine_past::follow(const std::set<machine_id>& machines, const time_range& range) {
  for (const auto machine : machines) {
    if (stopping_) return fail(errc::stopping, "stopped before its end");
    const auto watch = with_.streams.watch_of(machine);
    if (!watch) continue;
    if (auto done = judge(*watch, range); !done) return done;
  }
  return {};
}

expected<void> machine_past::follow_late(const stream_key& of) {
  const auto watch = with_.streams.watch_of(of.machine);
  if (!watch || watch->key != of) return {};
  return judge(*watch, {INT64_MAX, INT64_MIN});
}

expected<void> machine_past::judge(const watched_machine& it, const time_range& range) {
  const std::lock_guard alone(*with_.streams.one_at_a_time);
  auto paused = with_.streams.pause(it.key);
  if (!paused) {
    if (paused.error().code == errc::not_found) return {};
    if (paused.error().code != errc::unavailable) return tl::unexpected(std::move(paused.error()));
    ++out_.not_followed;
    return {};
  }
  machine_watch live(it.key.machine, it.sources, with_.streams.times, {machine_learn_us, it.sensitivity});
  std::string_view in = *paused->state;
  auto done = live.decode(in) ? judge_paused(it, range, live)
                              : expected<bool>(fail(errc::corrupt, "the state of the watch over a machine cannot be read"));
  std::shared_ptr<std::string> state;
  if (done && *done && !why_.only_look) live.encode(*(state = std::make_shared<std::string>()));
  const bool gives_up = !done && is_beyond_help(done.error().code);
  auto goes_on = with_.streams.resume(it.key, paused->ticket, state, (done || gives_up) && !why_.only_look);
  if (gives_up) {
    ++out_.not_followed;
    return goes_on;
  }
  if (!done) return tl::unexpected(std::move(done.error()));
  return goes_on;
}

/// Whether `live` stands anew.
expected<bool> machine_past::judge_paused(const watched_machine& it, time_range range, machine_watch& live) {
  if (!live.again().empty() && !why_.only_look) {
    range.begin_us = std::min(range.begin_us, live.again().first_us);
    range.end_us = std::max(range.end_us, live.again().last_us + 1);
  }
  const auto from_us = live.knows_its_begin() ? std::max(range.begin_us, live.begin_us()) : range.begin_us;
  if (from_us >= range.end_us) return false;
  const auto place = place_before(from_us, it.sources.size());
  const auto mark = with_.marks.newest_until(it.key, place);
  if (!mark) return tl::unexpected(mark.error());
  if (!*mark) {
    const auto all_there = has_beginning(it, live);
    if (!all_there) return tl::unexpected(all_there.error());
    if (!*all_there) return fail(errc::unavailable, "the watch does not know how the machine stood before");
  }
  machine_watch::rerun again(live, *mark ? &**mark : nullptr);
  if (!again.is_sound()) return fail(errc::corrupt, "a mark of the watch over a machine cannot be read");
  std::vector<machine_mark> marks;
  if (auto read = judge_rows(it, again, marks); !read) return tl::unexpected(std::move(read.error()));
  auto told = tell(it, from_us, again.found(), live);
  if (!told) return tl::unexpected(std::move(told.error()));
  live.again_is_done();
  if (!why_.only_look)
    if (auto reported = add_report(it.key.machine, range, *told); !reported) return tl::unexpected(std::move(reported.error()));
  count(*told);
  if (why_.only_look) return false;
  std::erase_if(marks, [place](const machine_mark& each) { return each.place <= place; });
  if (auto kept = with_.marks.replace(it.key, place, marks); !kept) return tl::unexpected(std::move(kept.error()));
  if (auto stored = with_.events.append(std::move(told->events)); !stored) return tl::unexpected(std::move(stored.error()));
  return true;
}

/// Retention may have dropped it, and an older program did not keep it.
expected<bool> machine_past::has_beginning(const watched_machine& it, const machine_watch& live) const {
  if (!live.knows_its_begin()) return false;
  for (const auto sensor : it.sources) {
    auto cut = with_.streams.cut(sensor);
    if (!cut) return tl::unexpected(std::move(cut.error()));
    const auto first = with_.series.read(*cut, {live.begin_us(), live.begin_us() + 1}, 1, false, asker::background);
    if (!first) return tl::unexpected(first.error());
    if (!first->empty()) return true;
  }
  return false;
}

expected<void> machine_past::judge_rows(const watched_machine& it, machine_watch::rerun& again,
                                        std::vector<machine_mark>& marks) {
  source_rows_reader rows(with_.series, stopping_);
  for (const auto sensor : it.sources) {
    auto cut = with_.streams.cut(sensor);
    if (!cut) return tl::unexpected(std::move(cut.error()));
    cut->corrections = why_.overlay(sensor);
    rows.add(std::move(*cut), true);
  }
  if (auto begun = rows.seek(again.from_us()); !begun) return begun;
  if (!why_.only_look) rows_read_ = 0;
  const auto most = why_.only_look ? limits::watch_rows_previewed : limits::watch_rows_again;
  for (;;) {
    const auto read = rows.next();
    if (!read) return tl::unexpected(read.error());
    if (read->places.empty()) break;
    rows_read_ += read->places.size();
    if (rows_read_ > most || again.found().size() > limits::watch_events_again)
      return fail(errc::too_large, "too many readings of a machine would be judged again");
    for (std::size_t i = 0; i < read->places.size(); ++i) {
      const auto at = source_place::at(read->places[i], it.sources.size());
      again.add(at.time_us, at.source, read->values[i]);
    }
    std::ranges::move(again.take_marks(), std::back_inserter(marks));
  }
  again.finish();
  std::ranges::move(again.take_marks(), std::back_inserter(marks));
  return {};
}

/// What the log lacks of what should have been found from `from_us` on; the watch numbers what it tells from now on so that none is taken for
/// another.
expected<judged_past> machine_past::tell(const watched_machine& it, std::int64_t from_us, const std::vector<event>& found,
                                         machine_watch& live) {
  if (auto reached = with_.streams.reach_store(); !reached) return tl::unexpected(std::move(reached.error()));
  std::map<event_key, std::vector<event>> wanted;
  for (const auto& each : found) wanted[with_kind(each.key, {})].push_back(each);
  std::erase_if(wanted, [&](const auto& each) {
    const auto& [key, events] = each;
    return !fold_finding(events).open() && events.back().at_us < from_us;
  });
  anomaly_query stated;
  stated.detector = event_source::machine;
  stated.range = {from_us, INT64_MAX};
  stated.among = [&](const event_key& key) { return key.rule == it.key.machine; };
  for (;;) {
    const auto page = with_.events.anomalies(stated);
    if (!page) return tl::unexpected(page.error());
    for (const auto& each : page->rows) wanted.try_emplace(with_kind(each.stated->key, {}));
    if (!page->next) break;
    stated.before_sequence = *page->next;
  }
  judged_past out;
  auto& counts = out.changed.anomalies;
  for (const auto& [key, events] : wanted) {
    const auto stored = with_.events.events_of(key);
    if (!stored) return tl::unexpected(stored.error());
    if (!stored->empty() && stored->front().sequence <= it.since_event) continue;
    const bool held = fold_finding(*stored).holds();
    const auto told = told_again(*stored, events, why_.reason, why_.recorded_at_us);
    if (!told.empty()) {
      ++(held && !events.empty() ? counts.revised : held ? counts.withdrawn : counts.raised);
      out.first_us = std::min(out.first_us, key.event_time_us);
      out.last_us = std::max(out.last_us, key.event_time_us);
    }
    for (const auto& each : told) out.last_us = std::max(out.last_us, each.at_us);
    auto whole = *stored;
    whole.insert(whole.end(), told.begin(), told.end());
    const bool goes_on = fold_finding(whole).open();
    for (const auto& each : *stored)
      if (!is_historical(each.key)) live.has_gone(each.key, each.at_us, goes_on);
    out.events.insert(out.events.end(), told.begin(), told.end());
  }
  return out;
}

void machine_past::count(const judged_past& told) {
  if (!told.any()) return;
  out_.anomalies.add(told.changed.anomalies);
  if (!out_.changed) out_.changed = time_range{told.first_us, told.last_us + 1};
  widen(*out_.changed, told.first_us, told.last_us);
}

/// As an event of the machine, behind those that it has of the same time. What was reported of the same correction before a crash counts, too: reports
/// are stored with what they tell of.
expected<void> machine_past::add_report(machine_id machine, const time_range& range, judged_past& told) const {
  auto report = why_.report(range, told);
  report.key.sensor = 0;
  report.key.source = event_source::machine_correction;
  report.key.rule = machine;
  const auto before = with_.events.events_of(report.key);
  if (!before) return tl::unexpected(before.error());
  report.key.revision = static_cast<std::uint32_t>(before->size());
  const auto said = std::get<judged_again_detail>(report.detail);
  if (told.any()) told.events.push_back(std::move(report));
  for (const auto& each : *before) {
    const auto* const known = std::get_if<judged_again_detail>(&each.detail);
    if (known == nullptr || said.correction == 0 || known->correction != said.correction || known->what != said.what) continue;
    told.changed.add(consequences_of(*known));
    told.first_us = std::min(told.first_us, known->changed_from_us);
    told.last_us = std::max(told.last_us, known->changed_to_us);
  }
  return {};
}

}  // namespace factory
