#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actors/backtest/row_feed.hpp"
#include "pipelines/alarm/thresholds.hpp"
#include "pipelines/backtest/backtest_result.hpp"
#include "pipelines/model/result.hpp"

namespace factory {

/// A sensor of a backtest: as it is in force, and what is tried on it.
struct backtest_sensor {
  sensor_config config;
  std::vector<shared_rule> drafts = {};        ///< their ids are draft_id(number)
  std::optional<stream_rules> detection = {};  ///< other settings of its detectors
};

/// The id that a draft has while it is tried: the catalog gives none as high.
constexpr rule_id draft_id(std::size_t number) { return 0x8000'0000U + static_cast<rule_id>(number); }

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
  std::vector<fault_window> faults;
  stream_rules usual = {};  ///< of a sensor without rules of its own
  std::size_t threads = 1;
};

/// How far it is; written by the thread that runs it. `cancelled` ends it.
struct backtest_progress {
  std::atomic<std::uint64_t> readings{0};
  std::atomic<double> share{0};  ///< of the range
  std::atomic<bool> cancelled{false};
};

/// Past readings through the same actors as live ones, apart: a population of its own with nothing behind it but memory. All is judged that is in
/// force, and the drafts beside it; where detection is tried too, a second population judges by that. The findings are those that live
/// ingest of the same readings would give. Waits for its end; errc::stopping when cancelled. Its threads have the priority of the caller's.
expected<backtest_result> run_backtest(const backtest_spec& spec, const row_reader& read, backtest_progress& progress);

}  // namespace factory
