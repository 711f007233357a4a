#include "pipelines/model/event_detail.hpp"

#include <gtest/gtest.h>

namespace factory {
namespace {

/// One of each, with a value in every member.
std::vector<event_detail> samples() {
  const z_score_detail score{4.5, 20, 1.5, 3};
  const episode_detail episode{"spike", 2, -5, 7, 3, 70.5, 69, 72, 1.75, 4, 900, {{3, 0.75}, {9, 0.25}}};
  return {no_detail{},
          score,
          limit_detail{80},
          episode,
          withdrawal_detail{event_kind::alert_raised, "a reading came late"},
          watermark_detail{-1, 1'700'000'000'000'000, 12},
          revision_of<z_score_detail>{event_kind::anomaly, "corrected", score},
          revision_of<limit_detail>{event_kind::alert_cleared, "corrected", {90}},
          revision_of<episode_detail>{event_kind::anomaly_closed, "late", episode},
          feedback_detail{"planned", "the pump was being changed"},
          alarm_detail{95, "shelved", 1'700'000'000'000'000, "high_high", "the pump was being changed"},
          revision_of<alarm_detail>{event_kind::alert_raised, "late", {95, "suppressed", 0, "low", ""}},
          result_detail{1'700'000'000'000'000, 3},
          revision_of<result_detail>{event_kind::pipeline_raised, "late", {1'700'000'000'000'000, 4}},
          alarm_end_detail{{95, "shelved", 1'700'000'000'000'000, "high_high", ""}, 99, 1'700'000'000'000'001},
          revision_of<alarm_end_detail>{event_kind::alert_cleared, "late", {{95, "", 0, "", ""}, 98, -7}},
          judged_again_detail{"exclude", 7, 1, 2, 3, 4, 5, 6, 7, 8, 0, 9}};
}

TEST(event_detail, comes_back_with_every_member) {
  const auto all = samples();
  ASSERT_EQ(all.size(), std::variant_size_v<event_detail>) << "a new detail has a sample here";
  for (std::size_t i = 0; i < all.size(); ++i) {
    std::string bytes;
    put_detail(bytes, all[i]);
    EXPECT_EQ(bytes.front(), static_cast<char>(i)) << "numbers are on disk: they are never changed";
    bytes += "rest";
    std::string_view in = bytes;
    event_detail back;
    ASSERT_TRUE(get_detail(in, back));
    EXPECT_EQ(back, all[i]);
    EXPECT_EQ(in, "rest");
  }
}

TEST(event_detail, bytes_that_are_cut_short_are_refused) {
  for (const auto& detail : samples()) {
    std::string bytes;
    put_detail(bytes, detail);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      std::string_view in(bytes.data(), size);
      event_detail back;
      EXPECT_FALSE(get_detail(in, back)) << detail.index() << " cut to " << size;
    }
  }
  std::string_view unknown = "\x63";
  event_detail back;
  EXPECT_FALSE(get_detail(unknown, back));
}

}  // namespace
}  // namespace factory
