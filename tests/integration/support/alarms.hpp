#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "integration/support/plant.hpp"

namespace factory::test {

/// Sensors with a rule each, "above 90", that tell somebody.
class watched_plant {
 public:
  /// `routing` are further members of the rules, such as `"channels":[1]`.
  watched_plant(http_client& api, std::size_t sensors, std::string_view routing);

  /// A reading of the sensor that raises its alert, one that clears it. Their times are more than a minute apart, so no rule chatters.
  void raise(http_client& api, std::size_t sensor) { post(api, sensor, 95); }
  void clear(http_client& api, std::size_t sensor) { post(api, sensor, 50); }
  /// The same of all sensors, in one body.
  void raise_all(http_client& api) { post_all(api, 95); }
  void clear_all(http_client& api) { post_all(api, 50); }

  std::size_t size() const { return sensors_.size(); }
  std::uint32_t sensor(std::size_t index) const { return sensors_.at(index); }
  std::uint32_t rule(std::size_t index) const { return rules_.at(index); }

 private:
  void post(http_client& api, std::size_t sensor, double value);
  void post_all(http_client& api, double value);
  std::vector<std::uint32_t> sensors_, rules_;
  std::int64_t next_us_;
};

/// Makes a channel of these members beside a name; returns its id.
std::uint32_t add_channel(http_client& api, std::string_view members);
/// A webhook on the loopback that gets no digests and no groups unless `more` says so.
std::uint32_t add_webhook(http_client& api, std::string_view url, std::string_view more = {});
/// The id of the only alert of a sensor.
std::string alert_of(http_client& api, std::uint32_t sensor);

}  // namespace factory::test
