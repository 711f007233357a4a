#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/model/reading.hpp"
#include "pipelines/select/selector.hpp"

namespace factory {

using correction_id = std::uint32_t;

/// On disk by its number.
enum class correction_action : std::uint8_t {
  exclude = 1,  ///< left out of all that is computed
  scale = 2,    ///< times a factor
  offset = 3,   ///< plus an offset
  replace = 4,  ///< by one value
  flag = 5,     ///< gets a quality
  rest = 6,     ///< stays as it is, and detectors neither judge nor learn it: of an annotation
};
std::string_view to_text(correction_action action);
std::optional<correction_action> parse_correction_action(std::string_view text);

/// What a correction does to each reading of its range.
struct reading_change {
  correction_action action{};
  double number = 0;       ///< factor, offset or value; 0 of others
  std::uint8_t flags = 0;  ///< of `flag`: bits that are set (quality_flags)
  bool operator==(const reading_change&) const = default;
};

/// A decision of a person about readings of the past: they stay as they are stored, and count as changed while it is in force. It is never
/// deleted; a revert takes it out of force and stands beside it.
struct correction {
  struct reversion {
    std::int64_t at_us = 0;
    std::string by, reason;
    std::uint64_t step = 0;
    bool operator==(const reversion&) const = default;
  };

  correction_id id = 0;
  std::vector<sensor_id> sensors;      ///< ascending: those that the selector matched when it was made
  std::optional<selector> which = {};  ///< unset: given for one sensor by its id
  std::int64_t begin_us = 0;           ///< readings from here on,
  std::int64_t end_us = 0;             ///< and before this
  reading_change change = {};
  std::string reason, by;
  std::int64_t made_at_us = 0;  ///< received_at_us of its journal entry
  std::uint64_t step = 0;       ///< makings and reverts in the order in which they took force, from 1
  std::optional<reversion> reverted = {};

  bool in_force() const { return !reverted; }
  /// Whether it was in force when step `at` had been taken and no later one.
  bool in_force_at(std::uint64_t at) const { return step <= at && (!reverted || reverted->step > at); }
  /// Whether it asks for the same as another, by the same person for the same reason.
  bool asks_the_same(const correction& other) const;
  bool operator==(const correction&) const = default;
};

}  // namespace factory
