#include "storage/mirror/mirror.hpp"
#include "storage/mirror/mirror_file.hpp"

#include <fmt/format.h>

#include <cmath>

#include "pipelines/model/time.hpp"

namespace factory {

namespace {

void write_entry(sqlite_file& sql, const factory_entry& e) {
  sql.run("INSERT INTO factories (id, name, location, created_at, created_at_us, retention_days) VALUES (?, ?, ?, ?, ?, ?)", e.id,
          e.name, e.location, format_time(e.created_at_us), e.created_at_us, e.retention);
}
void write_entry(sqlite_file& sql, const machine_entry& e) {
  sql.run(
      "INSERT INTO machines (id, factory_id, name, type, status, created_at, created_at_us, retention_days) VALUES (?, ?, ?, ?, "
      "?, ?, ?, ?)",
      e.id, e.factory, e.name, e.type, to_text(e.status), format_time(e.created_at_us), e.created_at_us, e.retention);
  for (const label& one : e.labels)
    sql.run("INSERT INTO machine_labels (machine_id, key, value) VALUES (?, ?, ?)", e.id, one.key, one.value);
}
void write_entry(sqlite_file& sql, const sensor_entry& e) {
  sql.run(
      "INSERT INTO sensors (id, machine_id, name, unit, min_threshold, max_threshold, created_at, created_at_us, retention_days) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      e.id, e.machine, e.name, e.unit, e.thresholds.min, e.thresholds.max, format_time(e.created_at_us), e.created_at_us,
      e.retention);
  for (const label& one : e.labels)
    sql.run("INSERT INTO sensor_labels (sensor_id, key, value) VALUES (?, ?, ?)", e.id, one.key, one.value);
}
std::optional<double> if_finite(double limit) { return std::isfinite(limit) ? std::optional(limit) : std::nullopt; }

void write_discipline(sqlite_file& sql, const alert_rule& e) {
  const auto& o = e.options;
  sql.run(
      "UPDATE alert_rules SET latch = ?, suppressed_by = ?, re_alarm_ms = ?, silence_ms = ?, low_low = ?, high_high = ?, "
      "schedule = ? WHERE id = ?",
      o.latch, o.suppressed_by != 0 ? std::optional(o.suppressed_by) : std::nullopt, o.re_alarm_us / 1'000, o.silence_us / 1'000,
      if_finite(o.low_low), if_finite(o.high_high), o.schedule.always() ? std::nullopt : std::optional(to_text(o.schedule)),
      e.id);
}

std::string ids_text(const std::vector<channel_id>& ids) {
  std::string out;
  for (const auto id : ids) out += (out.empty() ? "" : " ") + std::to_string(id);
  return out;
}
std::string steps_text(const std::vector<escalation_step>& steps) {
  std::string out;
  for (const auto& each : steps)
    out += fmt::format("{}{} ms {} {}", out.empty() ? "" : "; ", each.after_us / 1'000, to_text(each.level),
                       ids_text(each.channels));
  return out;
}

void write_anomalies_and_routing(sqlite_file& sql, const alert_rule& e) {
  const auto& which = e.options.anomalies;
  const bool is_about_them = e.condition == rule_condition::anomaly;
  const auto if_about = [is_about_them](auto value) { return is_about_them ? std::optional(std::move(value)) : std::nullopt; };
  const auto if_any = [](std::string text) { return text.empty() ? std::nullopt : std::optional(std::move(text)); };
  sql.run("UPDATE alert_rules SET min_score = ?, min_severity = ?, detectors = ?, channels = ?, escalation = ? WHERE id = ?",
          if_about(which.score), if_about(std::string(to_text(which.level))), if_about(detectors_text(which.detectors)),
          if_any(ids_text(e.routing.channels)), if_any(steps_text(e.routing.escalation)), e.id);
}

void write_entry(sqlite_file& sql, const alert_rule& e) {
  const auto& o = e.options;
  sql.run(
      "INSERT INTO alert_rules (id, sensor_id, name, condition, low, high, severity, enabled, deadband, on_delay_ms, "
      "off_delay_ms, "
      "count_of, priority, message, instructions, selector, overrides) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
      "?)",
      e.id, e.sensor != 0 ? std::optional(e.sensor) : std::nullopt, e.name, to_text(e.condition), e.low, e.high, to_text(e.level),
      e.enabled, fmt::format("{}{}", o.deadband, o.deadband_in_percent ? "%" : ""), o.on_delay_us / 1'000, o.off_delay_us / 1'000,
      fmt::format("{}/{}", o.count, o.of), o.priority != 0 ? std::optional(o.priority) : std::nullopt, o.message, o.instructions,
      e.as_template ? std::optional(to_text(e.as_template->sensors)) : std::nullopt,
      e.as_template ? to_text(e.as_template->overrides) : std::string());
  write_discipline(sql, e);
  write_anomalies_and_routing(sql, e);
}

/// Entries are deleted and inserted, not updated, so that a name can move between entries within one delta. References are
/// checked only at the commit.
template <class Entry>
void write_entries(sqlite_file& sql, const char* deletion, const std::vector<Entry>& present,
                   const std::vector<std::uint32_t>& removed) {
  for (const Entry& entry : present) sql.run(deletion, entry.id);
  for (const std::uint32_t id : removed) sql.run(deletion, id);
  for (const Entry& entry : present) write_entry(sql, entry);
}

std::optional<std::string> text_of(const std::optional<event>& e) {
  if (!e) return {};
  return format_time(e->at_us);
}
std::optional<std::int64_t> time_of(const std::optional<event>& e) {
  if (!e) return {};
  return e->at_us;
}

std::optional<std::string> shelved_until(const finding& alert) {
  const auto* const hush = hush_of(alert);
  if (hush == nullptr || hush->until_us == 0) return {};
  return format_time(hush->until_us);
}
std::optional<std::string> comment_of(const finding& alert) {
  const auto* const said = alert.acknowledged ? alert.acknowledged->alarm() : nullptr;
  if (said == nullptr || said->comment.empty()) return {};
  return said->comment;
}
std::optional<std::string> step_of(const finding& alert) {
  const auto* const stepped = alert.newest_of(event_kind::alert_stepped);
  const auto* const said = (stepped != nullptr ? *stepped : *alert.stated).alarm();
  if (said == nullptr || said->step.empty()) return {};
  return said->step;
}

}  // namespace

void write_delta(sqlite_file& sql, const catalog_delta& delta) {
  if (delta.complete) sql.exec("DELETE FROM alert_rules; DELETE FROM sensors; DELETE FROM machines; DELETE FROM factories;");
  write_entries(sql, "DELETE FROM factories WHERE id = ?", delta.factories, delta.removed_factories);
  write_entries(sql, "DELETE FROM machines WHERE id = ?", delta.machines, delta.removed_machines);
  write_entries(sql, "DELETE FROM sensors WHERE id = ?", delta.sensors, delta.removed_sensors);
  write_entries(sql, "DELETE FROM alert_rules WHERE id = ?", delta.rules, delta.removed_rules);
  for (const sensor_id id : delta.removed_sensors) sql.run("DELETE FROM series WHERE sensor_id = ?", id);
  if (delta.complete) sql.exec("DELETE FROM series WHERE sensor_id NOT IN (SELECT id FROM sensors)");
}

/// The row stands at the sequence of the event that states it; an anomaly that is stated anew moves.
void write_anomaly(sqlite_file& sql, const finding& anomaly) {
  const event& stated = *anomaly.stated;
  const std::string id = finding_id(stated.key);
  if (stated.key.kind != event_kind::anomaly || stated.key.revision != 0 || !anomaly.holds())
    sql.run("DELETE FROM anomalies WHERE id = ?", id);
  if (!anomaly.holds()) return;
  const event& now = anomaly.newest();
  std::optional<double> z_score, mean, std_dev, threshold, expected, low, high, score;
  std::optional<std::string> what;
  std::int64_t begin_us = stated.at_us, end_us = stated.at_us;
  std::uint64_t count = 1;
  if (const auto* const figures = std::get_if<z_score_detail>(&now.detail)) {
    z_score = figures->z_score;
    mean = figures->mean;
    std_dev = figures->std_dev;
    threshold = figures->threshold;
  }
  if (const auto* const episode = std::get_if<episode_detail>(&now.detail)) {
    expected = episode->expected;
    low = episode->low;
    high = episode->high;
    score = episode->score;
    what = episode->what;
    begin_us = episode->begin_us;
    end_us = episode->end_us;
    count = episode->count;
  }
  sql.run(
      "INSERT OR REPLACE INTO anomalies (sequence, id, sensor_id, value, z_score, mean, std_dev, threshold, severity, "
      "detected_at, "
      "detected_at_us, detector, what, open, ended_at, ended_at_us, reading_count, expected, low, high, score, explanation) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      stated.sequence, id, stated.key.sensor, now.value, z_score, mean, std_dev, threshold, to_text(now.level),
      format_time(begin_us), begin_us, to_text(stated.key.source), what, anomaly.open(), format_time(end_us), end_us, count,
      expected, low, high, score, now.explanation);
}

void write_history(sqlite_file& sql, const event& e) {
  const auto* const said = e.alarm();
  const auto if_any = [](std::string_view text) { return text.empty() ? std::nullopt : std::optional(std::string(text)); };
  sql.run(
      "INSERT OR REPLACE INTO alert_history (sequence, alert_id, kind, severity, value, at, at_us, recorded_at, by_whom, hushed, "
      "until, comment) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      e.sequence, finding_id(e.key), to_text(e.key.kind), to_text(e.level), e.value, format_time(e.at_us), e.at_us,
      format_time(e.recorded_at_us), if_any(e.who), if_any(said != nullptr ? said->hushed : ""),
      said != nullptr && said->until_us != 0 ? std::optional(format_time(said->until_us)) : std::nullopt,
      if_any(said != nullptr ? said->comment : ""));
}

void write_alert(sqlite_file& sql, const finding& alert) {
  const event& raised = *alert.stated;
  if (!alert.holds()) {
    sql.run("DELETE FROM alerts WHERE id = ?", finding_id(raised.key));
    return;
  }
  std::optional<rule_id> rule;
  if (raised.key.rule != 0) rule = raised.key.rule;
  std::optional<double> cleared_value;
  if (alert.ended) cleared_value = alert.ended->value;
  std::optional<std::string> who;
  if (alert.acknowledged) who = alert.acknowledged->who;
  const auto peak = peak_of(alert);
  sql.run(
      "INSERT OR REPLACE INTO alerts (id, sensor_id, source, rule_id, state, severity, value, limit_value, raised_at, "
      "raised_at_us, "
      "cleared_at, cleared_at_us, cleared_value, acknowledged_at, acknowledged_at_us, acknowledged_by, sequence, alarm_state, "
      "shelved_until, comment, step, peak, peak_at, peak_at_us) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      finding_id(raised.key), raised.key.sensor, to_text(raised.key.source), rule, alert.open() ? "active" : "cleared",
      to_text(level_of(alert)), raised.value, raised.limit(), format_time(raised.at_us), raised.at_us, text_of(alert.ended),
      time_of(alert.ended), cleared_value, text_of(alert.acknowledged), time_of(alert.acknowledged), who, raised.sequence,
      to_text(state_of(alert)), shelved_until(alert), comment_of(alert), step_of(alert), peak.value, format_time(peak.at_us),
      peak.at_us);
}

void drop_findings(sqlite_file& sql, std::int64_t over_before_us) {
  sql.run("DELETE FROM anomalies WHERE open = 0 AND ended_at_us < ?", over_before_us);
  sql.run("DELETE FROM alerts WHERE state = 'cleared' AND cleared_at_us < ?", over_before_us);
}

void write_series(sqlite_file& sql, const series_row& row) {
  sql.run(
      "INSERT OR REPLACE INTO series (sensor_id, reading_count, first_at, first_at_us, last_at, last_at_us, latest_value) "
      "VALUES (?, ?, ?, ?, ?, ?, ?)",
      row.sensor, row.count, format_time(row.first_us), row.first_us, format_time(row.last_us), row.last_us, row.last_value);
}

}  // namespace factory
