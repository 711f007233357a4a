#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pipelines/model/event.hpp"
#include "storage/events/event_log.hpp"

/// For this room only: what stretches of the log hold, so that a query passes over those without any of what it wants.
///
/// Zone n is of the sequences [n * zone_sequences, (n + 1) * zone_sequences). Its record lies under 'z' and is written with its events. It
/// may tell of more than is there, never of less. A zone without a record is walked.
namespace factory {

inline constexpr std::uint64_t zone_sequences = 1'024;
inline std::uint64_t zone_of(std::uint64_t sequence) { return sequence / zone_sequences; }

struct event_zone {
  std::int64_t first_us = INT64_MAX, last_us = INT64_MIN;  ///< of at_us
  std::uint64_t kinds = 0;                                 ///< the bit of each event_kind's number

  void add(event_kind kind, std::int64_t at_us);
  bool may_hold(const std::optional<event_kind>& kind, const time_range& range) const;
};

/// How far the records go. A log whose newest event is another one was written to by a program that knows no zones.
struct zones_mark {
  std::uint64_t last_sequence = 0;
  std::uint64_t known_from = 0;  ///< from this zone on all zones with events have a record
};

std::string zone_key(std::uint64_t zone);
inline constexpr std::string_view behind_zones = "{";
std::string encode_zone(const event_zone& zone);
bool decode_zone(std::string_view in, event_zone& zone);

inline constexpr std::string_view zones_mark_key = "y";
std::string encode_zones_mark(const zones_mark& mark);
bool decode_zones_mark(std::string_view in, zones_mark& mark);

}  // namespace factory
