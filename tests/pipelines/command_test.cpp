#include "pipelines/command/command.hpp"

#include <gtest/gtest.h>

#include "pipelines/model/coding.hpp"

namespace factory {
namespace {

operator_command seen_by_ann() {
  const event_key alert{7, -5, event_source::alert_rule, 3, event_kind::alert_raised};
  return {7, "Ann", acknowledge_alert{alert, 91.5, 90, severity::rule_warning, "pump \"2\" is being changed"}};
}

TEST(operator_commands, come_back_from_their_bytes) {
  std::string bytes;
  put_command(bytes, seen_by_ann());
  bytes += "next";
  std::string_view in = bytes;
  operator_command back;
  ASSERT_TRUE(get_command(in, back));
  EXPECT_EQ(in, "next");
  EXPECT_EQ(back.sensor, 7U);
  EXPECT_EQ(back.who, "Ann");
  const auto& asked = std::get<acknowledge_alert>(back.what);
  const auto before = seen_by_ann();
  const auto& wanted = std::get<acknowledge_alert>(before.what);
  EXPECT_EQ(asked.alert, wanted.alert);
  EXPECT_EQ(asked.value, 91.5);
  EXPECT_EQ(asked.limit, 90);
  EXPECT_EQ(asked.level, severity::rule_warning);
  EXPECT_EQ(asked.comment, wanted.comment);
}

TEST(operator_commands, that_are_cut_short_or_unknown_are_refused) {
  std::string bytes;
  put_command(bytes, seen_by_ann());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    std::string_view in = std::string_view(bytes).substr(0, size);
    operator_command back;
    EXPECT_FALSE(get_command(in, back)) << size << " bytes";
  }
  constexpr std::size_t code_at = 1 + 1 + 3;  // behind the sensor and "Ann"
  bytes[code_at] = 99;
  std::string_view in = bytes;
  operator_command back;
  EXPECT_FALSE(get_command(in, back));
}

TEST(operator_commands, an_acknowledgement_tells_what_was_raised_and_who_saw_it_when) {
  const auto command = seen_by_ann();
  const auto told = acknowledgement_of(std::get<acknowledge_alert>(command.what), command.who, 1'000);
  EXPECT_EQ(told.key, (event_key{7, -5, event_source::alert_rule, 3, event_kind::alert_acknowledged}));
  EXPECT_EQ(told.recorded_at_us, 1'000);
  EXPECT_EQ(told.at_us, 1'000);
  EXPECT_EQ(told.value, 91.5);
  EXPECT_EQ(told.limit(), 90);
  EXPECT_EQ(told.level, severity::rule_warning);
  EXPECT_EQ(told.who, "Ann");
}

TEST(hand_over, comes_back_from_its_bytes_and_is_refused_when_cut_short) {
  hand_over past;
  past.edge_us = -7;
  past.detectors = "detectors";
  past.alarms = "alarms";
  past.behind.push_back(5, 1.5, false);
  past.behind.push_back(6, 0, true);
  past.ranges.push_back({1, 9, {correction_action::rest, 0, 0}});
  const event_key key{7, -5, event_source::alert_rule, 3, event_kind::alert_raised, 4};
  event told;
  told.key = key;
  told.at_us = 8;
  told.detail = limit_detail{90};
  told.explanation = "why";
  past.events.push_back(told);
  past.told.push_back({key, 8});
  past.reason = "readings were corrected";
  std::string bytes;
  past.encode(bytes);
  hand_over back;
  std::string_view in = bytes;
  ASSERT_TRUE(back.decode(in));
  EXPECT_TRUE(in.empty());
  EXPECT_EQ(back.edge_us, past.edge_us);
  EXPECT_EQ(back.detectors + back.alarms, "detectorsalarms");
  EXPECT_EQ(back.behind, past.behind);
  EXPECT_EQ(back.ranges, past.ranges);
  ASSERT_EQ(back.events.size(), 1U);
  EXPECT_EQ(back.events[0].key, key);
  EXPECT_EQ(back.events[0].detail, told.detail);
  EXPECT_EQ(back.events[0].explanation, "why");
  EXPECT_EQ(back.told, past.told);
  EXPECT_EQ(back.reason, past.reason);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    in = std::string_view(bytes).substr(0, size);
    EXPECT_FALSE(hand_over().decode(in)) << size;
  }
}

}  // namespace
}  // namespace factory
