#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pipelines/backtest/labelled_rows.hpp"
#include "pipelines/model/result.hpp"
#include "replay/backtest_stored.hpp"
#include "replay/options.hpp"

namespace factory::replay {

/// What a backtest came to.
struct backtest_figures {
  std::size_t files = 0;
  std::uint64_t rows = 0, not_judged = 0, episodes = 0;
  double seconds = 0;
  std::optional<labelled_rows> labelled;  ///< with `labels`: of the rows behind those that a machine is learned from
};

/// Files through the detectors, apart from any daemon: CSV in, and for each row one row out, `timestamp,value,anomaly_score`, with the
/// timestamp as it was written and anomaly_score = score / (1 + score), so that 0.5 is the boundary. A row that is not newer than all
/// before it is not judged: 0. With `machine`, the columns of a wide file are the sensors of one machine and a row has one score.
/// `scores` is a file for one FILE, else a folder; of a folder given as FILE all *.csv below it are taken, and their paths kept.
expected<backtest_figures> run_backtest(const options& how, const std::string& scores, bool machine);
std::string to_text(const backtest_figures& done);

/// The same files through the actors, as a daemon would judge them: each column of numbers is a sensor. Of readings at one time the last counts.
expected<told_backtest> judge_files(const options& how, const std::atomic<bool>& stop);

}  // namespace factory::replay
