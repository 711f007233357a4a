// The same readings give the same events, however they come in.
#include <gtest/gtest.h>

#include "integration/support/daemon.hpp"
#include "integration/support/plant.hpp"

namespace factory::test {
namespace {

/// Loads the same readings in bodies of `batch`, in a daemon with `options`; returns what was found.
std::vector<std::string> found_in_batches(std::size_t batch, const std::vector<std::string>& options = {}) {
  fresh_daemon daemon(options);
  {
    http_client api(daemon->api_port());
    const auto sensors = add_sensors(api, 7, R"("min_threshold":36,"max_threshold":90)");
    store(api, signals(sensors, 0, 700), batch);
  }
  daemon->restart();  // all that was found is in the log after a stop
  http_client api(daemon->api_port());
  return findings(api);
}

TEST(events, are_the_same_in_bodies_of_1_and_of_10000) {
  const auto large = found_in_batches(10'000);
  EXPECT_GT(large.size(), 20U);
  EXPECT_EQ(found_in_batches(1), large);
  EXPECT_EQ(found_in_batches(333), large);
}

}  // namespace
}  // namespace factory::test
