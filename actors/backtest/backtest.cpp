#include "actors/backtest/backtest.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <thread>
#include <tuple>

#include "actors/backtest/finding_book.hpp"
#include "actors/backtest/limits.hpp"
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

enum class judging : std::uint8_t { in_force_and_drafts, drafted_detection };

sensor_config config_for(const backtest_sensor& sensor, judging how) {
  auto config = sensor.config;
  if (how == judging::drafted_detection) {
    config.thresholds = {};
    config.rules.clear();
    if (sensor.detection) config.stream = *sensor.detection;
    return config;
  }
  config.rules.insert(config.rules.end(), sensor.drafts.begin(), sensor.drafts.end());
  return config;
}

/// The populations of a backtest, and the stream of entries that they get.
class judges {
 public:
  judges(const backtest_spec& spec, std::size_t count, backtest_progress& progress)
      : spec_(spec), progress_(progress), runtime_(std::max<std::size_t>(1, spec.threads)) {
    population_config config;
    config.rules = spec.usual;
    config.shards = std::max<std::size_t>(1, spec.threads / 2);
    config.stores_readings = false;
    for (std::size_t i = 0; i < count; ++i) {
      auto& behind = *scratches_.emplace_back(std::make_unique<scratch>());
      populations_.push_back(
          std::make_unique<sensor_population>(runtime_.system(), behind.counts, config, behind.sink(), behind.source));
    }
  }

  void configure(std::int64_t at_us) {
    for (std::size_t i = 0; i < populations_.size(); ++i) {
      config_change change;
      for (const auto& each : spec_.sensors) {
        populations_[i]->start(each.config.sensor, 0, nullptr);
        change.configs.push_back(config_for(each, i == 0 ? judging::in_force_and_drafts : judging::drafted_detection));
      }
      journal_entry entry;
      entry.sequence = 1;
      entry.received_at_us = at_us;
      entry.config = std::make_shared<const config_change>(std::move(change));
      dispatch(i, entry);
    }
    sequence_ = 1;
  }

  /// `share` of the range is read with these.
  expected<void> take(std::shared_ptr<const reading_batch> readings, double share) {
    if (auto room = wait_until([this] { return in_flight() <= limits::backtest_in_flight; }); !room) return room;
    read_share_ = share;
    journal_entry entry;
    entry.sequence = ++sequence_;
    entry.received_at_us = spec_.now_us;
    entry.readings = std::move(readings);
    for (std::size_t i = 0; i < populations_.size(); ++i) dispatch(i, entry);
    return trouble();
  }

  /// Time goes on to `until_us` without a reading: what is due by then happens.
  expected<void> pass_time(std::int64_t until_us) {
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

  const finding_book& book(std::size_t number) const { return scratches_[number]->book; }

 private:
  void dispatch(std::size_t number, const journal_entry& entry) {
    const auto* const alone = &entry;
    populations_[number]->dispatch({&alone, 1}, nullptr);
  }

  std::uint64_t in_flight() const {
    std::uint64_t most = 0;
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

  /// What is read counts when it is judged.
  void tell_progress() const {
    const auto& slowest = populations_.back()->counts();
    const auto read = std::max<std::uint64_t>(1, slowest.dispatched_readings());
    const auto judged = std::min(read, slowest.processed_readings());
    progress_.readings = judged;
    progress_.share = read_share_ * static_cast<double>(judged) / static_cast<double>(read);
  }

  expected<void> finish() {
    for (const auto& each : populations_)
      if (auto idle = wait_until([&] { return each->wait_until_idle(look_every_ms); }); !idle) return idle;
    return trouble();
  }

  expected<void> trouble() const {
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
  double read_share_ = 0;  ///< of the range
  // In this order: what messages refer to outlives the actor system, and that the populations.
  std::vector<std::unique_ptr<scratch>> scratches_;
  actor_runtime runtime_;
  std::vector<std::unique_ptr<sensor_population>> populations_;
  std::uint64_t sequence_ = 0;
};

/// Firings by what fired.
using firings_by_line = std::map<std::pair<event_source, rule_id>, std::vector<firing>>;

firings_by_line firings_of(const finding_book& book, std::int64_t end_us, std::uint64_t& count) {
  firings_by_line out;
  book.visit([&](const finding& it) {
    if (const auto at = firing_of(it, end_us)) out[{at->source, at->rule}].push_back(*at);
    ++count;
  });
  return out;
}

std::vector<fault_window> faults_of(const backtest_spec& spec, const std::set<sensor_id>& sensors) {
  std::vector<fault_window> out;
  for (const auto& each : spec.faults)
    if (each.sensor == 0 || sensors.contains(each.sensor)) out.push_back(each);
  return out;
}

struct line_plan {
  backtest_line line;
  rule_id judged_as = 0;
  std::set<sensor_id> sensors;
};

/// What of the limits and rules can fire, whether or not it did.
std::vector<line_plan> alarm_lines(const backtest_spec& spec) {
  std::vector<line_plan> plans(2);
  plans[0].line = {event_source::min_threshold, 0, "min_threshold"};
  plans[1].line = {event_source::max_threshold, 0, "max_threshold"};
  std::map<rule_id, std::size_t> place;
  for (const auto& [id, name] : spec.rules) {
    place[id] = plans.size();
    plans.push_back({{event_source::alert_rule, id, name}, id, {}});
  }
  for (std::size_t i = 0; i < spec.drafts.size(); ++i) {
    place[draft_id(i)] = plans.size();
    plans.push_back({{event_source::alert_rule, spec.drafts[i].instead_of, spec.drafts[i].name, true}, draft_id(i), {}});
  }
  for (const auto& each : spec.sensors) {
    const auto sensor = each.config.sensor;
    if (each.config.thresholds.min) plans[0].sensors.insert(sensor);
    if (each.config.thresholds.max) plans[1].sensors.insert(sensor);
    for (const auto* rules : {&each.config.rules, &each.drafts})
      for (const auto& rule : *rules)
        if (const auto found = place.find(rule->id); found != place.end()) plans[found->second].sensors.insert(sensor);
  }
  std::erase_if(plans, [](const line_plan& each) { return each.sensors.empty() && !each.line.draft; });
  return plans;
}

/// A detector, or a rule of control charts.
using detector_place = std::pair<event_source, rule_id>;

backtest_line detector_line(const backtest_spec& spec, const firings_by_line& found, const detector_place& of, bool draft,
                            const backtest_result& range) {
  const auto& [source, rule] = of;
  std::string name(to_text(source));
  if (rule != 0) name += "_" + std::to_string(rule);
  backtest_line line{source, rule, std::move(name), draft, spec.sensors.size()};
  const auto firings = found.find(of);
  fill(line, firings == found.end() ? std::span<const firing>() : std::span<const firing>(firings->second), spec.faults, range);
  return line;
}

bool is_same(const std::vector<firing>* a, const std::vector<firing>* b) {
  const auto count = [](const std::vector<firing>* all) { return all == nullptr ? 0 : all->size(); };
  if (count(a) != count(b)) return false;
  return count(a) == 0 || std::ranges::equal(*a, *b, [](const firing& x, const firing& y) {
           return x.sensor == y.sensor && x.begin_us == y.begin_us && x.end_us == y.end_us;
         });
}

/// Of drafted settings, the detectors that say anything else by them.
void add_drafted_detectors(const backtest_spec& spec, const firings_by_line& found, const firings_by_line& tried,
                           const std::set<detector_place>& detecting, backtest_result& out) {
  const auto of = [](const firings_by_line& all, const detector_place& source) {
    const auto at = all.find(source);
    return at == all.end() ? nullptr : &at->second;
  };
  bool any = false;
  for (const auto& source : detecting) {
    if (is_same(of(found, source), of(tried, source))) continue;
    out.lines.push_back(detector_line(spec, tried, source, true, out));
    any = true;
  }
  if (!any) out.differences.emplace_back("drafts of the detectors: they say what they say now");
}

void report(const backtest_spec& spec, const judges& from, bool tries_detection, backtest_result& out) {
  std::uint64_t ignored = 0;
  const auto found = firings_of(from.book(0), out.end_us, out.findings);
  const auto tried = tries_detection ? firings_of(from.book(1), out.end_us, ignored) : firings_by_line();
  std::set<detector_place> detecting;
  for (const auto* each : {&found, &tried})
    for (const auto& [of, firings] : *each)
      if (is_detector(of.first)) detecting.insert(of);
  auto plans = alarm_lines(spec);
  const auto first_draft = std::ranges::find_if(plans, [](const line_plan& each) { return each.line.draft; });
  const auto add_alarms = [&](auto begin, auto end) {
    for (; begin != end; ++begin) {
      auto& plan = *begin;
      plan.line.sensors = plan.sensors.size();
      const auto firings = found.find({plan.line.source, plan.judged_as});
      fill(plan.line, firings == found.end() ? std::span<const firing>() : std::span<const firing>(firings->second),
           faults_of(spec, plan.sensors), out);
      out.lines.push_back(std::move(plan.line));
    }
  };
  add_alarms(plans.begin(), first_draft);
  for (const auto& source : detecting) out.lines.push_back(detector_line(spec, found, source, false, out));
  add_alarms(first_draft, plans.end());
  if (tries_detection) add_drafted_detectors(spec, found, tried, detecting, out);
  for (const auto& line : out.lines)
    if (line.draft) out.differences.push_back(difference_text(line, out.in_force(line)));
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
  const bool tries_detection = std::ranges::any_of(spec.sensors, [](const auto& each) { return each.detection.has_value(); });
  const auto newest = newest_us(spec, read);
  if (!newest) return tl::unexpected(newest.error());
  backtest_result out;
  out.sensors = spec.sensors.size();
  out.faults = spec.faults.size();
  std::vector<sensor_id> sensors;
  for (const auto& each : spec.sensors) sensors.push_back(each.config.sensor);
  row_feed feed(read, sensors, spec.range);
  judges with(spec, tries_detection ? 2 : 1, progress);
  bool begun = false;
  for (;;) {
    auto batch = feed.next();
    if (!batch) return tl::unexpected(std::move(batch.error()));
    if (!*batch) break;
    if (!begun) {
      out.begin_us = spec.range.begin_us != INT64_MIN ? spec.range.begin_us : *std::ranges::min_element((*batch)->event_time_us);
      out.end_us = spec.range.end_us != INT64_MAX ? spec.range.end_us : std::max(out.begin_us, *newest) + 1;
      with.configure(out.begin_us);
      begun = true;
    }
    out.readings += (*batch)->size();
    const auto reached_us = (*batch)->event_time_us.back();
    const auto share = static_cast<double>(reached_us - out.begin_us) / (static_cast<double>(*newest - out.begin_us) + 1);
    if (auto taken = with.take(std::move(*batch), std::clamp(share, 0.0, 1.0)); !taken)
      return tl::unexpected(std::move(taken.error()));
  }
  if (begun) {
    const auto until_us = std::min(spec.now_us, spec.range.end_us);
    if (auto done = with.pass_time(until_us); !done) return tl::unexpected(std::move(done.error()));
  }
  report(spec, with, tries_detection, out);
  out.digest = with.book(0).digest();
  progress.readings = out.readings;
  progress.share = 1;
  out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  return out;
}

}  // namespace factory
