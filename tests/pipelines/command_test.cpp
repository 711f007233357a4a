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

}  // namespace
}  // namespace factory
