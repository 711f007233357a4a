#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "pipelines/model/severity.hpp"

namespace factory {

/// The detectors that watch every sensor, and one that watches a machine. The number is stored: never reused, never renumbered.
enum class detector : std::uint8_t {
  spike = 1,         ///< one reading, or a few, far from what is expected
  level_shift = 2,   ///< another level, at once
  drift = 3,         ///< another level, slowly
  spread = 4,        ///< more scatter than usual
  pattern = 5,       ///< a course that was not seen before
  out_of_range = 6,  ///< health: beyond what the sensor can physically measure
  stuck = 7,         ///< health: repeats one value longer than it ever did
  silent = 8,        ///< health: sends nothing though its readings are due
  noise_lost = 9,    ///< health: its usual scatter is gone
  machine = 10,      ///< the sensors of a machine do not go together as they do when it runs calmly
};
inline constexpr std::size_t detector_count = 10;

enum class finding_kind : std::uint8_t { anomaly = 1, health = 2 };
std::string_view to_text(finding_kind kind);  ///< "anomaly" "health"

/// What a detector is called. `version` goes up when the same readings can give another score.
struct detector_entry {
  detector id{};
  std::string_view name;
  std::uint8_t version = 1;
  finding_kind kind{};
  std::string_view what;  ///< half a sentence for a list of detectors
};
/// All of them, by id.
const std::array<detector_entry, detector_count>& detectors();
const detector_entry& entry_of(detector id);
std::optional<detector> parse_detector(std::string_view name);

enum class deviation_direction : std::uint8_t { both, up, down };

/// What a person may set for one detector of a sensor. The defaults are those that all figures are taken with.
struct detector_setting {
  bool on = true;
  deviation_direction direction = deviation_direction::both;
  double sensitivity = 1;     ///< scores are multiplied by it; within limits::sensitivity_min and _max
  double least_absolute = 0;  ///< nothing is found that is not farther than this from what is expected, in the sensor's unit
  double least_relative = 0;  ///< the same, as a share of |expected|
  bool operator==(const detector_setting&) const = default;
};

/// The constants of the pattern detector (pattern_tuning.hpp): those that every sensor has.
struct pattern_constants;
extern const pattern_constants pattern_tuned;

/// Everything that the detectors of one sensor are told.
struct detect_settings {
  std::array<detector_setting, detector_count> each{};
  std::optional<double> physical_min, physical_max;   ///< what the sensor can measure
  std::int64_t least_pause_us = 60'000'000;           ///< a pause up to here is no silence: readings may be late as long
  const pattern_constants* pattern = &pattern_tuned;  ///< others only where constants are searched for; never null

  const detector_setting& of(detector id) const { return each[static_cast<std::size_t>(id) - 1]; }
  detector_setting& of(detector id) { return each[static_cast<std::size_t>(id) - 1]; }
  bool operator==(const detect_settings&) const = default;
};

/// What one detector says about one reading. Only scores of 1 and more are said. No defaults: a list of them is made for each reading.
struct verdict {
  detector by;
  double score;           ///< 1 is the boundary
  double expected;        ///< what the baseline expected
  double low, high;       ///< the band around it that would have passed
  std::int64_t since_us;  ///< when it began, which may be before the reading that showed it
  double amount;          ///< stuck: readings in a row; silent: seconds; spread, noise_lost: times the usual
};

/// What the detectors say about one reading; at most one verdict each.
class verdict_list {
 public:
  void clear() { count_ = 0; }
  void add(const verdict& one) { items_[count_++] = one; }  ///< REQUIRES: at most once per detector
  bool empty() const { return count_ == 0; }
  std::size_t size() const { return count_; }
  const verdict* begin() const { return items_.data(); }
  const verdict* end() const { return items_.data() + count_; }

 private:
  std::array<verdict, detector_count> items_;
  std::size_t count_ = 0;
};

/// `medium` from 1, `high` from 1.5, `critical` from 2.5.
severity severity_of_score(double score);

}  // namespace factory
