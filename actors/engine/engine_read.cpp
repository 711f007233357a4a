#include <malloc.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "actors/engine/engine_impl.hpp"
#include "actors/engine/limits.hpp"
#include "storage/catalog/retention.hpp"

namespace factory {

expected<sensor_view> engine::impl::view(sensor_id id, const time_range& range, view_more more) const {
  if (!entities->known_sensors()->contains(id)) return fail(errc::not_found, "Sensor not found");
  auto asked = sensors->ask(id, range, more);
  if (!asked) return tl::unexpected(std::move(asked.error()));
  return asked->wait_for(limits::query_deadline_ms);
}

/// Retention as of now: what is older is not given out, whatever block or head still holds it.
time_range engine::impl::visible(sensor_id id, const time_range& asked) const {
  return retention::at(wall_clock_us(), entities->retention_of(id), config.jobs.retention_us).visible(asked);
}

expected<reply<sensor_view>::waiter> engine::impl::ask(sensor_id id, const time_range& range) const {
  if (!entities->known_sensors()->contains(id)) return fail(errc::not_found, "Sensor not found");
  return sensors->ask(id, visible(id, range));
}

shared_overlay engine::impl::overlay_of(sensor_id id, reading_form as) const {
  return as.corrected ? corrections->overlay_of(id) : nullptr;
}

/// The sensor at this instant, for several reads that must agree. `range` selects the rows of the head.
expected<sensor_cut> engine::impl::cut(sensor_id id, const time_range& range, reading_form as) const {
  auto overlay = overlay_of(id, as);
  auto asked = ask(id, range);
  if (!asked) return tl::unexpected(std::move(asked.error()));
  return asked->wait_for(limits::query_deadline_ms).map([&](sensor_view view) {
    view.cut.corrections = std::move(overlay);
    view.cut.without = as.without;
    return std::move(view.cut);
  });
}

expected<reading> engine::latest(sensor_id id, reading_form as) {
  const auto no_readings = [] { return fail(errc::not_found, "Sensor not found or no readings available"); };
  const auto by_rows = [&]() -> expected<reading> {
    const auto rows = newest(id, 1, as);
    if (!rows) return tl::unexpected(rows.error());
    if (rows->empty()) return no_readings();
    return reading{id, rows->event_time_us.front(), rows->value.front(), rows->flags.front()};
  };
  if (as.without != left_out_flags) return by_rows();
  const auto view = impl_->view(id, {0, 0});
  if (!view && view.error().code != errc::not_found) return tl::unexpected(view.error());
  if (!view || !view->latest || view->latest->event_time_us < impl_->visible(id, {}).begin_us) return no_readings();
  const auto corrections = impl_->overlay_of(id, as);
  if (!corrections || !corrections->changes(view->latest->event_time_us)) return *view->latest;
  return by_rows();
}

expected<reading_run> engine::readings(sensor_id id, const time_range& range, std::size_t limit, bool descending,
                                       reading_form as) {
  const auto at = impl_->cut(id, range, as);
  if (!at) return tl::unexpected(at.error());
  return impl_->series->read(*at, impl_->visible(id, range), limit, descending);
}

expected<reading_run> engine::read_on(sensor_id id, const time_range& range, std::size_t about, bool descending,
                                      reading_form as) {
  const auto at = impl_->cut(id, range, as);
  if (!at) return tl::unexpected(at.error());
  return impl_->series->read_on(*at, impl_->visible(id, range), about, descending);
}

expected<void> engine::scan(sensor_id id, const time_range& range, const std::function<bool(const reading_run&)>& visit) {
  const auto at = impl_->cut(id, range);
  if (!at) return tl::unexpected(at.error());
  return impl_->series->scan(*at, impl_->visible(id, range), visit);
}

expected<pending_stats> engine::begin_stats(sensor_id id, const time_range& range, std::vector<double> percentiles,
                                            reading_form as) {
  auto overlay = impl_->overlay_of(id, as);
  return impl_->ask(id, range).map([&](reply<sensor_view>::waiter asked) {
    return pending_stats([parts = impl_.get(), asked = std::move(asked), range, percentiles = std::move(percentiles),
                          overlay = std::move(overlay), without = as.without]() mutable {
      return asked.wait_for(limits::query_deadline_ms).and_then([&](sensor_view view) {
        view.cut.corrections = std::move(overlay);
        view.cut.without = without;
        return parts->summarize(view.cut, range, percentiles);
      });
    });
  });
}

expected<range_stats> engine::impl::summarize(const sensor_cut& at, const time_range& asked,
                                              const std::vector<double>& percentiles) const {
  const time_range range = visible(at.sensor, asked);
  const auto values = aggregates->summarize(at, range);
  if (!values) return tl::unexpected(values.error());
  range_stats stats{at.sensor, *values, {}};
  if (percentiles.empty() || values->count == 0) return stats;
  if (values->count > limits::percentile_readings)
    return fail(errc::invalid, "the range holds too many readings for percentiles; narrow from and to", "percentiles");
  std::vector<double> all;
  all.reserve(values->count);
  auto scanned = series->scan(at, range, [&](const reading_run& run) {
    for (std::size_t row = 0; row < run.size(); ++row)
      if ((run.flags[row] & at.without) == 0) all.push_back(run.value[row]);
    return true;
  });
  if (!scanned) return tl::unexpected(scanned.error());
  for (const auto q : percentiles) stats.percentiles.emplace_back(q, percentile(all, q));
  return stats;
}

expected<std::vector<range_stats>> engine::stats(const std::vector<sensor_id>& ids, const time_range& range) {
  // In waves, so that memory never holds the heads of 100,000 sensors at once. The next wave is asked while this one is summarized.
  constexpr std::size_t wave = 64;
  const auto ask = [&](std::size_t begin) {
    return impl_->sensors->ask(std::span(ids).subspan(begin, std::min(wave, ids.size() - begin)), range);
  };
  std::vector<range_stats> found;
  found.reserve(ids.size());
  std::size_t seen = 0;
  for (auto asked = ask(0); !asked.empty();) {
    auto next = ask(seen + asked.size());
    for (auto& waiter : asked) {
      const sensor_id id = ids[seen++];
      auto view = waiter.and_then([](auto& asked_one) { return asked_one.wait_for(limits::query_deadline_ms); });
      if (!view && view.error().code != errc::unavailable) return tl::unexpected(view.error());
      if (!view) {  // one of many: the others are answered
        if (impl_->entities->known_sensors()->contains(id)) found.push_back({id, {}, {}, false});
        continue;
      }
      view->cut.corrections = impl_->corrections->overlay_of(id);
      const auto values = impl_->aggregates->summarize(view->cut, impl_->visible(id, range));
      if (!values) return tl::unexpected(values.error());
      found.push_back({id, *values, {}});
    }
    asked = std::move(next);
  }
  return found;
}

expected<std::vector<bucket>> engine::aggregate(sensor_id id, const time_range& range, std::int64_t step_us, reading_form as) {
  const auto at = impl_->cut(id, range, as);
  if (!at) return tl::unexpected(at.error());
  return impl_->aggregates->aggregate(*at, impl_->visible(id, range), step_us);
}

expected<sensor_status> engine::status(sensor_id id) {
  auto view = impl_->view(id, {0, 0}, view_more::status);
  if (view) return std::move(*view->status);
  if (view.error().code == errc::unavailable && impl_->sensors->failed().contains(id))
    return fail(errc::unavailable,
                "this sensor has failed and stays down; " + std::to_string(impl_->entries->aside_readings(id)) +
                    " of its readings are set aside, newer ones are in the journal; start factoryd again, which tries "
                    "it anew, or delete the sensor; the log has the reason");
  return tl::unexpected(std::move(view.error()));
}

expected<detection_view> engine::detection(sensor_id id) {
  return impl_->view(id, {0, 0}, view_more::detection).map([](sensor_view view) { return std::move(*view.detection); });
}

std::vector<std::pair<sensor_id, expected<detection_view>>> engine::detection(const std::vector<sensor_id>& ids) {
  auto asked = impl_->sensors->ask(ids, {0, 0}, view_more::detection);
  std::vector<std::pair<sensor_id, expected<detection_view>>> found;
  found.reserve(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    auto view = asked[i].and_then([](auto& one) { return one.wait_for(limits::query_deadline_ms); });
    found.emplace_back(ids[i], view.map([](sensor_view& known) { return std::move(*known.detection); }));
  }
  return found;
}

expected<reading_run> engine::newest(sensor_id id, std::size_t limit, reading_form as) {
  return impl_->cut(id, {}, as).and_then([&](const sensor_cut& at) {
    return impl_->series->newest(at, impl_->visible(id, {}), limit);
  });
}

expected<anomaly_report> engine::anomalies(sensor_id id, std::size_t limit, double threshold, reading_form as) {
  auto entry = impl_->entities->find_sensor(id);
  if (!entry) return tl::unexpected(entry.error());
  const auto rows = newest(id, limit, as);
  if (!rows) return tl::unexpected(rows.error());
  if (rows->empty()) return fail(errc::not_found, "No readings available for analysis");
  const auto analysis = analyze(rows->value, threshold);
  anomaly_report report{std::move(*entry), rows->size(), analysis.stats, {}};
  for (const auto& found : analysis.anomalies)
    report.anomalies.push_back({rows->event_time_us[found.index], rows->value[found.index], found.z_score, found.level});
  return report;
}

expected<alert_report> engine::check_limits(sensor_id id, std::size_t limit, reading_form as) {
  auto entry = impl_->entities->find_sensor(id);
  if (!entry) return tl::unexpected(entry.error());
  if (!entry->thresholds.configured()) return fail(errc::invalid, "No thresholds configured for this sensor");
  const auto rows = newest(id, limit, as);
  if (!rows) return tl::unexpected(rows.error());
  if (rows->empty()) return fail(errc::not_found, "No readings available to check");
  alert_report report{std::move(*entry), rows->size(), {}};
  for (std::size_t i = 0; i < rows->size(); ++i)
    if (const auto breach = check_thresholds(report.sensor.thresholds, rows->value[i]))
      report.alerts.push_back({rows->event_time_us[i], rows->value[i], *breach});
  return report;
}

const event_log& engine::events() const { return *impl_->events; }
job_service& engine::jobs() { return *impl_->jobs; }
backtest_service& engine::backtests() { return *impl_->backtests; }

std::optional<error> engine::trouble() const { return impl_->writer->health(); }

engine_metrics engine::metrics() const {
  const auto& parts = *impl_;
  engine_metrics m;
  m.commits = parts.entries->count();
  m.fsyncs = parts.db->fsync_count();
  m.fsync_seconds = parts.db->fsync_seconds();
  m.bytes_on_disk = parts.db->bytes_on_disk();
  // What recovery passed through was committed before this start.
  m.committed_readings = parts.sensors->counts().dispatched_readings() - parts.recovered_readings;
  const auto processed = parts.sensors->counts().processed_readings();
  m.processed_readings = processed - std::min(processed, parts.recovered_readings);
  m.not_judged = parts.sensors->judging().all();
  m.credits_readings_free = static_cast<std::uint64_t>(std::max<std::int64_t>(0, parts.credits->readings_free()));
  m.credits_bytes_free = static_cast<std::uint64_t>(std::max<std::int64_t>(0, parts.credits->bytes_free()));
  m.credits_refused = parts.credits->refused_count();
  m.sensors = parts.entities->known_sensors()->size();
  m.sensor_restarts = parts.sensors->restart_count();
  m.analysis_restarts = parts.sensors->analysis_restart_count();
  const auto down = parts.sensors->failed();
  m.failed_sensors = down.size();
  for (const auto sensor : down) m.set_aside_readings += parts.entries->aside_readings(sensor);
  m.set_aside_bytes = parts.entries->aside_bytes();
  m.pipelines = parts.pipelines->all().size();
  m.pipeline_instances = parts.streams->size();
  m.watched_machines = parts.streams->watch_count();
  m.failed_pipeline_instances = parts.streams->failed_count();
  const auto lag = parts.streams->how_far_behind();
  m.pipeline_lag_readings = lag.readings;
  m.pipeline_instances_behind = lag.instances_behind;
  m.past_waiting = parts.past->waiting();
  const auto findings = parts.events->count();
  m.anomalies = findings.anomalies;
  m.alerts = findings.alerts;
  m.active_alerts = findings.active_alerts;
  m.journal_bytes = parts.entries->bytes_above_floor();
  m.store_writer_bytes = parts.writer->waiting_bytes();
  m.store_memory = parts.db->memory_held();
  m.decoded_block_bytes = parts.series->decoded_bytes();
  const auto heap = mallinfo2();
  m.heap_bytes = heap.arena + heap.hblkhd;
  m.heap_used_bytes = heap.uordblks + heap.hblkhd;
  const auto behind = parts.sql_mirror->behind();
  m.mirror_lag_events = behind.events;
  m.mirror_lag_catalog = behind.catalog_versions;
  m.mirror_rebuilds = parts.sql_mirror->rebuild_count();
  m.checkpoints = parts.checkpoints.load();
  m.recovery_seconds = parts.recovery_seconds;
  m.recovered_readings = parts.recovered_readings;
  return m;
}

}  // namespace factory
