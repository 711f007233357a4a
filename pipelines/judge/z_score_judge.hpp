#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/judge/event_judge.hpp"
#include "pipelines/model/limits.hpp"
#include "pipelines/model/recent_rows.hpp"
#include "pipelines/stats/window_sums.hpp"

namespace factory {

/// When the streaming z-score speaks.
struct z_score_rules {
  double threshold = 4.0;           ///< |z| above it is an anomaly
  std::uint32_t min_readings = 30;  ///< a window with fewer gives no verdict
};

/// The streaming z-score as a judge (revisable.hpp): a reading against mean and spread of the limits::window_readings before it.
class z_score_judge : public event_judge {
 public:
  struct command {};
  static constexpr std::size_t looks_back = limits::window_readings;

  z_score_judge(sensor_id sensor, const z_score_rules& rules) : sensor_(sensor), rules_(rules) {}

  void observe(const recent_rows& rows, std::size_t begin, std::size_t end, std::int64_t received_at_us, std::vector<event>& out);
  void apply(const command&, std::int64_t, std::vector<event>&) {}
  void follow(const z_score_rules& rules) { rules_ = rules; }
  /// What came before is no measure for what comes.
  void begin_anew() { sums_ = {}; }

  void encode(std::string& out) const { sums_.encode(out); }
  bool decode(std::string_view& in) { return sums_.decode(in); }
  static void put_command(std::string&, const command&) {}
  static bool get_command(std::string_view&, command&) { return true; }

 private:
  void judge(const recent_rows& rows, std::size_t row, std::size_t window, std::int64_t received_at_us,
             std::vector<event>& out) const;

  sensor_id sensor_;
  z_score_rules rules_;
  window_sums sums_;  ///< of the window before the next reading
};

}  // namespace factory
