#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actors/backtest/row_feed.hpp"
#include "pipelines/alarm/thresholds.hpp"
#include "pipelines/backtest/backtest_result.hpp"
#include "pipelines/model/result.hpp"
#include "pipelines/spec/pipeline_spec.hpp"
#include "storage/streams/pipeline_store.hpp"

namespace factory {

/// A sensor of a backtest: as it is in force, and what is tried on it.
struct backtest_sensor {
  sensor_config config;
  std::vector<shared_rule> drafts = {};        ///< their ids are draft_id(number)
  std::optional<stream_rules> detection = {};  ///< other settings of its detectors
  std::vector<changed_range> rests = {};       ///< where they neither judge nor learn
};

/// The id that a draft has while it is tried: the catalog gives none as high.
constexpr rule_id draft_id(std::size_t number) { return 0x8000'0000U + static_cast<rule_id>(number); }
/// Of a draft of a rule, which is judged beside what is in force.
inline bool is_of_draft(const event_key& key) { return key.source == event_source::alert_rule && key.rule >= draft_id(0); }
/// Likewise of the draft of a pipeline; pipeline_rule() of it is one still.
constexpr pipeline_id draft_pipeline_id(std::size_t number) { return 0x1000'0000U + static_cast<pipeline_id>(number); }

/// An instance of a pipeline, or the watch over a machine. What is in force fills no sensors: what it has filled them with is stored.
struct backtest_stream {
  stream_key key;
  std::shared_ptr<const pipeline_spec> spec;  ///< none: the machine detector watches `sources`
  std::vector<sensor_id> sources, sinks;      ///< sinks: 0 where one is no sensor
  bool draft = false;
  double sensitivity = 1;  ///< of a watch
  bool is_watch() const { return spec == nullptr; }
};

/// A sensor that the draft of a pipeline would fill. It exists only in the backtest.
struct drafted_sensor {
  backtest_sensor judged;    ///< by what is in force for a sensor of its name and place, and by the drafts
  std::size_t pipeline = 0;  ///< which draft
  std::size_t sink = 0;      ///< of the draft
  sensor_id instead_of = 0;  ///< the sensor that the pipeline in force fills there; 0: none
  std::string name, unit;    ///< "press/bearing difference"
  std::vector<sensor_id> sources;
};

struct backtest_spec {
  time_range range = {};
  std::int64_t now_us = 0;                             ///< of its begin: time goes no further
  std::vector<backtest_sensor> sensors;                ///< by id
  std::vector<std::pair<rule_id, std::string>> rules;  ///< in force on some of them, with their names
  struct draft {
    std::string name;
    rule_id instead_of = 0;  ///< the rule in force that it is compared with; 0: none
  };
  std::vector<draft> drafts;
  std::vector<backtest_stream> streams;  ///< a draft stands behind those from which it computes
  struct pipeline {
    std::string name;
    pipeline_id instead_of = 0;  ///< as above
    std::shared_ptr<const pipeline_spec> spec;
  };
  std::vector<pipeline> draft_pipelines;
  std::vector<drafted_sensor> drafted_sensors;
  std::map<machine_id, std::string> machines;  ///< names of those that are watched
  bool tries_machines = false;                 ///< other settings of how they are watched: by drafts among `streams`
  std::vector<fault_window> faults;
  std::size_t faults_left_out = 0;  ///< of those that a person confirmed, beyond limits::backtest_faults
  stream_rules usual = {};          ///< of a sensor without rules of its own
  std::size_t threads = 1;
};

/// How far it is; written by the thread that runs it. `cancelled` ends it.
struct backtest_progress {
  std::atomic<std::uint64_t> readings{0};
  std::atomic<double> share{0};  ///< of the range
  std::atomic<bool> cancelled{false};

  /// Neither goes back: what is read anew makes what is judged a smaller part of what is read.
  void tell(std::uint64_t judged_readings, double judged_share) {
    readings = std::max(readings.load(), judged_readings);
    share = std::max(share.load(), judged_share);
  }
};

/// Past readings through the same actors as live ones, apart: a population of its own with nothing behind it but memory. All is judged that is in
/// force, pipelines and machines too, and drafts of rules beside it. Where detection or pipelines are tried, a second population judges by
/// that: its sensors are those chosen, with other settings, and those that the drafts fill. The findings are those that live ingest of the
/// same readings would give. Waits for its end; errc::stopping when cancelled. Its threads have the priority of the caller's.
expected<backtest_result> run_backtest(const backtest_spec& spec, const row_reader& read, backtest_progress& progress);

}  // namespace factory
