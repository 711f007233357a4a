#include "pipelines/correct/consequences.hpp"

#include <gtest/gtest.h>
#include "support/times.hpp"

namespace factory {
namespace {

constexpr std::int64_t third_of_march = 20'515 * day_us;

TEST(consequences, are_said_in_a_sentence) {
  consequences all;
  EXPECT_EQ(to_text(all), "no finding changes");
  all.alerts = {1, 2, 0};
  all.reported_days = {third_of_march};
  EXPECT_EQ(to_text(all), "2 alerts withdrawn, 1 raised; daily report of 2026-03-03 made anew");
  all.alerts = {};
  all.anomalies = {0, 1, 3};
  all.reported_days = {};
  EXPECT_EQ(to_text(all), "1 anomaly withdrawn, 3 revised");
  all.anomalies = {};
  all.events = {0, 1, 0};
  all.derived["bearing_difference"] = {10, 1, 2};
  all.derived["starts"] = {0, 1, 0};
  EXPECT_EQ(
      to_text(all),
      "12 derived readings of bearing_difference made anew, 1 removed; 1 derived reading of starts removed; 1 event withdrawn");
  all = {};
  all.sensors_not_judged = 2;
  all.machines_not_followed = 1;
  EXPECT_EQ(to_text(all), "2 sensors not judged; 1 machine not followed");
}

TEST(consequences, add_up_and_go_through_bytes) {
  consequences a, b;
  a.alerts = {1, 2, 3};
  a.reported_days = {day_us, 3 * day_us};
  b.alerts = {10, 20, 30};
  b.anomalies = {4, 5, 6};
  b.reported_days = {2 * day_us, 3 * day_us};
  b.sensors_not_judged = 1;
  a.derived["hours"] = {1, 2, 3};
  b.derived["hours"] = {1, 0, 0};
  b.events = {1, 0, 0};
  b.pipelines_not_followed = 4;
  b.machines_not_followed = 7;
  a.add(b);
  EXPECT_EQ(a.alerts, (finding_counts{11, 22, 33}));
  EXPECT_EQ(a.derived.at("hours"), (derived_counts{2, 2, 3}));
  EXPECT_EQ(a.reported_days, (std::vector<std::int64_t>{day_us, 2 * day_us, 3 * day_us}));
  std::string bytes;
  put_consequences(bytes, a);
  std::string_view in = bytes;
  consequences read;
  ASSERT_TRUE(get_consequences(in, read));
  EXPECT_EQ(read, a);
  EXPECT_TRUE(in.empty());
  std::string_view first_version("\1\2\3\4\5\6\7\0", 8);  // as before there was anything of pipelines
  ASSERT_TRUE(get_consequences(first_version, read = {}, 1));
  EXPECT_EQ(read.alerts, (finding_counts{1, 2, 3}));
  in = std::string_view(bytes).substr(0, bytes.size() - 1);  // as before there was anything of machines
  ASSERT_TRUE(get_consequences(in, read = {}, 2));
  EXPECT_EQ(read.pipelines_not_followed, 4U);
  EXPECT_EQ(read.machines_not_followed, 0U);
  in = std::string_view(bytes).substr(0, bytes.size() - 1);
  EXPECT_FALSE(get_consequences(in, read));
}

}  // namespace
}  // namespace factory
