#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/model/event.hpp"
#include "pipelines/model/limits.hpp"
#include "pipelines/model/recent_rows.hpp"
#include "pipelines/stats/window_sums.hpp"

namespace factory {

/// When the streaming z-score speaks.
struct z_score_rules {
  double threshold = 4.0;           ///< |z| above it is an anomaly
  std::uint32_t min_readings = 30;  ///< a window with fewer gives no verdict
};

/// The streaming z-score: a reading against mean and spread of the limits::window_readings before it.
class z_score_watch {
 public:
  static constexpr std::size_t looks_back = limits::window_readings;

  /// Rows [begin, end), as a judge observes them (revisable.hpp).
  void observe(sensor_id sensor, const recent_rows& rows, std::size_t begin, std::size_t end, const z_score_rules& rules,
               std::int64_t received_at_us, std::vector<event>& out);
  /// What came before is no measure for what comes.
  void begin_anew() { sums_ = {}; }

  void encode(std::string& out) const { sums_.encode(out); }
  bool decode(std::string_view& in) { return sums_.decode(in); }

 private:
  window_sums sums_;  ///< of the window before the next reading
};

}  // namespace factory
