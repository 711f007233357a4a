#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>

#include "pipelines/model/coding.hpp"

namespace factory {

/// What leaves the last step of a pipeline, or a fault on the way there: a step gave no finite value.
struct stream_result {
  std::int64_t time_us = 0;   ///< of the row; of a window, its begin
  std::int64_t until_us = 0;  ///< the rows of the sources before this instant decide it: the end of a window
  double value = 0;           ///< finite; of a fault 0
  std::uint8_t fault = 0;     ///< 0: none; else the step, from 1

  /// What a result is about. A pipeline gives at most one for a time.
  static bool order(const stream_result& a, const stream_result& b) {
    return std::tie(a.time_us, a.fault) < std::tie(b.time_us, b.fault);
  }
  static bool same(const stream_result& a, const stream_result& b) {
    return a.time_us == b.time_us && a.until_us == b.until_us && a.fault == b.fault &&
           std::bit_cast<std::uint64_t>(a.value) == std::bit_cast<std::uint64_t>(b.value);
  }
  void encode(std::string& out) const {  ///< appended
    put_zigzag(out, time_us);
    put_zigzag(out, until_us);
    put_double(out, value);
    put_byte(out, fault);
  }
  bool decode(std::string_view& in) {
    return get_zigzag(in, time_us) && get_zigzag(in, until_us) && get_double(in, value) && get_byte(in, fault);
  }
};

}  // namespace factory
