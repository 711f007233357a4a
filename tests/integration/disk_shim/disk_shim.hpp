#pragma once

#include <atomic>
#include <cstdint>

/// The interface between disk_shim.cpp, which is preloaded into a daemon, and the tests. The shim sees the files below FACTORY_SHIM_DIR.
namespace factory::test::shim {

/// One change of the directory, appended to the file FACTORY_SHIM_RECORD after it was made: head, name, data.
enum class op : std::uint32_t { open, create, write, truncate, sync, rename, remove, link, make_directory };
struct record_head {
  op what;
  std::int32_t fd = -1;
  std::uint32_t name_bytes = 0;  ///< of the path; of two, with a zero byte between them
  std::uint32_t data_bytes = 0;  ///< written
  std::uint64_t offset = 0;      ///< of a write; of a truncation the new size
};

/// How the disk fails; lies in the file FACTORY_SHIM_FAULT, mapped by both sides.
enum class fault : std::uint32_t { none, no_space, over_quota, failing_write, failing_sync, short_write, read_only };
struct fault_order {
  std::atomic<fault> how{fault::none};
  std::atomic<std::uint32_t> hits{0};  ///< calls that were failed or shortened
  char files[64] = {};                 ///< only those with this in their path; written before `how`
};

}  // namespace factory::test::shim
