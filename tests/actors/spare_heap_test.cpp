#include "actors/engine/spare_heap.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <vector>

namespace factory {
namespace {

TEST(spare_heap, goes_back_in_the_first_calm_second_after_work) {
  spare_heap heap;
  EXPECT_FALSE(heap.due(0)) << "nothing was done yet";
  EXPECT_FALSE(heap.due(5));
  EXPECT_FALSE(heap.due(9));
  EXPECT_TRUE(heap.due(9));
  EXPECT_FALSE(heap.due(9)) << "once is enough";
  EXPECT_FALSE(heap.due(10));
  EXPECT_TRUE(heap.due(10));
}

TEST(spare_heap, goes_back_once_a_minute_under_load_and_of_queries_alone) {
  for (const std::uint64_t entries_a_second : {0U, 7U}) {
    spare_heap heap;
    int times = 0;
    for (int second = 1; second <= 10 * limits::spare_heap_s; ++second)
      times += heap.due(static_cast<std::uint64_t>(second) * entries_a_second) ? 1 : 0;
    EXPECT_EQ(times, 10) << entries_a_second;
  }
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // whose allocators keep what is free

std::size_t resident_bytes() {
  std::size_t all = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

TEST(spare_heap, what_is_free_between_things_in_use_goes_back) {
  constexpr std::size_t pieces = 1'000, bytes = 64UL << 10;
  std::vector<std::unique_ptr<char[]>> buffers, in_use;
  for (std::size_t i = 0; i < pieces; ++i) {
    buffers.push_back(std::make_unique<char[]>(bytes));  // zeroed, so its pages are there
    in_use.push_back(std::make_unique<char[]>(bytes / 8));
  }
  buffers.clear();
  const auto before = resident_bytes();
  spare_heap::give_back();
  EXPECT_LT(resident_bytes(), before - pieces * bytes / 2);
}

#endif

}  // namespace
}  // namespace factory
