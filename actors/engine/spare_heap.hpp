#pragma once

#include <malloc.h>

#include <cstdint>

#include "actors/engine/limits.hpp"

namespace factory {

/// When malloc is to give back to the system what it keeps for later. It keeps nearly all: of 100 MiB of write buffers that RocksDB has
/// just flushed, all but what lay at the end of a heap. Giving back is cheap (5 ms among 100,000 sensors), but what is used again must be
/// asked of the system anew; so it is done in the first calm second, and under load seldom. No thread-safety of its own.
class spare_heap {
 public:
  /// Asked once a second, with the newest entry of the journal.
  bool due(std::uint64_t newest_entry) {
    const bool calm = newest_entry == seen_;
    seen_ = newest_entry;
    if (!calm) kept_ = true;
    ++seconds_;
    if (!(calm && kept_) && seconds_ < limits::spare_heap_s) return false;
    kept_ = false;
    seconds_ = 0;
    return true;
  }
  static void give_back() { malloc_trim(0); }

 private:
  std::uint64_t seen_ = 0;
  bool kept_ = false;  ///< there was work since the last time
  int seconds_ = 0;    ///< since the last time
};

}  // namespace factory
