#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "pipelines/model/event.hpp"

namespace factory {

inline constexpr std::string_view false_alarm = "false_alarm";  ///< the verdict that makes the detector less sensitive

/// What a person thinks of an anomaly. The newest one counts.
struct judge_anomaly {
  static constexpr std::uint8_t code = 2;  ///< on disk

  event_key anomaly;    ///< of the event that states it; `revision`: how many feedbacks there were before
  double value = 0;     ///< that the anomaly told, repeated by the event of the feedback
  severity level{};     ///< likewise
  std::string verdict;  ///< "false_alarm" "confirmed" "planned"
  std::string comment;  ///< may be empty

  void encode(std::string& out) const;  ///< appended
  bool decode(std::string_view& in);    ///< false, and anything in it, when damaged
};

/// What the event log gets of it.
event feedback_of(const judge_anomaly& given, const std::string& who, std::int64_t received_at_us);

}  // namespace factory
