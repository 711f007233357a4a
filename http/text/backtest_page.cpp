#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <ranges>
#include <string>
#include <string_view>

#include "http/text/backtest_text.hpp"
#include "http/text/html_text.hpp"
#include "pipelines/model/time.hpp"

namespace factory {

namespace {

constexpr std::size_t most_rows = 50;  ///< sensors of a line on the page
constexpr int bar_width = 10, plot_height = 60, series_height = 120;

constexpr std::string_view page_style =
    "body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:70em;padding:0 1em;color:#222}"
    "table{border-collapse:collapse}th,td{padding:.25em .8em;border-bottom:1px solid #ddd;text-align:right}"
    "td:first-child,th:first-child{text-align:left}h2{margin:2em 0 .3em}.draft{color:#8a4b00}"
    "svg{display:block;background:#f7f7f5;margin:.4em 0}details{margin:.4em 0}"
    "@media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}th,td{border-color:#444}svg{background:#222}"
    ".draft{color:#ffb45c}}";

std::string length_text(std::int64_t us) {
  const auto s = us / 1'000'000;
  if (s < 120) return fmt::format("{:.6g} s", static_cast<double>(us) / 1e6);
  if (s < 7'200) return fmt::format("{} min", s / 60);
  if (s < 172'800) return fmt::format("{} h {} min", s / 3'600, s / 60 % 60);
  return fmt::format("{} d {} h", s / 86'400, s / 3'600 % 24);
}

std::string percent(double share) { return fmt::format("{:.3g} %", share * 100); }
std::string percent(const std::optional<double>& share) { return share ? percent(*share) : "–"; }

void append_bars(std::string& page, const std::vector<std::uint32_t>& counts, std::uint32_t most, std::string_view colour,
                 int offset, int width) {
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    const auto height = std::max(2, static_cast<int>(plot_height * static_cast<double>(counts[i]) / most));
    fmt::format_to(std::back_inserter(page),
                   "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\"><title>{}</title></rect>",
                   static_cast<int>(i) * bar_width + offset, plot_height - height, width, height, colour, counts[i]);
  }
}

/// When a line fired: a bar for each part of the range; what is in force in its place in another colour beside it.
void append_plot(std::string& page, const backtest_result& result, const backtest_line& line) {
  const auto* const before = result.in_force(line);
  std::uint32_t most = 1;
  for (const auto count : line.over_time) most = std::max(most, count);
  if (before != nullptr)
    for (const auto count : before->over_time) most = std::max(most, count);
  const auto width = bar_width * static_cast<int>(line.over_time.size());
  fmt::format_to(std::back_inserter(page),
                 "<svg role=\"img\" viewBox=\"0 0 {0} {1}\" width=\"100%\" height=\"{1}\" preserveAspectRatio=\"none\">", width,
                 plot_height);
  if (before != nullptr) {
    append_bars(page, before->over_time, most, "#9db4c8", 0, bar_width / 2);
    append_bars(page, line.over_time, most, "#c05a00", bar_width / 2, bar_width / 2 - 1);
  } else {
    append_bars(page, line.over_time, most, line.draft ? "#c05a00" : "#2b6ca3", 0, bar_width - 1);
  }
  fmt::format_to(std::back_inserter(page), "</svg><small>{} to {}; the highest bar is {}{}</small>\n",
                 format_time(result.begin_us), format_time(result.end_us), most,
                 before != nullptr ? "; grey: as it is in force" : "");
}

void append_row(std::string& page, std::string_view name, const firing_figures& of, std::int64_t span_us, std::size_t sensors) {
  fmt::format_to(std::back_inserter(page), "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>", name, of.count,
                 of.count == 0 ? "–" : length_text(of.longest_us), of.first_us ? format_time(*of.first_us) : "–",
                 percent(share_of_time(of, span_us, sensors)));
}

constexpr std::string_view figure_heads = "<th>count</th><th>longest</th><th>first</th><th>share of time</th>";

/// Those of which a line says something: sensors, or machines.
void append_places(std::string& page, std::string_view what, const std::map<std::uint32_t, firing_figures>& by,
                   const backtest_line& line, std::int64_t span_us, const sensor_names& names) {
  if (by.empty()) return;
  fmt::format_to(std::back_inserter(page), "<details><summary>{} of {} {}s</summary><table><tr><th>{}</th>{}</tr>\n", by.size(),
                 line.sensors, what, what, figure_heads);
  std::size_t rows = 0;
  for (const auto& [place, figures] : by) {
    if (++rows > most_rows) break;
    append_row(page, html_escaped(names(place)), figures, span_us, 1);
    page += "</tr>\n";
  }
  page += "</table></details>\n";
}

/// With the sensor of a line that is about one alone: rules of many machines have the same name.
std::string cell_of(const backtest_line& line, const sensor_names& names) {
  auto text = fmt::format("<span{}>{}</span>", line.draft ? " class=\"draft\"" : "", html_escaped(title_of(line)));
  if (line.sensors == 1 && line.by_sensor.size() == 1)
    text += fmt::format("<br><small>{}</small>", html_escaped(names(line.by_sensor.begin()->first)));
  return text;
}

void append_summary(std::string& page, const backtest_result& result, std::int64_t span_us, const sensor_names& names) {
  const bool known = result.faults != 0;
  fmt::format_to(std::back_inserter(page), "<table><tr><th>what</th>{}", figure_heads);
  if (known) page += "<th>faults found</th><th>precision</th><th>recall</th><th>median delay</th>";
  page += "</tr>\n";
  for (const auto& line : result.lines) {
    append_row(page, cell_of(line, names), line.all, span_us, line.sensors);
    if (known && line.faults) {
      fmt::format_to(std::back_inserter(page), "<td>{} of {}</td><td>{}</td><td>{}</td><td>{}</td>", line.faults->found,
                     line.faults->faults, percent(line.faults->precision()), percent(line.faults->recall()),
                     line.faults->median_delay_us ? length_text(*line.faults->median_delay_us) : "–");
    }
    page += "</tr>\n";
  }
  page += "</table>\n";
}

/// What a draft of a pipeline computes: from the least to the greatest value in each part of the range, and the mean.
void append_series(std::string& page, const drafted_series& series, const backtest_result& result) {
  fmt::format_to(std::back_inserter(page), "<h2 class=\"draft\">draft: pipeline {}: {}</h2>\n", html_escaped(series.pipeline),
                 html_escaped(series.sensor));
  if (series.all.count == 0) {
    page += "<p>It gives no readings in this range.</p>\n";
    return;
  }
  const double span = series.all.max > series.all.min ? series.all.max - series.all.min : 1;
  const auto height_of = [&](double value) { return (series.all.max - value) / span * (series_height - 2) + 1; };
  fmt::format_to(std::back_inserter(page),
                 "<svg role=\"img\" viewBox=\"0 0 {0} {1}\" width=\"100%\" height=\"{1}\" preserveAspectRatio=\"none\">",
                 bar_width * static_cast<int>(series.over_time.size()), series_height);
  for (std::size_t i = 0; i < series.over_time.size(); ++i) {
    const auto& part = series.over_time[i];
    if (part.count == 0) continue;
    const auto top = height_of(part.max), bottom = height_of(part.min), middle = height_of(part.mean());
    fmt::format_to(
        std::back_inserter(page),
        "<rect x=\"{0}\" y=\"{1:.1f}\" width=\"{2}\" height=\"{3:.1f}\" fill=\"#e0a570\"><title>{4:.6g} to {5:.6g}, mean "
        "{6:.6g}</title></rect><rect x=\"{0}\" y=\"{7:.1f}\" width=\"{2}\" height=\"2\" fill=\"#c05a00\"/>",
        static_cast<int>(i) * bar_width, top, bar_width - 1, std::max(1.0, bottom - top), part.min, part.max, part.mean(),
        middle - 1);
  }
  fmt::format_to(std::back_inserter(page), "</svg><small>{} to {}; {} readings from {:.6g} to {:.6g} {}, mean {:.6g}</small>\n",
                 format_time(result.begin_us), format_time(result.end_us), series.all.count, series.all.min, series.all.max,
                 html_escaped(series.unit), series.all.mean());
}

}  // namespace

std::string backtest_html(const backtest_result& result, const sensor_names& known) {
  const auto names = names_in(result, known);
  const auto machine_name = [&](machine_id machine) {
    const auto at = result.machine_names.find(machine);
    return at == result.machine_names.end() ? "machine " + std::to_string(machine) : at->second;
  };
  const auto span_us = result.end_us - result.begin_us;
  std::string page = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Backtest</title><style>{}</style></head>\n<body>"
      "<h1>Backtest</h1>\n<p>{} to {}: {} readings of {} sensors in {:.2f} s; {} findings by what is in force; digest {}.</p>\n",
      page_style, format_time(result.begin_us), format_time(result.end_us), result.readings, result.sensors, result.seconds,
      result.findings, digest_text(result.digest));
  if (const auto text = left_out_text(result); !text.empty()) page += "<p>" + text + ".</p>\n";
  if (!result.differences.empty()) {
    page += "<ul>\n";
    for (const auto& each : result.differences) page += "<li class=\"draft\">" + html_escaped(each) + "</li>\n";
    page += "</ul>\n";
  }
  append_summary(page, result, span_us, names);
  for (const auto& line : result.lines) {
    fmt::format_to(std::back_inserter(page), "<h2{}>{}</h2>\n", line.draft ? " class=\"draft\"" : "",
                   html_escaped(title_of(line)));
    append_plot(page, result, line);
    append_places(page, "sensor", line.by_sensor, line, span_us, names);
    append_places(page, "machine", line.by_machine, line, span_us, machine_name);
  }
  for (const auto& each : result.drafted | std::views::take(most_rows)) append_series(page, each, result);
  page += "</body></html>\n";
  return page;
}

std::string backtest_html(std::string_view state, double share, std::string_view failure) {
  const bool goes_on = state == "waiting" || state == "running";
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">{}<title>Backtest</title><style>{}</style></head>\n<body>"
      "<h1>Backtest</h1>\n<p>{}, {} done. {}</p>\n</body></html>\n",
      goes_on ? "<meta http-equiv=\"refresh\" content=\"2\">" : "", page_style, html_escaped(state), percent(share),
      html_escaped(failure));
}

}  // namespace factory
