#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipelines/detect/detector.hpp"
#include "pipelines/judge/stream_rules.hpp"

namespace factory {

/// A member of stream_rules that can be set by itself. The number is stored: append only.
enum class setting : std::uint8_t {
  allowed_lateness = 1,
  future_skew = 2,
  time_window = 3,
  z_min_readings = 4,
  z_threshold = 5,
  physical_min = 6,
  physical_max = 7,
  western_electric = 8,
  nelson = 9,
  on = 16,  ///< from here on, of a detector
  direction = 17,
  sensitivity = 18,
  least_absolute = 19,
  least_relative = 20,
};
inline bool is_of_detector(setting what) { return what >= setting::on; }

struct setting_place {
  std::uint8_t of = 0;  ///< the detector; 0: of the rules themselves
  setting what{};
  auto operator<=>(const setting_place&) const = default;

  static setting_place of_rules(setting what) { return {0, what}; }
  static setting_place of_detector(detector which, setting what) { return {static_cast<std::uint8_t>(which), what}; }
};

/// As a number: times in microseconds, `on` as 0 or 1, the direction by its place. Unset: a physical bound that is not known.
std::optional<double> value_of(const stream_rules& rules, setting_place at);

/// What of the rules somebody has set in one place: on a sensor, on its machine or on its factory. What is not set there is inherited, member by
/// member: sensor over machine over factory over the daemon's options.
class stream_settings {
 public:
  using entry = std::pair<setting_place, double>;

  void set(setting_place at, double value);
  void clear(setting_place at);
  void clear(detector which);
  std::optional<double> find(setting_place at) const;
  bool empty() const { return set_.empty(); }
  const std::vector<entry>& all() const { return set_; }  ///< rising by place

  /// Puts what is set into the rules. The settings of the machine detector are for none of a sensor's: they stay out of `to`.
  void apply_to(stream_rules& to) const;
  /// The settings of the machine detector alone.
  void apply_to(detector_setting& of_machine) const;
  /// What of `rules` is not as it is with nobody having set anything.
  static stream_settings of_unusual(const stream_rules& rules);

  void encode(std::string& out) const;  ///< appended
  bool decode(std::string_view& in);    ///< from the front of `in`, which it advances; false, and anything in it, when damaged
  bool operator==(const stream_settings&) const = default;

 private:
  std::vector<entry> set_;
};

}  // namespace factory
