#include "actors/backtest/backtest_report.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <span>
#include <utility>

namespace factory {

namespace {

/// Firings by what fired: of the detectors of all machines together, of control charts by their rule, of pipelines by pipeline and sink.
using line_key = std::pair<event_source, rule_id>;
using firings_by_line = std::map<line_key, std::vector<firing>>;

bool is_of_machines(event_source source) { return group_of(source) == source_group::machine_detector; }

/// `count` rises by those of what is in force.
firings_by_line firings_of(const finding_book& book, std::int64_t end_us, std::uint64_t& count) {
  firings_by_line out;
  book.visit([&](const finding& it) {
    if (auto at = firing_of(it, end_us)) {
      if (is_of_machines(at->source)) at->sensor = at->rule;  // stands for it
      out[{at->source, is_of_machines(at->source) ? 0 : at->rule}].push_back(*at);
    }
    if (!is_of_draft(it.stated->key)) ++count;
  });
  return out;
}

std::span<const firing> firings_by(const firings_by_line& in, line_key wanted) {
  const auto at = in.find(wanted);
  return at == in.end() ? std::span<const firing>() : std::span<const firing>(at->second);
}

std::vector<firing> of_sensors(std::span<const firing> all, const std::set<sensor_id>& sensors) {
  std::vector<firing> out;
  std::ranges::copy_if(all, std::back_inserter(out), [&](const firing& each) { return sensors.contains(each.sensor); });
  return out;
}

std::vector<fault_window> faults_of(const backtest_spec& spec, const std::set<sensor_id>& sensors) {
  std::vector<fault_window> out;
  for (const auto& each : spec.faults)
    if (each.sensor == 0 || sensors.contains(each.sensor)) out.push_back(each);
  return out;
}

/// Faults of the sensors from which others follow, as faults of these.
using stand_ins = std::multimap<sensor_id, std::uint32_t>;
std::vector<fault_window> faults_through(const backtest_spec& spec, const stand_ins& instead) {
  std::vector<fault_window> out;
  for (const auto& each : spec.faults) {
    if (each.sensor == 0) out.push_back(each);
    for (auto [at, end] = instead.equal_range(each.sensor); each.sensor != 0 && at != end; ++at) {
      out.push_back(each);
      out.back().sensor = at->second;
    }
  }
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
  const auto is_for = [&](rule_id rule, sensor_id sensor) {
    if (const auto found = place.find(rule); found != place.end()) plans[found->second].sensors.insert(sensor);
  };
  for (const auto& each : spec.sensors) {
    const auto sensor = each.config.sensor;
    if (each.config.thresholds.min) plans[0].sensors.insert(sensor);
    if (each.config.thresholds.max) plans[1].sensors.insert(sensor);
    for (const auto* rules : {&each.config.rules, &each.drafts})
      for (const auto& rule : *rules) is_for(rule->id, sensor);
  }
  for (const auto& each : spec.drafted_sensors)
    for (const auto& rule : each.judged.drafts) is_for(rule->id, each.judged.config.sensor);
  std::erase_if(plans, [](const line_plan& each) { return each.sensors.empty() && !each.line.draft; });
  return plans;
}

bool is_same(std::span<const firing> a, std::span<const firing> b) {
  return std::ranges::equal(a, b, [](const firing& x, const firing& y) {
    return x.sensor == y.sensor && x.begin_us == y.begin_us && x.end_us == y.end_us;
  });
}

class reporter {
 public:
  reporter(const backtest_spec& spec, const backtest_findings& from, backtest_result& out)
      : spec_(spec), out_(out), found_(firings_of(from.in_force, out.end_us, out.findings)) {
    std::uint64_t ignored = 0;
    if (from.drafted != nullptr) tried_ = firings_of(*from.drafted, out.end_us, ignored);
    for (const auto& each : spec.drafted_sensors) drafted_.insert(each.judged.config.sensor);
    for (const auto& [of, firings] : found_)
      if (is_detector(of.first)) detecting_.insert(of);
    for (const auto& [of, firings] : tried_)
      if (is_detector(of.first) && !tried_by(of).empty()) detecting_.insert(of);
  }

  void write(bool tries_detection) {
    auto plans = alarm_lines(spec_);
    const auto first_draft = std::ranges::find_if(plans, [](const line_plan& each) { return each.line.draft; });
    for (auto each = plans.begin(); each != first_draft; ++each) add_alarms(*each);
    for (const auto& each : detecting_) add_detector(each, firings_by(found_, each), false);
    add_pipelines_in_force();
    for (auto each = first_draft; each != plans.end(); ++each) add_alarms(*each);
    if (tries_detection || spec_.tries_machines) add_drafted_detectors(tries_detection);
    for (std::size_t i = 0; i < spec_.draft_pipelines.size(); ++i) add_drafted_pipeline(i);
    for (const auto& line : out_.lines)
      if (line.draft) out_.differences.push_back(difference_text(line, out_.in_force(line)));
  }

 private:
  void add_alarms(line_plan& plan) {
    plan.line.sensors = plan.sensors.size();
    const line_key key{plan.line.source, plan.judged_as};
    const auto of_drafted = firings_by(tried_, key);
    std::vector<firing> firings(firings_by(found_, key).begin(), firings_by(found_, key).end());
    firings.insert(firings.end(), of_drafted.begin(), of_drafted.end());
    fill(plan.line, firings, faults_of(spec_, plan.sensors), out_);
    out_.lines.push_back(std::move(plan.line));
  }

  /// What drafted settings say of sensors that are there, and of machines.
  std::vector<firing> tried_by(const line_key& of) const {
    std::vector<firing> own;
    std::ranges::copy_if(firings_by(tried_, of), std::back_inserter(own),
                         [&](const firing& at) { return is_of_machines(of.first) || !drafted_.contains(at.sensor); });
    return own;
  }

  void add_detector(const line_key& of, std::span<const firing> firings, bool draft) {
    const auto& [source, rule] = of;
    std::string name(to_text(source));
    if (rule != 0) name += "_" + std::to_string(rule);
    backtest_line line{source, rule, std::move(name), draft, spec_.sensors.size()};
    if (!is_of_machines(source)) {
      fill(line, firings, spec_.faults, out_);
    } else {
      stand_ins machines;
      line.sensors = 0;
      for (const auto& each : spec_.streams) {
        if (!each.is_watch() || each.draft != draft) continue;
        ++line.sensors;
        for (const auto sensor : each.sources) machines.emplace(sensor, each.key.machine);
      }
      fill(line, firings, faults_through(spec_, machines), out_);
    }
    out_.lines.push_back(std::move(line));
  }

  /// Of drafted settings, the detectors that say anything else by them.
  void add_drafted_detectors(bool of_sensors_too) {
    bool any = false;
    for (const auto& each : detecting_) {
      if (is_of_machines(each.first) ? !spec_.tries_machines : !of_sensors_too) continue;
      const auto tried = tried_by(each);
      if (is_same(firings_by(found_, each), tried)) continue;
      add_detector(each, tried, true);
      any = true;
    }
    if (!any) out_.differences.emplace_back("drafts of the detectors: they say what they say now");
  }

  /// The events of a pipeline, by sink.
  void add_events(const line_pipeline& of, const pipeline_spec& spec, pipeline_id judged_as, bool draft) {
    stand_ins subjects;
    std::size_t count = 0;
    for (const auto& each : spec_.streams) {
      if (each.is_watch() || each.key.pipeline != judged_as) continue;
      ++count;
      for (const auto sensor : each.sources) subjects.emplace(sensor, each.sources[subject_source(spec)]);
    }
    for (std::size_t sink = 0; sink < spec.sinks.size(); ++sink) {
      const auto* const event = std::get_if<event_sink>(&spec.sinks[sink]);
      if (event == nullptr) continue;
      backtest_line line{event_source::pipeline, 0, event->when, draft, count};
      line.pipeline = of;
      line.pipeline->sink = sink;
      const auto& firings = draft ? tried_ : found_;
      fill(line, firings_by(firings, {event_source::pipeline, pipeline_rule(judged_as, sink)}), faults_through(spec_, subjects),
           out_);
      out_.lines.push_back(std::move(line));
    }
  }

  void add_pipelines_in_force() {
    std::set<pipeline_id> done;
    for (const auto& each : spec_.streams) {
      if (each.is_watch() || each.draft || !done.insert(each.key.pipeline).second) continue;
      add_events({each.key.pipeline, each.spec->name}, *each.spec, each.key.pipeline, false);
    }
  }

  std::string name_of(rule_id rule) const {
    const auto at = std::ranges::find(spec_.rules, rule, &std::pair<rule_id, std::string>::first);
    return at == spec_.rules.end() ? std::string() : at->second;
  }

  void add_drafted_pipeline(std::size_t number) {
    const auto& draft = spec_.draft_pipelines[number];
    const line_pipeline of{draft.instead_of, draft.name};
    add_events(of, *draft.spec, draft_pipeline_id(number), true);
    std::set<sensor_id> fills, filled_now;
    stand_ins through;
    for (const auto& each : spec_.drafted_sensors) {
      if (each.pipeline != number) continue;
      const auto sensor = each.judged.config.sensor;
      fills.insert(sensor);
      for (const auto source : each.sources) through.emplace(source, sensor);
      if (each.instead_of != 0) filled_now.insert(each.instead_of);
      if (each.instead_of != 0) through.emplace(each.instead_of, sensor);
    }
    if (fills.empty()) return;
    std::set<line_key> fired;
    for (const auto& [key, firings] : tried_)
      if (key.first != event_source::pipeline && !of_sensors(firings, fills).empty()) fired.insert(key);
    for (const auto& [key, firings] : found_)
      if (key.first != event_source::pipeline && !of_sensors(firings, filled_now).empty()) fired.insert(key);
    for (const auto& key : fired) {
      if (key.first == event_source::alert_rule && key.second >= draft_id(0)) continue;  // it has a line of its own
      const auto name = key.first == event_source::alert_rule ? name_of(key.second) : std::string(to_text(key.first));
      for (const bool is_draft : {false, true}) {
        if (!is_draft && draft.instead_of == 0) continue;
        const auto& sensors = is_draft ? fills : filled_now;
        backtest_line line{key.first, key.second, name, is_draft, sensors.size()};
        line.pipeline = of;
        fill(line, of_sensors(firings_by(is_draft ? tried_ : found_, key), sensors),
             is_draft ? faults_through(spec_, through) : faults_of(spec_, sensors), out_);
        out_.lines.push_back(std::move(line));
      }
    }
  }

  const backtest_spec& spec_;
  backtest_result& out_;
  firings_by_line found_, tried_;
  std::set<line_key> detecting_;
  std::set<sensor_id> drafted_;
};

}  // namespace

void report(const backtest_spec& spec, const backtest_findings& from, backtest_result& out) {
  for (const auto& each : spec.drafted_sensors) out.drafted_names.emplace(each.judged.config.sensor, each.name);
  out.machine_names = spec.machines;
  reporter(spec, from, out).write(from.tries_detection);
}

}  // namespace factory
