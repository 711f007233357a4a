#include "http/calls/explanation.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "http/calls/machine_explanation.hpp"
#include "http/edge/limits.hpp"
#include "http/text/event_json.hpp"
#include "pipelines/judge/recompute.hpp"
#include "pipelines/model/reading_flags.hpp"

namespace factory {

namespace {

constexpr std::int64_t around_us = 600'000'000;  ///< before its begin and behind its end: what began then may belong to it
constexpr std::size_t most_others = 100;

/// Where the finding stands so far: the newest reading that it speaks of.
std::int64_t newest_of(const finding& anomaly) {
  const auto* const episode = std::get_if<episode_detail>(&anomaly.newest().detail);
  return std::max(anomaly.newest().at_us, episode != nullptr ? episode->end_us : INT64_MIN);
}

void write_figures(json_writer& out, const finding& again, std::size_t readings) {
  const event& now = again.newest();
  out.begin_object().member("value", now.value);
  write_members(out, now.detail);
  out.member("severity", to_text(now.level)).member("readings", readings).end_object();
}

/// The flags of the reading with the highest score, as it is stored now.
void write_peak_flags(json_writer& out, const reading_run& rows, std::int64_t peak_us) {
  const auto at = std::ranges::lower_bound(rows.event_time_us, peak_us);
  const auto row = static_cast<std::size_t>(at - rows.event_time_us.begin());
  out.begin_array();
  if (row < rows.size() && rows.event_time_us[row] == peak_us) {
    for (const auto& [bit, name] : flag_names)
      if ((rows.flags[row] & bit) != 0) out.value(name);
  }
  out.end_array();
}

std::vector<time_range> rests_of(const query_port& behind, sensor_id sensor) {
  const auto overlay = behind.corrections().overlay_of(sensor);
  return overlay ? overlay->rests() : std::vector<time_range>();
}

/// Runs the detectors over what is stored, as far back as the bound reaches.
expected<void> write_recomputed(json_writer& out, ports& behind, const finding& anomaly) {
  const event& stated = *anomaly.stated;
  const auto sensor = behind.entities().find_sensor(stated.key.sensor);
  if (!sensor) {
    out.member("recomputed", false).key("agrees").value(nullptr).member("reason", "the sensor was deleted");
    return {};
  }
  auto rows = behind.readings(sensor->id, {INT64_MIN, newest_of(anomaly) + 1}, limits::explained_readings, true);
  if (!rows) return tl::unexpected(std::move(rows.error()));
  std::ranges::reverse(rows->event_time_us);  // the newest were asked for
  std::ranges::reverse(rows->value);
  std::ranges::reverse(rows->flags);
  const bool is_whole = rows->size() < limits::explained_readings;
  const auto again =
      recompute(stated.key, sensor->stream ? **sensor->stream : behind.usual_stream_rules(), *rows, rests_of(behind, sensor->id));
  const bool agrees = again && same_figures(*again, anomaly);
  const auto* const episode = std::get_if<episode_detail>(&anomaly.newest().detail);
  out.member("recomputed", again.has_value()).key("agrees");
  again ? out.value(agrees) : out.value(nullptr);
  if (!again)
    out.member("reason",
               is_whole ? "the stored readings alone do not bring it about: readings were deleted, corrected or came late since, "
                          "settings were changed, or it was told by the clock"
                        : "the newest readings up to it, of which so many are looked at, do not bring it about without what was "
                          "learned before");
  else if (!agrees)
    out.member("reason", is_whole ? "readings or settings were changed since, or it goes on"
                                  : "what was learned from readings before those looked at is missing");
  if (again) {
    out.key("figures");
    write_figures(out, *again, rows->size());
  }
  out.key("flags");
  write_peak_flags(out, *rows, episode != nullptr ? episode->peak_us : stated.at_us);
  return {};
}

/// Anomalies of the machine's other sensors, and of the machine, about the same time.
expected<void> write_others(json_writer& out, ports& behind, const finding& anomaly) {
  const event_key& key = anomaly.stated->key;
  const auto sensor = behind.entities().find_sensor(key.sensor);
  const auto machine = key.sensor == 0 ? key.rule : sensor ? sensor->machine : machine_id{0};
  out.key("others").begin_array();
  anomaly_query asked;
  asked.range = {key.event_time_us - around_us, newest_of(anomaly) + around_us};
  asked.limit = most_others;
  asked.among = [&](const event_key& other) {
    if (other.sensor == 0) return other.source == event_source::machine && other.rule == machine && key.sensor != 0;
    const auto known = behind.entities().find_sensor(other.sensor);
    return other.sensor != key.sensor && known && known->machine == machine;
  };
  auto found = behind.events().anomalies(asked);
  if (!found) return tl::unexpected(std::move(found.error()));
  if (machine != 0)
    for (const finding& each : found->rows) write_anomaly(out, each);
  out.end_array();
  return {};
}

}  // namespace

expected<http_response> explain_anomaly(ports& behind, const finding& anomaly) {
  json_writer out;
  out.begin_object().key("anomaly");
  write_anomaly(out, anomaly);
  const auto* const episode = std::get_if<episode_detail>(&anomaly.newest().detail);
  out.member("detector_version", episode != nullptr ? episode->detector_version : 1U);
  out.member("window_count", episode != nullptr ? std::optional(episode->window_count) : std::nullopt);
  if (anomaly.stated->key.sensor == 0) {
    if (auto done = write_machine_explanation(out, behind, anomaly); !done) return fail_with(done.error());
  } else if (auto done = write_recomputed(out, behind, anomaly); !done) {
    return fail_with(done.error());
  }
  if (auto done = write_others(out, behind, anomaly); !done) return fail_with(done.error());
  out.end_object();
  return json_response(out);
}

}  // namespace factory
