#include "http/notify/notice.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include "http/notify/channel_kind.hpp"
#include "http/notify/private_address.hpp"

namespace factory {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

notice a_notice() {
  notice it;
  it.kind = "alert_raised";
  it.id = "7-1000000-alert_rule-3:alert_raised:0";
  it.what.key = {7, 1'000'000, event_source::alert_rule, 3, event_kind::alert_raised, 0};
  it.what.at_us = it.what.recorded_at_us = it.raised_at_us = 1'000'000;
  it.what.value = 97.5;
  it.what.detail = limit_detail{90};
  it.level = severity::rule_warning;
  it.rule.id = 3;
  it.rule.name = "hot";
  it.rule.level = severity::rule_warning;
  it.sensor.id = 7;
  it.sensor.name = "Lager";
  it.sensor.unit = "C";
  it.machine.name = "Presse";
  it.factory.name = "Werk";
  return it;
}

channel_entry a_mail_channel() {
  channel_entry to;
  to.id = 2;
  to.type = channel_type::email;
  to.from = "plant@example.com";
  to.to = {"a@example.com", "b@example.com"};
  return to;
}

TEST(notice, placeholders_of_the_message_are_filled_in_and_anything_else_stays) {
  const auto it = a_notice();
  EXPECT_EQ(filled_in("{sensor} on {machine}, {factory}: {value} {unit} above {limit} ({severity}, {rule})", it),
            "Lager on Presse, Werk: 97.5 C above 90 (WARNING, hot)");
  EXPECT_EQ(filled_in("{} {nothing} {sensor {sensor}} {", it), "{} {nothing} {sensor Lager} {");
}

TEST(notice, a_headline_says_what_happened_to_the_alert) {
  auto it = a_notice();
  const auto headline_of = [&](event_kind kind) {
    it.what.key.kind = kind;
    it.kind = to_text(kind);
    return headline(it);
  };
  EXPECT_EQ(headline_of(event_kind::alert_raised), "WARNING raised: Lager on Presse (Werk): hot, 97.5 C");
  const auto raised_by = [&](rule_condition condition) {
    auto other = a_notice();
    other.rule.condition = condition;
    return headline(other);
  };
  EXPECT_EQ(raised_by(rule_condition::rate_above), "WARNING raised: Lager on Presse (Werk): hot, 97.5 C/s");
  EXPECT_EQ(raised_by(rule_condition::no_data), "WARNING raised: Lager on Presse (Werk): hot, 97.5 s");
  EXPECT_EQ(raised_by(rule_condition::anomaly), "WARNING raised: Lager on Presse (Werk): hot, score 97.5");
  EXPECT_THAT(headline_of(event_kind::alert_returned), StartsWith("WARNING back in range and latched: "));
  EXPECT_THAT(headline_of(event_kind::alert_reminded), StartsWith("WARNING still unacknowledged: "));
  EXPECT_THAT(headline_of(event_kind::alert_stepped), StartsWith("WARNING on another step: "));
  for (const auto kind : {event_kind::alert_unshelved, event_kind::alert_unsuppressed, event_kind::alert_put_back})
    EXPECT_THAT(headline_of(kind), StartsWith("WARNING stands: "));
}

TEST(notice, of_a_pipeline_has_neither_a_limit_nor_the_unit_of_its_source) {
  auto it = a_notice();
  it.what.key.source = event_source::pipeline;
  it.what.detail = {};
  it.pipeline = 5;
  it.rule.name = "energy";
  it.message = it.what.explanation = "97.5 kWh in the shift";
  EXPECT_EQ(headline(it), "WARNING raised: Lager on Presse (Werk): energy, 97.5");
  EXPECT_THAT(notice_json(it), HasSubstr(R"("value":97.5,"limit":null)"));
  EXPECT_THAT(notice_json(it), HasSubstr(R"("unit":"")"));
  const auto alertmanager = alertmanager_content({}, it);
  EXPECT_THAT(alertmanager, HasSubstr(R"("description":"97.5 kWh in the shift")"));
  EXPECT_THAT(alertmanager, Not(HasSubstr(R"("limit")")));
}

TEST(notice, a_webhook_is_signed_over_id_time_and_content) {
  // printf '%s' 'id.1700000000.{"a":1}' | openssl dgst -sha256 -hmac key -binary | base64
  EXPECT_EQ(webhook_signature("key", "id", 1'700'000'000, "{\"a\":1}"), "v1,71H6m+lN5Gu6QnmWnatHF7iPfAlwQepZU+jrXQV2kN0=");
}

TEST(notice, an_alertmanager_gets_the_same_labels_at_the_end_as_at_the_beginning_and_for_each_step) {
  channel_entry to;
  to.id = 1;
  auto it = a_notice();
  it.rule.routing.channels = {1};
  it.rule.routing.escalation = {{1, severity::rule_critical, {1}}};
  const auto labels = [](const std::string& body) { return body.substr(0, body.find("annotations")); };
  const std::string raised = alertmanager_content(to, it);
  EXPECT_THAT(raised, StartsWith(R"([{"labels":{"alertname":"hot","severity":"WARNING")"));
  EXPECT_THAT(raised, HasSubstr(R"("startsAt":"1970-01-01T00:00:01)"));
  EXPECT_THAT(raised, Not(HasSubstr("escalation_step")));
  it.active = false;
  it.steps_done = 1;
  it.level = severity::rule_critical;
  const std::string cleared = alertmanager_content(to, it);
  EXPECT_EQ(labels(cleared), labels(raised));
  EXPECT_THAT(cleared, HasSubstr(R"("severity":"CRITICAL")"));
  EXPECT_THAT(cleared, HasSubstr(R"("escalation_step":"1")"));
}

TEST(notice, an_email_is_ascii_in_short_lines_whatever_the_names_are) {
  auto it = a_notice();
  it.sensor.name = "Lagertemperatur Süd, am Ofen der großen Presse, gemessen über der Öffnung";
  const std::string message = email_content(a_mail_channel(), it);
  for (std::size_t at = 0; at < message.size();) {
    const auto end = message.find("\r\n", at);
    ASSERT_NE(end, std::string::npos);
    EXPECT_LE(end - at, 78U) << message.substr(at, end - at);
    at = end + 2;
  }
  for (const char c : message) EXPECT_TRUE(c == '\r' || c == '\n' || (c >= ' ' && c < 0x7f));
  EXPECT_THAT(message, HasSubstr("\r\nTo: a@example.com,\r\n b@example.com\r\n"));
  EXPECT_THAT(message, HasSubstr("Message-ID: <7-1000000-alert_rule-3.alert_raised.0.2@example.com>"));
  EXPECT_EQ(message, email_content(a_mail_channel(), it)) << "the same in each attempt";
}

bool is_private_text(const char* text) {
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  v4.sin_family = AF_INET;
  v6.sin6_family = AF_INET6;
  if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) return is_private(*address_of(reinterpret_cast<const sockaddr&>(v4)));
  EXPECT_EQ(inet_pton(AF_INET6, text, &v6.sin6_addr), 1) << text;
  return is_private(*address_of(reinterpret_cast<const sockaddr&>(v6)));
}

TEST(private_address, is_what_the_internet_does_not_route_in_any_writing) {
  for (const char* text :
       {"127.0.0.1", "0.0.0.0", "10.1.2.3", "172.31.255.255", "192.168.0.1", "169.254.169.254", "100.64.0.1", "224.0.0.1",
        "255.255.255.255", "::1", "::", "fe80::1", "fd00::1", "ff02::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::"})
    EXPECT_TRUE(is_private_text(text)) << text;
  for (const char* text : {"8.8.8.8", "172.32.0.1", "192.0.1.1", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8",
                           "64:ff9b::808:808", "2002:808:808::"})
    EXPECT_FALSE(is_private_text(text)) << text;
}

}  // namespace
}  // namespace factory
