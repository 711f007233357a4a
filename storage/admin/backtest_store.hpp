#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/model/reading.hpp"
#include "pipelines/model/result.hpp"
#include "storage/base/database.hpp"

namespace factory {

/// A backtest as it is listed.
struct stored_backtest {
  std::uint64_t id = 0;
  factory_id within = 0;  ///< who asked is limited to this factory; 0: to none
  enum class condition : std::uint8_t { waiting, running, done, failed, cancelled } state = condition::waiting;
  std::int64_t created_at_us = 0;
  std::uint64_t readings = 0;
  double share = 0;     ///< of the range
  std::string failure;  ///< a sentence
  bool operator==(const stored_backtest&) const = default;
};

/// Backtests and what they came to, durable: the caller says which go. Ids rise from 1 and are never used again. A power cut may take what was
/// written last. Thread-safe.
class backtest_store {
 public:
  explicit backtest_store(database& db);
  ~backtest_store();
  /// Call it first: those that are stored, by id. Those that the end of the process cut short are recorded as failed.
  expected<std::vector<stored_backtest>> load();

  expected<std::uint64_t> next_id();
  expected<void> put(const stored_backtest& info, std::optional<std::string_view> result = {});
  expected<std::optional<std::string>> result(std::uint64_t id) const;
  expected<void> remove(const std::vector<std::uint64_t>& ids);

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace factory
