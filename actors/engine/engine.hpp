#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/ports/ports.hpp"
#include "storage/events/event_log.hpp"

namespace factory {

struct engine_config {
  std::filesystem::path data_dir;
  std::filesystem::path snapshot_dir;  ///< where snapshots go; empty = the folder snapshots in data_dir
  std::size_t worker_threads = 0;      ///< CAF scheduler threads; 0 = number of cores
  std::size_t analysis_actors = 0;     ///< anomaly and threshold actors each; 0 = worker threads
  std::int64_t allowed_lateness_us = 60'000'000;
  std::int64_t future_skew_us = 300'000'000;
  std::int64_t time_window_us = 60'000'000;
  double z_threshold = 4.0;                        ///< of the streaming detector; the queries take their own
  std::uint32_t z_min_readings = 30;               ///< a window with fewer gives no verdict
  bool machine_detector = true;                    ///< watches machines of two and more sensors
  std::size_t in_flight_readings = 0;              ///< 0 = limits::in_flight_readings
  std::uint64_t journal_bytes_per_checkpoint = 0;  ///< 0 = limits::journal_bytes_per_checkpoint
  std::uint64_t set_aside_bytes = 0;               ///< 0 = limits::set_aside_bytes
  job_config jobs;
};

/// All ports over the actors of this process and one data directory.
class engine final : public ports {
 public:
  /// Opens the data directory and recovers. Returns when every sensor has the state it had at the end. The error says what to do.
  static expected<std::unique_ptr<engine>> open(engine_config config);
  ~engine() override;  ///< stop()
  /// Refuses new work, lets accepted work finish, checkpoints, closes. Idempotent.
  void stop();

  // ingest_port
  expected<void> admit() override;
  expected<pending_ingest> begin_ingest(reading_batch batch, durability how, std::size_t body_bytes = 0,
                                        journal::waker wake = {}) override;

  std::shared_ptr<const sensor_set> derived_sensors() const override;

  // query_port
  const catalog& entities() const override;
  expected<reading> latest(sensor_id id, reading_form as = reading_form::effective) override;
  expected<reading_run> readings(sensor_id id, const time_range& range, std::size_t limit, bool descending,
                                 reading_form as = reading_form::effective) override;
  expected<reading_run> read_on(sensor_id id, const time_range& range, std::size_t about, bool descending,
                                reading_form as = reading_form::effective) override;
  expected<void> scan(sensor_id id, const time_range& range, const std::function<bool(const reading_run&)>& visit) override;
  expected<reading_run> newest(sensor_id id, std::size_t limit, reading_form as = reading_form::effective) override;
  expected<pending_stats> begin_stats(sensor_id id, const time_range& range, std::vector<double> percentiles,
                                      reading_form as = reading_form::effective) override;
  using query_port::stats;
  expected<std::vector<range_stats>> stats(const std::vector<sensor_id>& ids, const time_range& range) override;
  expected<std::vector<bucket>> aggregate(sensor_id id, const time_range& range, std::int64_t step_us,
                                          reading_form as = reading_form::effective) override;
  expected<sensor_status> status(sensor_id id) override;
  expected<detection_view> detection(sensor_id id) override;
  std::vector<std::pair<sensor_id, expected<detection_view>>> detection(const std::vector<sensor_id>& ids) override;
  std::optional<stream_report> watch_of(machine_id machine) const override;
  expected<std::optional<machine_mark>> mark_before(machine_id machine, std::int64_t time_us) const override;
  expected<anomaly_report> anomalies(sensor_id id, std::size_t limit, double threshold,
                                     reading_form as = reading_form::effective) override;
  expected<alert_report> check_limits(sensor_id id, std::size_t limit, reading_form as = reading_form::effective) override;
  const correction_store& corrections() const override;
  const annotation_store& annotations() const override;
  const spc_limit_store& control_limits() const override;
  const event_log& events() const override;
  std::vector<shelf_book::entry> shelves() const override;
  std::optional<shelf> find_shelf(const event_key& alert, bool out_of_service) const override;

  // catalog_port
  stream_rules usual_stream_rules() const override;
  expected<std::vector<factory_entry>> create(std::vector<factory_entry> entries) override;
  expected<std::vector<machine_entry>> create(std::vector<machine_entry> entries) override;
  expected<std::vector<sensor_entry>> create(std::vector<sensor_entry> entries) override;
  expected<std::vector<alert_rule>> create(std::vector<alert_rule> entries) override;
  expected<std::vector<channel_entry>> create(std::vector<channel_entry> entries) override;
  expected<void> update(const factory_entry& entry) override;
  expected<void> update(const machine_entry& entry) override;
  expected<void> update(const sensor_entry& entry) override;
  expected<void> edit_machine(machine_id id, const std::function<expected<void>(machine_entry&)>& edit) override;
  expected<void> edit_sensor(sensor_id id, const std::function<expected<void>(sensor_entry&)>& edit) override;
  expected<void> update(const alert_rule& entry) override;
  expected<void> update(const channel_entry& entry) override;
  expected<void> remove_factory(factory_id id) override;
  expected<void> remove_machine(machine_id id) override;
  expected<void> remove_sensor(sensor_id id) override;
  expected<void> remove_rule(rule_id id) override;
  expected<void> remove_channel(channel_id id) override;
  expected<std::vector<pipeline_entry>> create_pipelines(const std::vector<std::string>& all) override;
  expected<pipeline_entry> update_pipeline(pipeline_id id, std::string_view changes) override;
  expected<void> remove_pipeline(pipeline_id id, bool with_sensors = false) override;
  std::vector<pipeline_entry> pipelines() const override;
  expected<pipeline_entry> find_pipeline(pipeline_id id) const override;
  std::vector<stream_report> report_of_pipeline(pipeline_id id) const override;
  left_out_machines left_out_of_pipeline(pipeline_id id) const override;

  // operate_port
  expected<frozen_limits> freeze(sensor_id sensor, frozen_limits wanted) override;
  expected<finding> acknowledge(const event_key& raised, std::string who, std::string comment = {}) override;
  expected<finding> order(const event_key& raised, limit_order what) override;
  expected<void> order_rule(const alert_rule& rule, std::optional<sensor_id> on, limit_order what) override;
  expected<finding> give_feedback(const event_key& anomaly, std::string verdict, std::string comment, std::string who) override;
  backtest_service& backtests() override;

  expected<annotation> annotate(annotation wanted) override;
  expected<annotation> change_annotation(annotation wanted) override;
  expected<void> remove_annotation(annotation_id id) override;
  expected<correction> correct(correction wanted) override;
  expected<correction> revert_correction(correction_id id, std::string by, std::string reason) override;
  expected<consequences> preview(correction wanted) override;
  expected<consequences> preview_revert(correction_id id) override;
  std::optional<consequences> consequences_of(std::uint64_t step, std::int64_t wait_ms) override;
  /// Nothing of the past waits to be judged: no correction, no late reading.
  bool past_is_judged() const;

  // admin_port
  notify_store& notifications() override;
  token_store& tokens() override;
  audit_log& audit() override;
  job_service& jobs() override;
  engine_metrics metrics() const override;
  std::optional<error> trouble() const override;
  expected<void> settle(std::int64_t deadline_ms) override;
  expected<void> checkpoint() override;
  expected<snapshot_info> snapshot(const std::string& name) override;

  struct impl;

 private:
  friend struct engine_parts;  ///< of the tests, which make parts fail
  std::unique_ptr<impl> impl_;
  explicit engine(std::unique_ptr<impl> opened);
};

}  // namespace factory
