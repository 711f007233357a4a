#include "http/text/backtest_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "actors/backtest/limits.hpp"

namespace factory {

namespace {

constexpr std::size_t most_sensors = 1'000;  ///< of a line in JSON; those with the most firings

void write_figures(json_writer& out, const firing_figures& of, std::int64_t span_us, std::size_t sensors) {
  out.member("count", of.count).key("longest_ms");
  write_ms(out, of.longest_us);
  out.key("total_ms");
  write_ms(out, of.total_us);
  out.member("share_of_time", share_of_time(of, span_us, sensors)).key("first");
  of.first_us ? out.time(*of.first_us) : out.value(nullptr);
}

void write_faults(json_writer& out, const fault_figures& of) {
  out.begin_object().member("known", of.faults).member("found", of.found).member("missed", of.missed());
  out.member("firings", of.firings).member("right", of.right);
  out.member("precision", of.precision()).member("recall", of.recall()).key("median_delay_ms");
  of.median_delay_us ? write_ms(out, *of.median_delay_us) : void(out.value(nullptr));
  out.end_object();
}

/// Of sensors or machines, those with the most firings.
std::vector<std::pair<std::uint32_t, firing_figures>> most_fired(const std::map<std::uint32_t, firing_figures>& by) {
  std::vector<std::pair<std::uint32_t, firing_figures>> all(by.begin(), by.end());
  std::ranges::stable_sort(all, [](const auto& a, const auto& b) { return a.second.count > b.second.count; });
  if (all.size() > most_sensors) all.resize(most_sensors);
  return all;
}

void write_line(json_writer& out, const backtest_line& line, const backtest_result& of, const sensor_names& names) {
  const auto span_us = of.end_us - of.begin_us;
  out.begin_object().member("source", to_text(line.source)).key("rule_id");
  line.rule != 0 ? out.value(line.rule) : out.value(nullptr);
  out.key("pipeline");
  if (line.pipeline) {
    out.begin_object().key("id");
    line.pipeline->id != 0 ? out.value(line.pipeline->id) : out.value(nullptr);
    out.member("name", std::string_view(line.pipeline->name)).end_object();
  } else {
    out.value(nullptr);
  }
  out.member("name", std::string_view(line.name)).member("draft", line.draft).member("sensors", line.sensors);
  write_figures(out, line.all, span_us, line.sensors);
  out.key("faults");
  line.faults ? write_faults(out, *line.faults) : void(out.value(nullptr));
  out.key("over_time").begin_array();
  for (const auto count : line.over_time) out.value(count);
  out.end_array().key("by_sensor").begin_array();
  for (const auto& [sensor, figures] : most_fired(line.by_sensor)) {
    out.begin_object().key("sensor_id");
    of.drafted_names.contains(sensor) ? out.value(nullptr) : out.value(sensor);
    out.member("name", std::string_view(names(sensor)));
    write_figures(out, figures, span_us, 1);
    out.end_object();
  }
  out.end_array().key("by_machine").begin_array();
  for (const auto& [machine, figures] : most_fired(line.by_machine)) {
    const auto name = of.machine_names.find(machine);
    out.begin_object().member("machine_id", machine);
    out.member("name", name == of.machine_names.end() ? std::string_view() : std::string_view(name->second));
    write_figures(out, figures, span_us, 1);
    out.end_object();
  }
  out.end_array().end_object();
}

void write_values(json_writer& out, const summary& of) {
  out.member("count", of.count).key("min");
  of.count != 0 ? out.value(of.min) : out.value(nullptr);
  out.key("max");
  of.count != 0 ? out.value(of.max) : out.value(nullptr);
  out.key("mean");
  of.count != 0 ? out.value(of.mean()) : out.value(nullptr);
}

void write_series(json_writer& out, const drafted_series& series) {
  out.begin_object().member("pipeline", std::string_view(series.pipeline)).member("name", std::string_view(series.sensor));
  out.member("unit", std::string_view(series.unit));
  write_values(out, series.all);
  out.key("over_time").begin_array();
  for (const auto& part : series.over_time) {
    out.begin_object();
    write_values(out, part);
    out.end_object();
  }
  out.end_array().end_object();
}

}  // namespace

std::string title_of(const backtest_line& line) {
  std::string out = line.draft ? "draft: " : "";
  if (line.pipeline) out += "pipeline " + line.pipeline->name + ": ";
  if (line.source == event_source::alert_rule) out += line.rule != 0 ? fmt::format("rule {} ", line.rule) : "rule ";
  return out + line.name;
}

std::string left_out_text(const backtest_result& result) {
  if (result.faults_left_out == 0) return {};
  return fmt::format("{} older confirmed anomal{} left out: a backtest takes {} known faults", result.faults_left_out,
                     result.faults_left_out == 1 ? "y was" : "ies were", limits::backtest_faults);
}

std::string digest_text(std::uint64_t digest) { return fmt::format("{:016x}", digest); }

sensor_names names_in(const backtest_result& result, const sensor_names& known) {
  return [&result, &known](sensor_id sensor) {
    const auto drafted = result.drafted_names.find(sensor);
    return drafted == result.drafted_names.end() ? known(sensor) : drafted->second;
  };
}

void write_json(json_writer& out, const backtest_result& result, const sensor_names& known) {
  const auto names = names_in(result, known);
  out.begin_object().time_member("from", result.begin_us).time_member("to", result.end_us);
  out.member("sensors", result.sensors).member("readings", result.readings).member("findings", result.findings);
  out.member("known_faults", result.faults).member("known_faults_most", limits::backtest_faults);
  out.member("known_faults_left_out", result.faults_left_out).member("seconds", result.seconds);
  out.member("digest", std::string_view(digest_text(result.digest))).key("differences").begin_array();
  for (const auto& each : result.differences) out.value(std::string_view(each));
  out.end_array().key("lines").begin_array();
  for (const auto& each : result.lines) write_line(out, each, result, names);
  out.end_array().key("drafted").begin_array();
  for (const auto& each : result.drafted) write_series(out, each);
  out.end_array().end_object();
}

void write_json(json_writer& out, const rule_preview& of) {
  const auto write_fired = [&out](const firing_figures& fired) {
    out.member("count", fired.count).key("longest_ms");
    write_ms(out, fired.longest_us);
    out.key("total_ms");
    write_ms(out, fired.total_us);
    out.key("first");
    fired.first_us ? out.time(*fired.first_us) : out.value(nullptr);
  };
  out.begin_object().member("text", std::string_view(of.text)).member("readings", of.readings).key("fired").begin_object();
  write_fired(of.fired);
  out.end_object().key("firings").begin_array();
  for (const auto& each : of.first) {
    out.begin_object().time_member("from", each.begin_us).time_member("to", each.end_us).member("open", each.open).end_object();
  }
  out.end_array().key("usual");
  if (of.usual) {
    out.begin_object().member("share", usual_share).member("low", of.usual->low).member("high", of.usual->high);
    out.member("min", of.usual->min).member("max", of.usual->max).end_object();
  } else {
    out.value(nullptr);
  }
  out.key("proposals").begin_array();
  for (const auto& each : of.proposals) {
    out.begin_object().member("low", each.low).member("high", each.high).member("deadband", each.deadband);
    write_fired(each.fired);
    out.end_object();
  }
  out.end_array().end_object();
}

}  // namespace factory
