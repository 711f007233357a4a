#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pipelines/model/event_source.hpp"
#include "pipelines/model/finding.hpp"
#include "pipelines/model/reading.hpp"

namespace factory {

/// A span in which a limit, a rule or a detector said something of a sensor. Half-open.
struct firing {
  sensor_id sensor = 0;
  event_source source{};
  rule_id rule = 0;
  std::int64_t begin_us = 0;  ///< when it was said first
  std::int64_t end_us = 0;    ///< when it was over; what is still open ends with the range
  bool open = false;
};
/// nullopt for a finding that does not hold. An anomaly of one reading takes no time.
std::optional<firing> firing_of(const finding& it, std::int64_t range_end_us);

/// A fault that is known: something should fire while it lasts.
struct fault_window {
  sensor_id sensor = 0;  ///< 0: of any
  std::int64_t begin_us = 0, end_us = 0;
  std::string name = {};
};

/// What firings come to.
struct firing_figures {
  std::uint64_t count = 0;
  std::int64_t longest_us = 0;
  std::int64_t total_us = 0;               ///< sum of their lengths
  std::optional<std::int64_t> first_us{};  ///< begin of the first; nothing when there is none
};
/// `at` may come in any order.
void add(firing_figures& to, const firing& at);
/// Which part of `span_us` they take; of several sensors the mean.
double share_of_time(const firing_figures& of, std::int64_t span_us, std::size_t sensors);

/// How well firings find faults. A firing is right when it shares an instant with a fault of its sensor; a fault is found when one firing is right
/// for it. The delay is from the begin of the fault to the first such firing, 0 for one that began before.
struct fault_figures {
  std::uint64_t faults = 0, found = 0;
  std::uint64_t firings = 0, right = 0;
  std::optional<std::int64_t> median_delay_us{};  ///< of the faults found

  std::uint64_t missed() const { return faults - found; }
  std::optional<double> precision() const;  ///< right / firings
  std::optional<double> recall() const;     ///< found / faults
};
fault_figures compare(std::span<const firing> firings, std::span<const fault_window> faults);

/// How many firings begin in each of `bins` equal parts of [begin_us, end_us).
std::vector<std::uint32_t> over_time(std::span<const firing> firings, std::int64_t begin_us, std::int64_t end_us,
                                     std::size_t bins);

}  // namespace factory
