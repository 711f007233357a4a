#include "http/text/report_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidjson/document.h>

namespace factory {
namespace {

using testing::HasSubstr;
using testing::Not;

daily_report a_day() {
  daily_report report{1, "Plant <1> & \"Co\"", 1'768'780'800'000'000, 1'768'867'200'000'000, 1'768'870'000'000'000, {}};
  report_sensor busy{3, "Press", "Temperature", "°C", {}, 2, 1};
  busy.readings.add(1'768'780'800'000'000, 0.1);
  busy.readings.add(1'768'780'801'000'000, 0.2);
  report.sensors = {busy, {4, "Press", "<b>", "bar", {}, 0, 0}};
  return report;
}

rapidjson::Document parsed(const std::string& text) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseFullPrecisionFlag>(text.c_str());
  EXPECT_FALSE(document.HasParseError()) << text;
  return document;
}

TEST(report, json_reads_back_to_the_same_values) {
  const auto report = a_day();
  const auto json = parsed(report_json(report));
  EXPECT_STREQ(json["factory"].GetString(), report.name.c_str());
  EXPECT_STREQ(json["from"].GetString(), "2026-01-19T00:00:00Z");
  EXPECT_STREQ(json["to"].GetString(), "2026-01-20T00:00:00Z");
  EXPECT_EQ(json["totals"]["readings"].GetUint64(), 2U);
  EXPECT_EQ(json["totals"]["anomalies"].GetUint64(), 2U);
  EXPECT_EQ(json["totals"]["alerts"].GetUint64(), 1U);
  const auto& busy = json["sensors"][0];
  EXPECT_EQ(busy["id"].GetUint(), 3U);
  EXPECT_EQ(busy["avg"].GetDouble(), report.sensors[0].readings.mean());
  EXPECT_EQ(busy["std_dev"].GetDouble(), report.sensors[0].readings.std_dev());
  EXPECT_EQ(busy["first"].GetDouble(), 0.1);
  EXPECT_EQ(busy["last"].GetDouble(), 0.2);
}

TEST(report, a_sensor_without_readings_has_nulls) {
  const auto json = parsed(report_json(a_day()));
  const auto& idle = json["sensors"][1];
  EXPECT_EQ(idle["count"].GetUint64(), 0U);
  for (const char* member : {"min", "max", "avg", "std_dev", "first", "last"}) EXPECT_TRUE(idle[member].IsNull()) << member;
}

TEST(report, of_values_at_the_ends_of_the_range_of_double_is_json) {
  auto report = a_day();
  for (const double value : {1.0, 1.7976931348623157e308, -1.7976931348623157e308})
    report.sensors[0].readings.add(report.sensors[0].readings.last_us + 1, value);
  const auto json = parsed(report_json(report));
  const auto& line = json["sensors"][0];
  for (const char* member : {"min", "max", "avg", "std_dev"}) EXPECT_TRUE(line[member].IsNumber()) << member;
}

TEST(report, the_page_escapes_names) {
  const auto page = report_html(a_day());
  EXPECT_THAT(page, HasSubstr("Plant &lt;1&gt; &amp; &quot;Co&quot;"));
  EXPECT_THAT(page, HasSubstr("&lt;b&gt;"));
  EXPECT_THAT(page, Not(HasSubstr("<b>")));
}

TEST(report, a_factory_without_sensors_is_a_whole_report) {
  const daily_report empty{7, "Empty", 0, 86'400'000'000, 0, {}};
  EXPECT_EQ(parsed(report_json(empty))["sensors"].Size(), 0U);
  EXPECT_THAT(report_html(empty), HasSubstr("</html>"));
}

}  // namespace
}  // namespace factory
