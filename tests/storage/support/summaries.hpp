#pragma once

#include <gtest/gtest.h>

#include "pipelines/stats/statistics.hpp"

namespace factory::test {

/// Of pairs of time and value, in time order.
template <class Row>
summary fold(Row begin, Row end) {
  summary s;
  for (; begin != end; ++begin) s.add(begin->first, begin->second);
  return s;
}

/// All that does not depend on the order of adding.
inline void expect_same_but_sums(const summary& a, const summary& b) {
  ASSERT_EQ(a.count, b.count);
  if (a.count == 0) return;
  EXPECT_EQ(a.min, b.min);
  EXPECT_EQ(a.max, b.max);
  EXPECT_EQ(a.first, b.first);
  EXPECT_EQ(a.last, b.last);
  EXPECT_EQ(a.first_us, b.first_us);
  EXPECT_EQ(a.last_us, b.last_us);
}

}  // namespace factory::test
