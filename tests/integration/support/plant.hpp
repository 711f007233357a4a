#pragma once

#include <bit>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "integration/support/http_client.hpp"
#include "support/await.hpp"

namespace factory::test {

struct reading {
  std::uint32_t sensor = 0;
  std::int64_t time_us = 0;
  double value = 0;
  /// Equal bit for bit, as the engine promises.
  bool operator==(const reading& other) const {
    return sensor == other.sensor && time_us == other.time_us &&
           std::bit_cast<std::uint64_t>(value) == std::bit_cast<std::uint64_t>(other.value);
  }
};
void PrintTo(const reading& r, std::ostream* out);

/// Creates a factory with one machine and `count` sensors on it; returns the sensors' ids. `members` are added to each sensor, such
/// as `"max_threshold":90`.
std::vector<std::uint32_t> add_sensors(http_client& api, std::size_t count, std::string_view members = {});

/// A bulk body in rows; to be posted with precision=us. Values are written so that they read back bit for bit.
std::string rows_json(const std::vector<reading>& readings);
/// Posts them in bodies of at most `batch` and expects each to be acknowledged whole.
void store(http_client& api, const std::vector<reading>& readings, std::size_t batch = 10'000);

/// All readings of a sensor, page by page.
std::vector<reading> readings_of(http_client& api, std::uint32_t sensor);
/// All events without the members that may differ between two runs (sequence, time of recording), as JSON texts in order.
std::vector<std::string> findings(http_client& api);
/// Likewise, without what was told when the past was judged again: how often and when that was done depends on the time that it took.
/// What came of it in the end is in alerts().
std::vector<std::string> findings_at_once(http_client& api);
/// All alerts with their states, as JSON texts in order.
std::vector<std::string> alerts(http_client& api);
std::string text_of(const rapidjson::Value& value);
/// GET as JSON; throws when it is not answered 200.
rapidjson::Document get_json(http_client& api, std::string_view target);
std::uint64_t metric(http_client& api, std::string_view name);

/// Waits until all committed readings are processed, and those that came too late are judged.
void await_processed(http_client& api);

/// Deterministic signals with cycle and noise and now and then a value far outside: `ticks` readings of each sensor from `first_tick`
/// on, 100 ms apart, tick by tick.
std::vector<reading> signals(const std::vector<std::uint32_t>& sensors, std::uint64_t first_tick, std::uint64_t ticks);

}  // namespace factory::test
