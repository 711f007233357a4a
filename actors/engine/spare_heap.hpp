#pragma once

#include <malloc.h>

#include <cstdint>

#include "actors/engine/limits.hpp"

namespace factory {

/// Decides when malloc returns unused memory to the system. By itself malloc returns only memory at the end of a heap: of 100 MiB of write
/// buffers that RocksDB just flushed, it keeps almost all. Returning is cheap (5 ms among 100,000 sensors), but memory in use again must be
/// asked of the system anew. So it happens in the first second without work, and seldom under load. Not thread-safe.
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
