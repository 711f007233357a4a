#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/correct/correction_overlay.hpp"
#include "pipelines/correct/revised_points.hpp"
#include "pipelines/model/event.hpp"

namespace factory {

/// The live judges of a sensor stand still at what is settled when they read this, their edge, until a hand_over: what is behind stays to be judged
/// again.
struct hold_judging {
  static constexpr std::uint8_t code = 4;  ///< on disk

  void encode(std::string&) const {}
  bool decode(std::string_view&) { return true; }
};

/// What judging the past again found at the edge. The live judges go on from there as if they had always read the past so, and tell what that changes
/// behind it; then nothing holds them any more. Where they do not stand at this edge, only the latter happens.
struct hand_over {
  static constexpr std::uint8_t code = 5;  ///< on disk

  /// An event that the log has of a finding that goes on, or that is told anew: what happens again gets another number.
  struct told_event {
    event_key key;
    std::int64_t at_us = 0;
    bool operator==(const told_event&) const = default;
  };

  std::int64_t edge_us = INT64_MIN;
  std::string
      detectors;  ///< the sensor's detectors at the edge, with the rows before it that they look back at (put_rows); empty: they stay
  std::string alarms;                 ///< its alarms there, with what is noted for them; empty: they stay
  revised_points behind;              ///< readings behind the edge that count otherwise than they did
  std::vector<changed_range> ranges;  ///< corrections that reach behind the edge: what still comes there counts so, too
  std::vector<event> events;          ///< what the log lacks up to the edge, all historical; then the report
  std::vector<told_event> told;
  std::string reason;  ///< half a sentence

  void encode(std::string& out) const;  ///< appended
  bool decode(std::string_view& in);    ///< false, and anything in it, when damaged
};

/// Whether the alarms of a sensor say it, not its detectors.
inline bool is_of_alarms(const event_key& key) { return group_of(key.source) == source_group::limit; }

}  // namespace factory
