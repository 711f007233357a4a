#include "pipelines/model/event.hpp"

#include <gtest/gtest.h>

#include <random>

namespace factory {
namespace {

TEST(finding_id, names_sensor_time_source_and_rule) {
  const event_key key{12, 1'768'816'800'000'000, event_source::z_score, 0, event_kind::anomaly};
  EXPECT_EQ(finding_id(key), "12-1768816800000000-z_score-0");
}

TEST(finding_id, comes_back_as_the_same_key) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 2'000; ++i) {
    event_key key;
    key.sensor = static_cast<sensor_id>(random() | 1);
    key.event_time_us = static_cast<std::int64_t>(random()) >> (random() % 60);
    key.source = event_sources()[random() % event_sources().size()];
    key.rule = static_cast<rule_id>(random() >> (32 + random() % 32));
    if (is_of_machine(key.source)) key.sensor = 0, key.rule |= 1;
    event_key back;
    ASSERT_TRUE(parse_finding_id(finding_id(key), back)) << finding_id(key);
    EXPECT_EQ(back, key);
  }
}

TEST(finding_id, leaves_the_kind_to_the_caller) {
  event_key key;
  key.kind = event_kind::alert_raised;
  ASSERT_TRUE(parse_finding_id("3--5-alert_rule-9", key));
  EXPECT_EQ(key, (event_key{3, -5, event_source::alert_rule, 9, event_kind::alert_raised}));
}

TEST(finding_id, refuses_any_other_text) {
  for (const auto* const text : {"",
                                 "1",
                                 "1-2",
                                 "1-2-z_score",
                                 "1-2-z_score-",
                                 "1-2-z_score-0-",
                                 "1-2-z_score-0-1",
                                 "1-2-z_scores-0",
                                 "1-2-other-0",
                                 "0-2-z_score-0",
                                 "01-2-z_score-0",
                                 "1-02-z_score-0",
                                 "+1-2-z_score-0",
                                 " 1-2-z_score-0",
                                 "1-2-z_score-0 ",
                                 "a-2-z_score-0",
                                 "-1-2-z_score-0",
                                 "4294967296-2-z_score-0",
                                 "1-9223372036854775808-z_score-0",
                                 "1-2-z_score-4294967296",
                                 "1-2-z_score--1"}) {
    event_key key{7, 7, event_source::z_score, 7, event_kind::anomaly};
    const auto before = key;
    EXPECT_FALSE(parse_finding_id(text, key)) << text;
    EXPECT_EQ(key, before) << "a refused text must leave the key alone";
  }
}

TEST(event, names_of_kinds_and_sources_read_back) {
  for (const auto kind : event_kinds()) EXPECT_EQ(parse_event_kind(to_text(kind)), kind);
  for (const auto source : event_sources()) {
    EXPECT_EQ(parse_event_source(to_text(source)), source);
    EXPECT_EQ(to_text(source).find('-'), std::string_view::npos) << "ids are cut there";
  }
  EXPECT_FALSE(is_event_kind(0) || is_event_source(0) || parse_event_kind("") || parse_event_source("unknown"));
}

TEST(event, texts_are_those_of_the_api) {
  EXPECT_EQ(to_text(event_kind::anomaly), "anomaly");
  EXPECT_EQ(to_text(event_kind::alert_raised), "alert_raised");
  EXPECT_EQ(to_text(event_kind::alert_cleared), "alert_cleared");
  EXPECT_EQ(to_text(event_kind::alert_acknowledged), "alert_acknowledged");
  EXPECT_EQ(to_text(event_source::min_threshold), "min_threshold");
  EXPECT_EQ(to_text(event_source::max_threshold), "max_threshold");
}

}  // namespace
}  // namespace factory
