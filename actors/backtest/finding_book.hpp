#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <vector>

#include "pipelines/model/finding.hpp"

namespace factory {

/// Where the events of a backtest end: in memory, as the event log would hold them. Thread-safe.
class finding_book {
 public:
  explicit finding_book(std::size_t most_events) : most_(most_events) {}

  /// In the order in which each sensor's events came. One whose key is there already is not taken again.
  void add(std::vector<event> found);
  /// More came than it takes: the rest is missing.
  bool overflowed() const;
  /// What holds, in the order of the keys.
  void visit(const std::function<void(const finding&)>& each) const;
  /// As event_log::digest() of a log with the events of these findings.
  std::uint64_t digest(const std::function<bool(const event_key&)>& counts) const;

 private:
  struct identity {
    sensor_id sensor;
    std::int64_t event_time_us;
    event_source source;
    rule_id rule;
    auto operator<=>(const identity&) const = default;
  };

  const std::size_t most_;
  mutable std::mutex mutex_;
  std::map<identity, std::vector<event>> events_;  // guarded by mutex_
  std::size_t count_ = 0;
  bool overflowed_ = false;
};

}  // namespace factory
