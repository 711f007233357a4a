#include "http/calls/machine_explanation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "http/edge/limits.hpp"
#include "http/text/event_json.hpp"
#include "pipelines/judge/recompute.hpp"
#include "pipelines/machine/machine_history.hpp"

namespace factory {

namespace {

constexpr std::size_t most_named = 3;
constexpr double least_named = 0.02;  ///< share of the score

struct machine_past {
  std::optional<machine_recomputation> found;
  std::string reason;  ///< why not
  std::size_t readings = 0;
};

/// Where the finding stands so far, and the cell of its newest row whole.
std::int64_t end_of(const finding& anomaly) {
  const auto* const episode = std::get_if<episode_detail>(&anomaly.newest().detail);
  return std::max(anomaly.newest().at_us, episode != nullptr ? episode->end_us : INT64_MIN) + machine_cell::length_us;
}

std::int64_t begin_of(const machine_mark& mark, std::size_t sensors) {
  return machine_cell::begin_us(machine_cell::of_place(mark.place, sensors));
}

/// Runs the machine detector over what is stored: from a mark before it, else from where it began to learn.
expected<machine_past> look_back(ports& behind, const finding& anomaly) {
  const event_key& key = anomaly.stated->key;
  machine_past past;
  const auto watch = behind.watch_of(key.rule);
  const auto view = watch && watch->seen ? watch->seen->machine : nullptr;
  if (view == nullptr) {
    past.reason = "the machine is not watched now: it was deleted, has fewer than two sensors, or its detector is switched off";
    return past;
  }
  const bool is_of_now = view->learning_since_us != INT64_MIN && view->learning_since_us <= key.event_time_us;
  const auto since_us = is_of_now ? view->learning_since_us : INT64_MIN;
  const auto mark = behind.mark_before(key.rule, key.event_time_us);
  if (!mark) return tl::unexpected(mark.error());
  const time_range range{*mark       ? begin_of(**mark, watch->sources.size())
                         : is_of_now ? since_us - machine_cell::carried_us
                                     : INT64_MIN,
                         end_of(anomaly)};
  machine_history history(watch->sources);
  const auto add = [&](std::size_t sensor, const correction_overlay* corrections, reading_run rows) {
    for (std::size_t row = 0; corrections != nullptr && row < rows.size(); ++row)
      if (corrections->is_at_rest(rows.event_time_us[row])) rows.flags[row] |= flag_excluded;
    history.add(sensor, rows);
  };
  for (std::size_t i = 0; i < watch->sources.size(); ++i) {
    const auto corrections = behind.corrections().overlay_of(watch->sources[i]);
    auto scanned = behind.scan(watch->sources[i], range, [&](const reading_run& rows) {
      past.readings += rows.size();
      add(i, corrections.get(), rows);
      return past.readings <= limits::explained_machine_readings;
    });
    if (!scanned) return tl::unexpected(std::move(scanned.error()));
    if (past.readings <= limits::explained_machine_readings) continue;
    past.reason = fmt::format("it rests on more than the {} readings that are looked at", limits::explained_machine_readings);
    return past;
  }
  past.found = *mark ? history.recompute_from((*mark)->place, (*mark)->judge, key)
                     : history.recompute(key, {machine_learn_us, view->sensitivity}, since_us);
  if (!past.found)
    past.reason = is_of_now || *mark
                      ? "the stored readings do not bring it about: readings were deleted since, what came of a correction "
                        "or of late readings "
                        "is still under way, or the sensitivity was changed"
                      : "the machine was learned anew since, and the stored readings do not bring it about";
  return past;
}

std::string name_of(const ports& behind, sensor_id id) {
  const auto sensor = behind.entities().find_sensor(id);
  return sensor ? sensor->name : fmt::format("sensor {}", id);
}

std::string unit_of(const ports& behind, sensor_id id) {
  const auto sensor = behind.entities().find_sensor(id);
  return sensor && !sensor->unit.empty() ? " " + sensor->unit : "";
}

/// One for people: which sensors, where they are, where they would be, and how far that is beyond what is usual.
std::string sentence_of(const ports& behind, const finding& anomaly, const machine_recomputation& found) {
  const auto machine = behind.entities().find_machine(anomaly.stated->key.rule);
  std::string text = fmt::format("{}: its sensors did not go together as they do when it runs calmly",
                                 machine ? machine->name : fmt::format("Machine {}", anomaly.stated->key.rule));
  std::size_t named = 0;
  for (const auto& each : found.sensors) {
    if (named == most_named || each.share < least_named || !each.value) continue;
    text += fmt::format("{} {} ({:.0f} % of it) was at {:.6g}{} where {:.6g} is usual", named++ == 0 ? ":" : ",",
                        name_of(behind, each.sensor), 100 * each.share, *each.value, unit_of(behind, each.sensor), each.expected);
  }
  const auto& [t2, t2_bound, q, q_bound] = found.at_peak;
  return text + fmt::format("; T2 was {:.3g} and Q {:.3g} times its bound", t2 / t2_bound, q / q_bound);
}

void write_statistic(json_writer& out, std::string_view name, double value, double bound) {
  out.key(name).begin_object().member("value", value).member("bound", bound).end_object();
}

void write_found(json_writer& out, const ports& behind, const machine_past& past) {
  const auto& found = *past.found;
  const event& now = found.again.newest();
  const auto* const episode = std::get_if<episode_detail>(&now.detail);
  out.key("figures").begin_object();
  out.time_member("begin", now.key.event_time_us).time_member("peak_at", episode != nullptr ? episode->peak_us : now.at_us);
  out.member("score", episode != nullptr ? episode->score : 0).member("count", episode != nullptr ? episode->count : 0);
  out.member("severity", to_text(now.level)).member("readings", past.readings);
  write_statistic(out, "t2", found.at_peak.t2, found.at_peak.t2_bound);
  write_statistic(out, "q", found.at_peak.q, found.at_peak.q_bound);
  out.end_object().key("learned").begin_object();
  out.time_member("since", found.learning_since_us).member("rows", found.learned_rows).end_object();
  out.key("sensors").begin_array();
  for (const auto& each : found.sensors) {
    const auto figure = [&](double value) { return each.is_judged ? std::optional(value) : std::nullopt; };
    out.begin_object().member("sensor_id", each.sensor).member("name", name_of(behind, each.sensor));
    out.member("judged", each.is_judged).member("share", each.share).member("value", each.value);
    out.member("expected", figure(each.expected)).member("spread", figure(each.spread)).end_object();
  }
  out.end_array();
}

}  // namespace

expected<void> write_machine_explanation(json_writer& out, ports& behind, const finding& anomaly) {
  const auto past = look_back(behind, anomaly);
  if (!past) return tl::unexpected(past.error());
  out.member("recomputed", past->found.has_value()).key("agrees");
  const bool agrees = past->found && same_figures(past->found->again, anomaly);
  past->found ? out.value(agrees) : out.value(nullptr);
  if (!agrees)
    out.member("reason", past->found ? "readings or the sensitivity were changed since, came late, or it goes on" : past->reason);
  if (past->found) {
    write_found(out, behind, *past);
    out.member("sentence", sentence_of(behind, anomaly, *past->found));
  }
  return {};
}

}  // namespace factory
