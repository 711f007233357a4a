#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace factory::bench {

enum class body_shape { rows, columns, ndjson, line_protocol };

/// What sensor `sensor` measures at tick `tick`, in hundredths: 20.00 to 99.99. A cycle with noise, and about one reading in
/// 20,000 far outside, so that detectors and limits have something to find.
int measured_hundredths(std::uint64_t sensor, std::uint64_t tick);

/// Where the load's readings lie in time: tick n is at first_ms + n * tick_ms.
struct time_line {
  std::int64_t first_ms = 0;
  std::int64_t tick_ms = 100;
  std::int64_t at(std::uint64_t tick) const { return first_ms + static_cast<std::int64_t>(tick) * tick_ms; }
};

/// A request whose body is encoded once and sent many times: only the digits of its times are written anew.
/// The body holds `ticks` readings of each sensor, tick by tick as a collector has them (columns: sensor by sensor).
class bulk_request {
 public:
  bulk_request(std::string_view target, body_shape shape, const std::vector<std::uint32_t>& sensors, std::uint64_t ticks,
               std::uint64_t variant);
  /// The request with its first tick at `first_tick`.
  std::string_view at(const time_line& line, std::uint64_t first_tick);
  std::size_t body_bytes() const { return body_bytes_; }

 private:
  std::string bytes_;
  std::size_t body_bytes_ = 0;
  std::vector<std::vector<std::uint32_t>> time_offsets_;  // of tick k of the body: where its 13 digits begin
};

}  // namespace factory::bench
