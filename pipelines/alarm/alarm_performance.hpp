#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "pipelines/model/event.hpp"
#include "pipelines/model/reading.hpp"

namespace factory {

/// One alert, as its performance needs it.
struct alert_facts {
  event_key alert;
  std::int64_t raised_us = 0;
  std::optional<std::int64_t> ended_us = {}, acknowledged_us = {};
  std::uint32_t priority = 4;  ///< 1 to 4
  bool was_told = true;        ///< not shelved, suppressed or out of service when it was raised
};

/// Alarms of one limit.
struct limit_load {
  event_key limit;  ///< sensor, source, rule
  std::uint64_t alarms = 0;
  double share = 0;           ///< of all, 0 to 1
  std::uint64_t chatter = 0;  ///< minutes in which it was raised chattering_in_a_minute times or more
};

/// How a figure stands to the bound that ISA-18.2 (2016, table 7) and EEMUA 191 recommend.
enum class alarm_verdict : std::uint8_t { good, manageable, bad };
std::string_view to_text(alarm_verdict v);

/// How the alarms of a span of time were to live with. What nobody was told is in `hushed` alone.
struct alarm_performance {
  std::uint64_t alarms = 0, hushed = 0;
  double per_ten_minutes = 0;          ///< on average
  std::uint64_t peak = 0;              ///< most in one of the ten-minute spans from the begin on
  std::int64_t peak_us = 0;            ///< begin of that span
  double above_ten_share = 0;          ///< of the spans: more than ten alarms
  double flood_share = 0;              ///< of the time: from a span with more than ten to the first with fewer than five
  std::vector<limit_load> top;         ///< ten most frequent, most first
  double top_share = 0;                ///< of all alarms, together
  std::vector<limit_load> chattering;  ///< limits that chattered, most first
  std::uint64_t standing = 0;          ///< alerts that stood for more than 24 h within the span
  std::uint64_t standing_per_day = 0;  ///< most at once
  std::uint64_t acknowledged = 0;
  std::optional<double> ack_median_s, ack_p90_s;
  std::array<std::uint64_t, 4> by_priority{};
};

/// `facts`: alerts raised within [begin, end), and earlier ones that may still stand in it. REQUIRES: begin_us < end_us.
alarm_performance performance_of(const std::vector<alert_facts>& facts, std::int64_t begin_us, std::int64_t end_us);

inline constexpr std::uint64_t chattering_in_a_minute = 3;

/// Shares of fewer alarms than this say nothing: they are good.
inline constexpr std::uint64_t judged_from = 100;

alarm_verdict verdict_on_average(double per_ten_minutes);
alarm_verdict verdict_on_peak(std::uint64_t peak);
alarm_verdict verdict_on_share(double share, double good_below, double bad_above);
alarm_verdict verdict_on_top(const alarm_performance& it);
alarm_verdict verdict_on_standing(std::uint64_t per_day);
/// About 80 % of priority 3 and 4 together, 15 % of 2, 5 % of 1.
alarm_verdict verdict_on_priorities(const std::array<std::uint64_t, 4>& by_priority);

}  // namespace factory
