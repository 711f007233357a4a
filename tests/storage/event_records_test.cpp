#include "storage/events/event_records.hpp"

#include "pipelines/model/coding.hpp"

#include <gtest/gtest.h>

namespace factory {
namespace {

/// As programs before revisions and details wrote it: limit and, of anomalies, the score stand where the detail is now.
std::string record_of_version_1(const event& e) {
  std::string out;
  put_byte(out, 1);
  put_varint(out, e.sequence);
  put_zigzag(out, e.recorded_at_us);
  put_zigzag(out, e.at_us);
  put_byte(out, static_cast<std::uint8_t>(e.level));
  put_double(out, e.value);
  if (const auto* const score = std::get_if<z_score_detail>(&e.detail))
    for (const double figure : {score->threshold, score->z_score, score->mean, score->std_dev}) put_double(out, figure);
  else
    put_double(out, e.limit());
  put_text(out, e.who);
  return out;
}

event sample(event_kind kind, event_source source, event_detail detail) {
  event e;
  e.key = {12, 1'768'816'800'000'000, source, 0, kind};
  e.sequence = 77;
  e.recorded_at_us = 1'768'816'800'000'005;
  e.at_us = -4;
  e.value = 97.5;
  e.level = severity::critical;
  e.detail = std::move(detail);
  e.who = "anna";
  return e;
}

TEST(event_record, of_version_1_is_still_read) {
  for (const event& e : {sample(event_kind::anomaly, event_source::z_score, z_score_detail{5, 70, 1.5, 4}),
                         sample(event_kind::alert_raised, event_source::max_threshold, limit_detail{90}),
                         sample(event_kind::alert_acknowledged, event_source::alert_rule, limit_detail{90})}) {
    const auto key = event_record_key(e.key);
    EXPECT_EQ(key.size(), 19U) << "as ever, for revision 0";
    event back;
    ASSERT_TRUE(decode_event(key, record_of_version_1(e), back));
    EXPECT_EQ(back.key, e.key);
    EXPECT_EQ(back.sequence, 77U);
    EXPECT_EQ(back.recorded_at_us, e.recorded_at_us);
    EXPECT_EQ(back.at_us, -4);
    EXPECT_EQ(back.value, 97.5);
    EXPECT_EQ(back.level, severity::critical);
    EXPECT_EQ(back.detail, e.detail);
    EXPECT_EQ(back.who, "anna");
    EXPECT_FALSE(decode_event(key, record_of_version_1(e) + "x", back));
  }
}

TEST(event_record, keeps_revision_detail_and_explanation) {
  event e = sample(event_kind::anomaly_updated, event_source::z_score, episode_detail{.what = "shift", .contributions = {}});
  e.key.revision = 300;
  e.explanation = "It is warmer than on other Mondays.";
  event back;
  ASSERT_TRUE(decode_event(event_record_key(e.key), encode_event(e), back));
  EXPECT_EQ(back.key, e.key);
  EXPECT_EQ(back.detail, e.detail);
  EXPECT_EQ(back.explanation, e.explanation);
  log_entry entry;
  ASSERT_TRUE(decode_log_entry(encode_log_entry(e), entry));
  EXPECT_EQ(entry.key, e.key);
  EXPECT_EQ(entry.at_us, e.at_us);
}

TEST(event_record, all_events_of_a_finding_lie_behind_its_prefix) {
  const event e = sample(event_kind::alert_raised, event_source::max_threshold, limit_detail{90});
  for (const auto kind : event_kinds())
    for (const std::uint32_t revision : {0U, 1U, 127U, 128U, 70'000U})
      EXPECT_TRUE(event_record_key(with_kind(e.key, kind, revision)).starts_with(finding_prefix(e.key)));
  event_key other = e.key;
  other.rule = 1;
  EXPECT_FALSE(event_record_key(other).starts_with(finding_prefix(e.key)));
}

}  // namespace
}  // namespace factory
