#include "http/api/metrics_text.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace factory {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using families = std::vector<MetricFamily>;

ClientMetric plain(MetricType type, double value) {
  ClientMetric metric;
  (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  return metric;
}

void counter(families& out, const char* name, const char* help, double value) {
  out.push_back({std::string("factory_") + name, help, MetricType::Counter, {plain(MetricType::Counter, value)}});
}
void gauge(families& out, const char* name, const char* help, double value) {
  out.push_back({std::string("factory_") + name, help, MetricType::Gauge, {plain(MetricType::Gauge, value)}});
}
ClientMetric with_reason(const char* reason, std::uint64_t count) {
  ClientMetric metric = plain(MetricType::Counter, static_cast<double>(count));
  metric.label.push_back({"reason", reason});
  return metric;
}
double real(std::uint64_t count) { return static_cast<double>(count); }

void add_engine(families& out, const engine_metrics& m) {
  counter(out, "committed_readings_total", "Readings in the fsynced journal since start", real(m.committed_readings));
  counter(out, "processed_readings_total", "Readings that windows and detectors have seen since start",
          real(m.processed_readings));
  out.push_back({"factory_readings_not_judged_total",
                 "Readings that are stored and that no detector and no alarm has seen, of all sensors that there were",
                 MetricType::Counter,
                 {with_reason("late", m.not_judged.late), with_reason("future", m.not_judged.future),
                  with_reason("left_out", m.not_judged.left_out)}});
  gauge(out, "processing_lag_readings", "Committed readings that wait in the actors' mailboxes",
        real(m.committed_readings - std::min(m.committed_readings, m.processed_readings)));
  counter(out, "commit_groups_total", "Journal records written", real(m.commits.groups));
  counter(out, "commit_entries_total", "Requests in those records", real(m.commits.entries));
  counter(out, "commit_bytes_total", "Bytes of those records", real(m.commits.bytes));
  counter(out, "commit_failures_total", "Commits that the disk refused", real(m.commits.failures));
  counter(out, "commit_seconds_total", "Time spent committing", m.commits.commit_seconds);
  gauge(out, "commit_waiting_entries", "Requests waiting for the next commit", real(m.commits.waiting));
  counter(out, "fsyncs_total", "Syncs of the journal", real(m.fsyncs));
  counter(out, "fsync_seconds_total", "Time of the writes that waited for them", m.fsync_seconds);
  gauge(out, "disk_bytes", "Bytes of the data directory", real(m.bytes_on_disk));
  gauge(out, "journal_bytes", "Length of the journal that no checkpoint covers yet, in bytes, at least 9 a reading",
        real(m.journal_bytes));
  gauge(out, "store_writer_bytes", "Bytes on their way to the store", real(m.store_writer_bytes));
  gauge(out, "memtable_bytes", "RocksDB: written and not yet in a table file", real(m.store_memory.memtable_bytes));
  gauge(out, "table_reader_bytes", "RocksDB: indexes and filters of open table files", real(m.store_memory.table_reader_bytes));
  gauge(out, "block_cache_bytes", "RocksDB: its cache of stored blocks", real(m.store_memory.block_cache_bytes));
  gauge(out, "block_cache_used_bytes", "Of that cache, what somebody reads now", real(m.store_memory.block_cache_used_bytes));
  gauge(out, "decoded_block_bytes", "Decoded readings at hand for queries", real(m.decoded_block_bytes));
  gauge(out, "heap_bytes", "malloc's heaps, which hold all of these; pages that it gave back to the system are counted too",
        real(m.heap_bytes));
  gauge(out, "heap_used_bytes", "Of that, handed out; the rest waits to be used again", real(m.heap_used_bytes));
  counter(out, "checkpoints_total", "Checkpoints taken", real(m.checkpoints));
  gauge(out, "credits_readings_free", "Readings that may still be accepted", real(m.credits_readings_free));
  gauge(out, "credits_bytes_free", "Bytes that may still be accepted", real(m.credits_bytes_free));
  counter(out, "credits_refused_total", "Requests refused with 503 for want of credits", real(m.credits_refused));
  gauge(out, "sensors", "Sensors", real(m.sensors));
  counter(out, "sensor_restarts_total", "Sensor actors restarted after a failure", real(m.sensor_restarts));
  counter(out, "analysis_restarts_total", "Pairs of anomaly and threshold actors restarted after a failure of one",
          real(m.analysis_restarts));
  gauge(out, "failed_sensors", "Sensors that failed too often and are off", real(m.failed_sensors));
  gauge(out, "set_aside_readings", "Readings of these sensors that are kept beside the journal", real(m.set_aside_readings));
  gauge(out, "set_aside_bytes", "Bytes that are set aside", real(m.set_aside_bytes));
  counter(out, "anomalies_total", "Anomalies found, also those that retention dropped", real(m.anomalies));
  counter(out, "alerts_total", "Alerts found, also those that retention dropped", real(m.alerts));
  gauge(out, "pipelines", "Pipelines", real(m.pipelines));
  gauge(out, "pipeline_instances", "Instances of pipelines at work", real(m.pipeline_instances));
  gauge(out, "pipeline_lag_readings", "Committed readings that pipelines and machine detectors have not yet seen",
        real(m.pipeline_lag_readings));
  gauge(out, "pipeline_instances_behind", "Instances and machine detectors that read the journal, as more came than may wait for them",
        real(m.pipeline_instances_behind));
  gauge(out, "watched_machines", "Machines that the machine detector watches", real(m.watched_machines));
  gauge(out, "failed_pipeline_instances", "Instances of pipelines that failed too often and are off",
        real(m.failed_pipeline_instances));
  gauge(out, "past_waiting", "Corrections, and sensors with late readings, whose past is still to be judged again",
        real(m.past_waiting));
  gauge(out, "active_alerts", "Alerts not yet cleared", real(m.active_alerts));
  gauge(out, "mirror_lag_events", "Events not yet in SQLite", real(m.mirror_lag_events));
  gauge(out, "mirror_lag_catalog_versions", "Catalog changes not yet in SQLite", real(m.mirror_lag_catalog));
  counter(out, "mirror_rebuilds_total", "Rebuilds of the SQLite mirror", real(m.mirror_rebuilds));
  gauge(out, "recovery_seconds", "Time that recovery took at start", m.recovery_seconds);
  gauge(out, "recovered_readings", "Readings replayed from the journal at start", real(m.recovered_readings));
}

void add_notifications(families& out, const notify_figures& n) {
  counter(out, "notifications_sent_total", "Notifications that a receiver took", real(n.sent));
  counter(out, "notification_seconds_total", "Time from the begin of each of these to its receiver's answer", n.send_seconds);
  counter(out, "notification_failures_total", "Attempts that failed", real(n.failed_attempts));
  counter(out, "notifications_dead_total", "Notifications that were given up and became dead letters", real(n.dead));
  counter(out, "notifications_dropped_total", "Dead letters that went because a channel had too many", real(n.dropped));
  counter(out, "notifications_history_total", "Alerts of channels that were not told because they were found a day late",
          real(n.history));
  gauge(out, "notifications_open", "Notifications on their way", real(n.open));
  gauge(out, "notification_dead_letters", "Dead letters that wait to be sent again", real(n.dead_letters));
  gauge(out, "notification_told_alerts", "Alerts that somebody was told of and that are not over", real(n.told_alerts));
  gauge(out, "notification_lag_events", "Events stored that the notifications have not got to", real(n.lag_events));
}

void add_gateway(families& out, const gateway_figures& g) {
  gauge(out, "http_connections", "Open connections of this port", real(g.connections));
  counter(out, "http_connections_refused_total", "Connections closed at once: too many, in all or of one address",
          real(g.connections_refused));
  MetricFamily limited{"factory_http_rate_limited_total", "Requests refused with 429", MetricType::Counter, {}};
  for (const auto& [by, count] : {std::pair{"address", g.limited_by_address}, {"token", g.limited_by_token}}) {
    limited.metric.push_back(plain(MetricType::Counter, real(count)));
    limited.metric.back().label = {{"by", by}};
  }
  out.push_back(std::move(limited));
}

std::vector<ClientMetric::Label> labels_of(const std::vector<route>& routes, std::size_t index, std::size_t status_class) {
  const bool known = index < routes.size();
  return {{"method", known ? std::string(to_text(routes[index].method)) : "other"},
          {"route", known ? routes[index].pattern : "none"},
          {"status", std::to_string(status_class) + "xx"}};
}

ClientMetric histogram_of(const request_counters::view& seen) {
  ClientMetric metric;
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i < seen.buckets.size(); ++i) {
    cumulative += seen.buckets[i];
    const bool last = i == request_counters::bounds_seconds.size();
    metric.histogram.bucket.push_back(
        {cumulative, last ? std::numeric_limits<double>::infinity() : request_counters::bounds_seconds[i]});
  }
  metric.histogram.sample_count = cumulative;
  metric.histogram.sample_sum = seen.seconds;
  return metric;
}

/// Calls without any answer are left out; they would be most of the page.
void add_requests(families& out, const std::vector<route>& routes, const request_counters& requests) {
  MetricFamily latencies{"factory_http_request_seconds",
                         "Time from request to answer, or to the begin of one in pieces; _count is the number of answers",
                         MetricType::Histogram,
                         {}};
  for (std::size_t index = 0; index <= requests.size(); ++index) {
    for (std::size_t status_class = 1; status_class <= request_counters::status_classes; ++status_class) {
      ClientMetric latency = histogram_of(requests.read(index, status_class));
      if (latency.histogram.sample_count == 0) continue;
      latency.label = labels_of(routes, index, status_class);
      latencies.metric.push_back(latency);
    }
  }
  out.push_back(std::move(latencies));
  gauge(out, "http_streams", "Answers that are being sent in pieces", real(requests.streams.open.load()));
  counter(out, "http_streams_total", "Answers sent in pieces", real(requests.streams.begun.load()));
  counter(out, "http_streams_cut_total", "Of those, cut off by an error or because the client went or stalled",
          real(requests.streams.cut.load()));
}

}  // namespace

std::string metrics_text(const std::optional<engine_metrics>& figures, const gateway_figures& gateway,
                         const std::vector<route>& routes, const request_counters& requests,
                         const std::optional<notify_figures>& notified) {
  families out;
  if (figures) add_engine(out, *figures);
  if (notified) add_notifications(out, *notified);
  add_gateway(out, gateway);
  add_requests(out, routes, requests);
  return prometheus::TextSerializer().Serialize(out);
}

http_response metrics_answer(std::string text) { return {200, "text/plain; version=0.0.4; charset=utf-8", std::move(text)}; }

}  // namespace factory
