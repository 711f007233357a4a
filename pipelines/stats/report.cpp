#include "pipelines/stats/report.hpp"

#include <fmt/format.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <iterator>
#include <string_view>

#include "pipelines/model/time.hpp"

namespace factory {

namespace {

using json_writer = rapidjson::Writer<rapidjson::StringBuffer>;

struct totals {
  std::uint64_t readings = 0, anomalies = 0, alerts = 0;
};

totals total_of(const daily_report& report) {
  totals all;
  for (const auto& sensor : report.sensors) {
    all.readings += sensor.readings.count;
    all.anomalies += sensor.anomalies;
    all.alerts += sensor.alerts;
  }
  return all;
}

void text(json_writer& out, const char* name, std::string_view value) {
  out.Key(name);
  out.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
}

void count(json_writer& out, const char* name, std::uint64_t value) {
  out.Key(name);
  out.Uint64(value);
}

/// The shortest digits that read back to the same bits; null for no value.
void number(json_writer& out, const char* name, double value, bool there) {
  out.Key(name);
  if (!there) {
    out.Null();
    return;
  }
  const auto digits = fmt::format("{}", value);
  out.RawValue(digits.data(), digits.size(), rapidjson::kNumberType);
}

void write_sensor(json_writer& out, const report_sensor& sensor) {
  const auto& of = sensor.readings;
  const bool any = of.count != 0;
  out.StartObject();
  count(out, "id", sensor.id);
  text(out, "machine", sensor.machine);
  text(out, "name", sensor.name);
  text(out, "unit", sensor.unit);
  count(out, "count", of.count);
  number(out, "min", of.min, any);
  number(out, "max", of.max, any);
  number(out, "avg", any ? of.mean() : 0, any);
  number(out, "std_dev", any ? of.std_dev() : 0, any);
  number(out, "first", of.first, any);
  number(out, "last", of.last, any);
  count(out, "anomalies", sensor.anomalies);
  count(out, "alerts", sensor.alerts);
  out.EndObject();
}

std::string escaped(std::string_view raw) {
  std::string safe;
  for (const char c : raw) {
    switch (c) {
      case '&': safe += "&amp;"; break;
      case '<': safe += "&lt;"; break;
      case '>': safe += "&gt;"; break;
      case '"': safe += "&quot;"; break;
      default: safe += c;
    }
  }
  return safe;
}

constexpr std::string_view style =
    "body{font:15px/1.5 system-ui,sans-serif;margin:2em;color:#222}table{border-collapse:collapse}"
    "th,td{padding:.3em .8em;border-bottom:1px solid #ddd;text-align:right}"
    "td:nth-child(-n+2),th:nth-child(-n+2){text-align:left}.found{color:#b00020;font-weight:600}";

void write_row(std::string& page, const report_sensor& sensor) {
  const auto out = std::back_inserter(page);
  const auto& of = sensor.readings;
  fmt::format_to(out, "<tr><td>{}</td><td>{}</td><td>{}</td>", escaped(sensor.machine), escaped(sensor.name), of.count);
  if (of.count == 0) {
    page += "<td></td><td></td><td></td>";
  } else {
    for (const double value : {of.min, of.mean(), of.max}) fmt::format_to(out, "<td>{:.6g} {}</td>", value, escaped(sensor.unit));
  }
  for (const auto found : {sensor.anomalies, sensor.alerts})
    fmt::format_to(out, "<td{}>{}</td>", found != 0 ? " class=\"found\"" : "", found);
  page += "</tr>\n";
}

}  // namespace

std::string to_json(const daily_report& report) {
  const auto all = total_of(report);
  rapidjson::StringBuffer buffer;
  json_writer out(buffer);
  out.StartObject();
  count(out, "factory_id", report.factory);
  text(out, "factory", report.name);
  text(out, "from", format_time(report.begin_us));
  text(out, "to", format_time(report.end_us));
  text(out, "created_at", format_time(report.created_at_us));
  out.Key("totals");
  out.StartObject();
  count(out, "sensors", report.sensors.size());
  count(out, "readings", all.readings);
  count(out, "anomalies", all.anomalies);
  count(out, "alerts", all.alerts);
  out.EndObject();
  out.Key("sensors");
  out.StartArray();
  for (const auto& sensor : report.sensors) write_sensor(out, sensor);
  out.EndArray();
  out.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

std::string to_html(const daily_report& report) {
  const auto all = total_of(report);
  const auto name = escaped(report.name), day = format_time(report.begin_us).substr(0, 10);
  std::string page = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}, {1}</title><style>{2}</style></head>\n<body>"
      "<h1>{0}, {1}</h1>\n<p>{3} sensors, {4} readings, {5} anomalies, {6} alerts. The day is in UTC; written {7}.</p>\n"
      "<table><tr><th>machine</th><th>sensor</th><th>readings</th><th>min</th><th>mean</th><th>max</th><th>anomalies</th>"
      "<th>alerts</th></tr>\n",
      name, day, style, report.sensors.size(), all.readings, all.anomalies, all.alerts, format_time(report.created_at_us));
  for (const auto& sensor : report.sensors) write_row(page, sensor);
  page += "</table></body></html>\n";
  return page;
}

}  // namespace factory
