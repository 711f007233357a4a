#include "actors/backtest/backtest.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <thread>

#include "actors/backtest/backtest_report.hpp"
#include "actors/backtest/finding_book.hpp"
#include "actors/backtest/limits.hpp"
#include "actors/backtest/past_streams.hpp"
#include "actors/engine/actor_runtime.hpp"
#include "actors/sensors/sensor_population.hpp"

namespace factory {

namespace {

constexpr std::int64_t look_every_ms = 100;

/// What the actors of a population refer to: it outlives them.
struct scratch {
  population_counts counts;
  passing_source source;
  finding_book book{limits::backtest_findings};

  persistence sink() {
    persistence to;
    to.save_sensor = [](const saved_sensor&, const std::function<void()>& written) { written(); };
    to.write_events = [this](std::vector<event> found) { book.add(std::move(found)); };
    return to;
  }
};

constexpr std::size_t as_in_force = 0, as_drafted = 1;  ///< populations

std::vector<sensor_config> configs_of_drafted(const backtest_spec& spec) {
  std::vector<sensor_config> out;
  for (const auto& each : spec.sensors) {
    if (!each.detection) continue;
    auto& config = out.emplace_back(each.config);
    config.thresholds = {};
    config.rules.clear();
    config.stream = *each.detection;
  }
  for (const auto& each : spec.drafted_sensors) {
    auto& config = out.emplace_back(each.judged.config);
    config.rules.insert(config.rules.end(), each.judged.drafts.begin(), each.judged.drafts.end());
    if (each.judged.detection) config.stream = *each.judged.detection;
  }
  return out;
}

std::vector<sensor_config> configs_in_force(const backtest_spec& spec) {
  std::vector<sensor_config> out;
  for (const auto& each : spec.sensors) {
    auto& config = out.emplace_back(each.config);
    config.rules.insert(config.rules.end(), each.drafts.begin(), each.drafts.end());
  }
  return out;
}

/// What drafts of pipelines compute, in figures.
class drafted_figures {
 public:
  explicit drafted_figures(const backtest_spec& spec) {
    for (const auto& each : spec.drafted_sensors) {
      if (all_.size() == limits::backtest_drafted_shown) break;
      place_[each.judged.config.sensor] = all_.size();
      all_.push_back(
          {spec.draft_pipelines[each.pipeline].name, each.name, each.unit, {}, std::vector<summary>(backtest_parts_of_range)});
    }
  }
  void span(const time_range& range) { range_ = range; }
  void take(const reading_batch& made) {
    const auto length = static_cast<double>(range_.end_us) - static_cast<double>(range_.begin_us);
    for (const auto& rows : made.slices) {
      const auto at = place_.find(rows.sensor);
      if (at == place_.end()) continue;
      auto& to = all_[at->second];
      const auto times = made.times(rows);
      const auto values = made.values(rows);
      for (std::size_t i = 0; i < values.size(); ++i) {
        to.all.add(times[i], values[i]);
        const auto share = (static_cast<double>(times[i]) - static_cast<double>(range_.begin_us)) / length;
        const auto part = std::clamp(share * backtest_parts_of_range, 0.0, backtest_parts_of_range - 1.0);
        to.over_time[static_cast<std::size_t>(part)].add(times[i], values[i]);
      }
    }
  }
  std::vector<drafted_series> result() { return std::move(all_); }

 private:
  std::vector<drafted_series> all_;
  std::map<sensor_id, std::size_t> place_;
  time_range range_{0, 1};
};

/// The populations of a backtest, and the stream of entries that they get.
class judges {
 public:
  judges(const backtest_spec& spec, backtest_progress& progress)
      : spec_(spec),
        progress_(progress),
        tries_detection_(std::ranges::any_of(spec.sensors, [](const auto& each) { return each.detection.has_value(); })),
        figures_(spec),
        runtime_(std::max<std::size_t>(1, spec.threads)) {
    population_config config;
    config.rules = spec.usual;
    config.shards = std::max<std::size_t>(1, spec.threads / 2);
    config.stores_readings = false;
    const bool has_drafted = tries_detection_ || spec.tries_machines || !spec.draft_pipelines.empty();
    for (std::size_t i = 0; i < (has_drafted ? 2 : 1); ++i) {
      auto& behind = *scratches_.emplace_back(std::make_unique<scratch>());
      populations_.push_back(
          std::make_unique<sensor_population>(runtime_.system(), behind.counts, config, behind.sink(), behind.source));
    }
    streams_ = std::make_unique<past_streams>(runtime_.system(), spec.streams,
                                              [this](const backtest_stream& by, std::vector<event> found) {
                                                scratches_[by.draft ? as_drafted : as_in_force]->book.add(std::move(found));
                                              });
  }

  void configure(const time_range& range) {
    figures_.span(range);
    for (std::size_t i = 0; i < populations_.size(); ++i) {
      config_change change;
      change.configs = i == as_in_force ? configs_in_force(spec_) : configs_of_drafted(spec_);
      for (const auto& each : change.configs) populations_[i]->start(each.sensor, 0, nullptr);
      journal_entry entry;
      entry.sequence = 1;
      entry.received_at_us = range.begin_us;
      entry.config = std::make_shared<const config_change>(std::move(change));
      dispatch(i, entry);
    }
    sequence_ = 1;
    for (const auto& each : spec_.sensors)
      if (!each.rests.empty()) let_rest(each, range.begin_us);
  }

  /// Readings up to `until_us`; `share` of the range is read with these.
  expected<void> take(std::shared_ptr<const reading_batch> readings, std::int64_t until_us, double share) {
    if (auto room = wait_until([this] { return in_flight() <= limits::backtest_in_flight; }); !room) return room;
    read_share_ = share;
    read_ += readings->size();
    const auto entry = entry_of(std::move(readings));
    dispatch(as_in_force, entry);
    if (tries_detection_) dispatch(as_drafted, entry);
    streams_->give(entry, until_us);
    take_derived();
    return trouble();
  }

  /// Time goes on to `until_us` without a reading: what is due by then happens.
  expected<void> pass_time(std::int64_t until_us) {
    for (std::size_t level = 0; level < streams_->levels(); ++level) {
      streams_->flush(level);
      if (auto done = finish_streams(); !done) return done;
      streams_->pass_time(level, until_us + stream_instance::grace_us);
      if (auto done = finish_streams(); !done) return done;
    }
    for (bool due = true; due;) {
      if (auto done = finish(); !done) return done;
      due = false;
      ++sequence_;
      for (std::size_t i = 0; i < populations_.size(); ++i) {
        if (populations_[i]->ticks().due_us().value_or(INT64_MAX) > until_us) continue;
        due = true;
        journal_entry entry;
        entry.sequence = sequence_;
        entry.received_at_us = until_us;
        entry.tick = true;
        dispatch(i, entry);
      }
    }
    return {};
  }

  backtest_findings found() const {
    return {scratches_.front()->book, scratches_.size() > 1 ? &scratches_.back()->book : nullptr, tries_detection_};
  }
  std::vector<drafted_series> drafted_series_made() { return figures_.result(); }

 private:
  journal_entry entry_of(std::shared_ptr<const reading_batch> readings) {
    journal_entry entry;
    entry.sequence = ++sequence_;
    entry.received_at_us = spec_.now_us;
    entry.readings = std::move(readings);
    return entry;
  }

  void let_rest(const backtest_sensor& it, std::int64_t received_at_us) {
    hand_over before;
    before.reason = "annotations";
    before.ranges = it.rests;
    journal_entry entry;
    entry.sequence = ++sequence_;
    entry.received_at_us = received_at_us;
    entry.command = std::make_shared<const operator_command>(operator_command{it.config.sensor, {}, std::move(before)});
    for (std::size_t i = 0; i < populations_.size(); ++i) dispatch(i, entry);
    streams_->let_rest(it.config.sensor, it.rests);
  }

  void dispatch(std::size_t number, const journal_entry& entry) {
    const auto* const alone = &entry;
    populations_[number]->dispatch({&alone, 1}, nullptr);
  }

  /// What drafts have computed so far is judged. Whether there was something.
  bool take_derived() {
    bool any = false;
    for (auto& made : streams_->take_derived()) {
      any = true;
      figures_.take(made);
      const auto entry = entry_of(std::make_shared<const reading_batch>(std::move(made)));
      dispatch(as_drafted, entry);
      streams_->give_derived(entry);
    }
    return any;
  }

  std::uint64_t in_flight() const {
    auto most = streams_->in_flight();
    for (const auto& each : populations_)
      most = std::max(most, each->counts().dispatched_readings() - each->counts().processed_readings());
    return most;
  }

  template <class Condition>
  expected<void> wait_until(Condition condition) const {
    for (bool met = false; !met;) {
      met = condition();
      tell_progress();
      if (progress_.cancelled) return fail(errc::stopping, "the backtest was cancelled");
      if (!met) std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    return {};
  }

  /// What is read counts when it is judged; what drafts compute, which is judged beside it, is no reading of the range.
  void tell_progress() const {
    const auto& slowest = populations_[tries_detection_ ? as_drafted : as_in_force]->counts();
    const auto given = std::max<std::uint64_t>(1, slowest.dispatched_readings());
    const auto judged = std::min(given, slowest.processed_readings());
    progress_.tell(std::min(judged, read_), read_share_ * static_cast<double>(judged) / static_cast<double>(given));
  }

  expected<void> finish_streams() {
    do {
      if (auto idle = wait_until([&] { return streams_->wait_until_idle(look_every_ms); }); !idle) return idle;
    } while (take_derived());
    return trouble();
  }

  expected<void> finish() {
    for (const auto& each : populations_)
      if (auto idle = wait_until([&] { return each->wait_until_idle(look_every_ms); }); !idle) return idle;
    return trouble();
  }

  expected<void> trouble() const {
    if (streams_->has_failed())
      return fail(errc::unavailable, "a pipeline or a machine could not be judged, see the log; narrow the range");
    for (const auto& each : populations_)
      if (each->restart_count() != 0 || each->analysis_restart_count() != 0)
        return fail(errc::unavailable, "an actor of the backtest has failed; the log has the reason");
    for (const auto& each : scratches_)
      if (each->book.overflowed())
        return fail(errc::too_large, "more is found than " + std::to_string(limits::backtest_findings) +
                                         " events: narrow the range, the sensors or the rules");
    return {};
  }

  const backtest_spec& spec_;
  backtest_progress& progress_;
  const bool tries_detection_;
  double read_share_ = 0;   ///< of the range
  std::uint64_t read_ = 0;  ///< readings
  drafted_figures figures_;
  // In this order: what messages refer to outlives the actor system, and that the populations.
  std::vector<std::unique_ptr<scratch>> scratches_;
  actor_runtime runtime_;
  std::vector<std::unique_ptr<sensor_population>> populations_;
  std::unique_ptr<past_streams> streams_;
  std::uint64_t sequence_ = 0;
};

std::int64_t newest_of(const reading_batch& readings) {
  auto newest_us = INT64_MIN;
  for (const auto& each : readings.slices) newest_us = std::max(newest_us, readings.event_time_us[each.end - 1U]);
  return newest_us;
}

/// The end of what is to be read: for the share that is done, and for a range without an end.
expected<std::int64_t> newest_us(const backtest_spec& spec, const row_reader& read) {
  std::int64_t newest = INT64_MIN;
  for (const auto& each : spec.sensors) {
    const auto last = read(each.config.sensor, spec.range, 1, true);
    if (!last) return tl::unexpected(last.error());
    if (!last->empty()) newest = std::max(newest, last->event_time_us.front());
  }
  return newest;
}

}  // namespace

expected<backtest_result> run_backtest(const backtest_spec& spec, const row_reader& read, backtest_progress& progress) {
  const auto started = std::chrono::steady_clock::now();
  const auto newest = newest_us(spec, read);
  if (!newest) return tl::unexpected(newest.error());
  backtest_result out;
  out.sensors = spec.sensors.size();
  out.faults = spec.faults.size();
  out.faults_left_out = spec.faults_left_out;
  std::vector<sensor_id> sensors;
  for (const auto& each : spec.sensors) sensors.push_back(each.config.sensor);
  row_feed feed(read, sensors, spec.range);
  judges with(spec, progress);
  bool begun = false;
  for (;;) {
    auto batch = feed.next();
    if (!batch) return tl::unexpected(std::move(batch.error()));
    if (!*batch) break;
    if (!begun) {
      out.begin_us = spec.range.begin_us != INT64_MIN ? spec.range.begin_us : *std::ranges::min_element((*batch)->event_time_us);
      out.end_us = spec.range.end_us != INT64_MAX ? spec.range.end_us : std::max(out.begin_us, *newest) + 1;
      with.configure({out.begin_us, out.end_us});
      begun = true;
    }
    out.readings += (*batch)->size();
    const auto reached_us = newest_of(**batch);
    const auto share = static_cast<double>(reached_us - out.begin_us) / (static_cast<double>(*newest - out.begin_us) + 1);
    if (auto taken = with.take(std::move(*batch), reached_us, std::clamp(share, 0.0, 1.0)); !taken)
      return tl::unexpected(std::move(taken.error()));
  }
  if (begun) {
    const auto until_us = std::min(spec.now_us, spec.range.end_us);
    if (auto done = with.pass_time(until_us); !done) return tl::unexpected(std::move(done.error()));
  }
  report(spec, with.found(), out);
  out.drafted = with.drafted_series_made();
  out.digest = with.found().in_force.digest(std::not_fn(is_of_draft));
  progress.tell(out.readings, 1);
  out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  return out;
}

}  // namespace factory
