#include "actors/jobs/jobs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "actors/jobs/job_report.hpp"
#include "pipelines/detect/z_score.hpp"
#include "storage/catalog/retention.hpp"

namespace factory {

namespace {

using sentence = expected<std::string>;

/// Visits every sensor that answers, until `visit` fails or the service stops.
template <class Visit>
expected<std::uint64_t> each_sensor(const job_parts& parts, const std::atomic<bool>& stopping, const time_range& heads,
                                    Visit visit) {
  const auto known = parts.entities.known_sensors();
  std::uint64_t visited = 0;
  for (sensor_id sensor = 1; sensor < known->bound(); ++sensor) {
    if (!known->contains(sensor)) continue;
    if (stopping) return fail(errc::stopping, "stopped before its end");
    const auto cut = parts.cut(sensor, heads);
    if (!cut) continue;  // deleted, or being restarted: next time
    if (expected<void> done = visit(*cut); !done) return tl::unexpected(done.error());
    ++visited;
  }
  return visited;
}

constexpr time_range everything{};
constexpr time_range no_rows{0, 0};

retention kept_by(const job_parts& parts, const job_config& config, sensor_id sensor) {
  return retention::at(parts.now_us(), parts.entities.retention_of(sensor), config.retention_us);
}

sentence roll_up(const job_parts& parts, const std::atomic<bool>& stopping) {
  std::uint64_t minutes = 0;
  const auto sensors = each_sensor(parts, stopping, everything, [&](const sensor_cut& cut) -> expected<void> {
    const auto taken = parts.rollups.refresh(parts.series, cut);
    if (!taken) return tl::unexpected(taken.error());
    minutes += *taken;
    return {};
  });
  if (!sensors) return tl::unexpected(sensors.error());
  return fmt::format("{} minutes of {} sensors rolled up", minutes, *sensors);
}

/// Asks no sensor: rows in its memory are younger than its blocks, or a later run drops them once they are in a block.
sentence retain_readings(const job_parts& parts, std::int64_t retention_us, const std::atomic<bool>& stopping) {
  const std::int64_t now_us = parts.now_us();
  const auto known = parts.entities.known_sensors();
  std::uint64_t readings = 0, sensors = 0;
  for (sensor_id sensor = 1; sensor < known->bound(); ++sensor) {
    if (!known->contains(sensor)) continue;
    if (stopping) return fail(errc::stopping, "stopped before its end");
    const auto kept = retention::at(now_us, parts.entities.retention_of(sensor), retention_us);
    if (kept.for_ever()) continue;
    ++sensors;
    if (auto done = parts.rollups.drop_before(sensor, kept.from_us); !done) return tl::unexpected(done.error());
    const auto dropped = parts.series.drop_before(sensor, kept.from_us);
    if (!dropped) return tl::unexpected(dropped.error());
    readings += *dropped;
  }
  if (sensors == 0) return "readings are kept for ever: nothing to do";
  return fmt::format("{} readings of {} sensors dropped", readings, sensors);
}

sentence retain(const job_parts& parts, const job_config& config, const std::atomic<bool>& stopping) {
  auto told = retain_readings(parts, config.retention_us, stopping);
  if (!told || config.event_retention_us == 0) return told;
  const auto dropped = parts.drop_events(parts.now_us() - config.event_retention_us, stopping);
  if (!dropped) return tl::unexpected(dropped.error());
  return fmt::format("{}; {} events dropped", *told, *dropped);
}

sentence scan(const job_parts& parts, const job_config& config, const std::atomic<bool>& stopping) {
  std::uint64_t readings = 0, anomalies = 0, with_anomalies = 0, most = 0;
  sensor_id worst = 0;
  const auto sensors = each_sensor(parts, stopping, everything, [&](const sensor_cut& cut) -> expected<void> {
    const auto newest =
        parts.series.newest(cut, kept_by(parts, config, cut.sensor).visible({}), config.scan_readings, asker::background);
    if (!newest) return tl::unexpected(newest.error());
    const std::uint64_t found = analyze(newest->value, config.scan_threshold).anomalies.size();
    readings += newest->size();
    anomalies += found;
    with_anomalies += found != 0 ? 1 : 0;
    if (found > most) {
      most = found;
      worst = cut.sensor;
    }
    return {};
  });
  if (!sensors) return tl::unexpected(sensors.error());
  auto told =
      fmt::format("{} anomalies (|z| > {}) in {} readings of {} sensors", anomalies, config.scan_threshold, readings, *sensors);
  if (most != 0) told += fmt::format("; {} sensors have some, most has sensor {} ({})", with_anomalies, worst, most);
  return told;
}

sentence rewrite(const job_parts& parts, const job_config& config, const std::atomic<bool>& stopping) {
  std::uint64_t blocks = 0;
  const auto sensors = each_sensor(parts, stopping, no_rows, [&](const sensor_cut& cut) -> expected<void> {
    const auto rewritten = parts.series.rewrite(cut.sensor, cut.next_block, kept_by(parts, config, cut.sensor).borders());
    if (!rewritten) return tl::unexpected(rewritten.error());
    blocks += *rewritten;
    return {};
  });
  if (!sensors) return tl::unexpected(sensors.error());
  return fmt::format("{} blocks of {} sensors joined", blocks, *sensors);
}

}  // namespace

std::vector<job> background_jobs(const job_parts& parts, const job_config& config) {
  using stop = std::atomic<bool>;
  std::vector<job> all{
      {"rollup", config.rollup_every_us, [parts](const stop& stopping, asked_by) { return roll_up(parts, stopping); }},
      {"retention", config.retention_every_us,
       [parts, config](const stop& stopping, asked_by) { return retain(parts, config, stopping); }},
      {"anomaly_scan", config.anomaly_scan_every_us,
       [parts, config](const stop& stopping, asked_by) { return scan(parts, config, stopping); }},
      {"daily_report", config.report_every_us,
       [parts, write = config.write_report](const stop& stopping, asked_by who) {
         return report_yesterday(parts, write, stopping, who);
       }},
      {"rewrite", config.rewrite_every_us,
       [parts, config](const stop& stopping, asked_by) { return rewrite(parts, config, stopping); }},
  };
  if (!config.write_report) std::erase_if(all, [](const job& each) { return each.name == "daily_report"; });
  return all;
}

}  // namespace factory
