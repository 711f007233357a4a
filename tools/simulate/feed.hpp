#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client/api_client.hpp"
#include "simulate/ledger.hpp"
#include "simulate/sensors.hpp"
#include "simulate/signal.hpp"

namespace factory {

/// The signals of all sensors, read in step and written as bulk bodies of columns.
class feed {
 public:
  feed(const std::vector<simulated_sensor>& sensors, const fault_policy& policy, std::int64_t begin_us, std::int64_t step_us);

  std::int64_t next_time_us() const { return signals_.front().next_time_us(); }
  /// The readings of the next steps before end_us, at most about `max_readings`, as a body for post_readings.
  /// Appends the faults that begin in it. Empty when there is no step before end_us.
  std::string take(std::int64_t end_us, std::size_t max_readings, std::vector<ledger_entry>& begun);
  std::uint64_t reading_count() const { return reading_count_; }  ///< taken so far
  /// The same signals go to these sensors from now on: same plan, other ids.
  void send_to(const std::vector<simulated_sensor>& sensors) { sensors_ = sensors; }

 private:
  std::vector<simulated_sensor> sensors_;
  std::vector<sensor_signal> signals_;
  std::vector<std::int64_t> fault_begin_us_;  ///< of the newest fault seen of each sensor
  std::int64_t step_us_;
  std::uint64_t reading_count_ = 0;
};

/// The bulk call for bodies of feed::take.
expected<http_answer> post_readings(api_client& api, const std::string& body);

}  // namespace factory
