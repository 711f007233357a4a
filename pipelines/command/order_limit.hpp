#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "pipelines/alarm/limit_order.hpp"

namespace factory {

/// Shelving and its end, a reset, out of service and back. The board says by events what comes of it (alarm_board::obey).
struct order_limit {
  static constexpr std::uint8_t code = 3;  ///< on disk

  limit_order order;  ///< without `who`, which the command has, and without its place

  void encode(std::string& out) const { order.encode(out); }      ///< appended
  bool decode(std::string_view& in) { return order.decode(in); }  ///< false, and anything in it, when damaged
};

}  // namespace factory
