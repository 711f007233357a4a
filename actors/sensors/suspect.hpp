#pragma once

#include <cstdint>

namespace factory {

/// A reading far from its sensor's window, with the window's statistics from before the reading joined it.
struct suspect {
  std::uint32_t row = 0;  ///< of the batch
  double mean = 0;
  double std_dev = 0;
};

}  // namespace factory
