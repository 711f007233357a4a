#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/backtest/backtest_plan.hpp"
#include "pipelines/backtest/backtest_result.hpp"
#include "storage/admin/backtest_store.hpp"

namespace factory {

enum class backtest_state : std::uint8_t { waiting, running, done, failed, cancelled };
std::string_view to_text(backtest_state state);  ///< "waiting" ...

struct backtest_info {
  std::uint64_t id = 0;
  factory_id within = 0;  ///< who asked is limited to this factory; 0: to none
  backtest_state state = backtest_state::waiting;
  std::int64_t created_at_us = 0;
  std::uint64_t readings = 0;          ///< so far
  double share = 0;                    ///< of the range
  std::optional<double> left_seconds;  ///< while it runs
  std::string failure;
  std::shared_ptr<const backtest_result> result;  ///< when done
};

/// Backtests, one at a time, at a priority below all live work. They and what they came to are kept on disk, the newest limits::backtests_kept
/// of those that are over: a start shows them, and of one that the end of the process cut short it says so. Thread-safe.
class backtest_service {
 public:
  virtual ~backtest_service() = default;
  /// Puts it in line; `invalid` when it cannot be run, overloaded when too many wait.
  virtual expected<backtest_info> begin(const backtest_request& asked, factory_id within) = 0;
  virtual expected<backtest_info> find(std::uint64_t id) const = 0;  ///< not_found "Backtest not found"
  virtual std::vector<backtest_info> all() const = 0;                ///< the newest first, without their results
  /// Ends it when it is not over, and forgets it.
  virtual expected<void> remove(std::uint64_t id) = 0;
};

struct backtest_parts {
  std::function<backtest_sources()> in_force;  ///< now
  stream_rules usual;
  row_reader read;
  std::function<std::int64_t()> now_us;
  std::size_t threads = 1;
};
/// Its destructor cancels what runs. Errors: the store cannot be read.
expected<std::unique_ptr<backtest_service>> make_backtest_service(backtest_parts parts, backtest_store& store);

}  // namespace factory
