#include "http/text/report_text.hpp"

#include <fmt/format.h>

#include <iterator>
#include <optional>
#include <string_view>

#include "http/text/html_text.hpp"
#include "http/text/json_writer.hpp"
#include "pipelines/model/time.hpp"

namespace factory {

namespace {

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

void write_sensor(json_writer& out, const report_sensor& sensor) {
  const summary& of = sensor.readings;
  const auto known = [&](double value) { return of.count > 0 ? std::optional(value) : std::nullopt; };
  out.begin_object().member("id", sensor.id).member("machine", sensor.machine).member("name", sensor.name);
  out.member("unit", sensor.unit).member("count", of.count).member("min", known(of.min)).member("max", known(of.max));
  out.member("avg", known(of.count > 0 ? of.mean() : 0)).member("std_dev", known(of.std_dev()));
  out.member("first", known(of.first)).member("last", known(of.last));
  out.member("anomalies", sensor.anomalies).member("alerts", sensor.alerts).end_object();
}

constexpr std::string_view style =
    "body{font:15px/1.5 system-ui,sans-serif;margin:2em;color:#222}table{border-collapse:collapse}"
    "th,td{padding:.3em .8em;border-bottom:1px solid #ddd;text-align:right}"
    "td:nth-child(-n+2),th:nth-child(-n+2){text-align:left}.found{color:#b00020;font-weight:600}";

void write_row(std::string& page, const report_sensor& sensor) {
  const auto out = std::back_inserter(page);
  const auto& of = sensor.readings;
  fmt::format_to(out, "<tr><td>{}</td><td>{}</td><td>{}</td>", html_escaped(sensor.machine), html_escaped(sensor.name), of.count);
  if (of.count == 0) {
    page += "<td></td><td></td><td></td>";
  } else {
    for (const double value : {of.min, of.mean(), of.max})
      fmt::format_to(out, "<td>{:.6g} {}</td>", value, html_escaped(sensor.unit));
  }
  for (const auto found : {sensor.anomalies, sensor.alerts})
    fmt::format_to(out, "<td{}>{}</td>", found != 0 ? " class=\"found\"" : "", found);
  page += "</tr>\n";
}

}  // namespace

std::string report_json(const daily_report& report) {
  const auto all = total_of(report);
  json_writer out;
  out.begin_object().member("factory_id", report.factory).member("factory", report.name);
  out.time_member("from", report.begin_us).time_member("to", report.end_us).time_member("created_at", report.created_at_us);
  out.key("totals").begin_object().member("sensors", report.sensors.size()).member("readings", all.readings);
  out.member("anomalies", all.anomalies).member("alerts", all.alerts).end_object().key("sensors").begin_array();
  for (const auto& sensor : report.sensors) write_sensor(out, sensor);
  out.end_array().end_object();
  return out.text();
}

std::string report_html(const daily_report& report) {
  const auto all = total_of(report);
  const auto name = html_escaped(report.name), day = format_time(report.begin_us).substr(0, 10);
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

report_texts write_report(const daily_report& report) { return {report_json(report), report_html(report)}; }

}  // namespace factory
