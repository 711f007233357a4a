#include <charconv>

#include "http/api/api_call.hpp"
#include "http/edge/access.hpp"
#include "http/edge/problem.hpp"
#include "http/edge/query.hpp"

namespace factory {

namespace {

constexpr std::size_t percentiles_per_call = 20;

/// `percentiles=50,99.9`: the texts become the names in the answer.
std::vector<std::pair<std::string, double>> read_percentiles(query_reader& query) {
  std::vector<std::pair<std::string, double>> asked;
  for (const std::string_view part : query.list("percentiles").value_or(std::vector<std::string_view>{})) {
    double percent = -1;
    const auto [end, failed] = std::from_chars(part.data(), part.data() + part.size(), percent);
    const bool good = failed == std::errc{} && end == part.data() + part.size() && percent >= 0 && percent <= 100;
    if (!good || asked.size() == percentiles_per_call) {
      query.fail_at("percentiles", "up to 20 numbers of 0 to 100, with commas between");
      return {};
    }
    asked.emplace_back(part, percent / 100);
  }
  return asked;
}

void write_stats(json_writer& out, const range_stats& stats, const std::vector<std::pair<std::string, double>>& asked) {
  const summary& v = stats.values;
  const auto known = [&](auto value) { return v.count > 0 ? std::optional(value) : std::nullopt; };
  out.begin_object().member("sensor_id", stats.sensor).member("min", known(v.min)).member("max", known(v.max));
  out.member("avg", v.count > 0 ? std::optional(v.mean()) : std::nullopt).member("count", v.count);
  out.member("std_dev", v.count > 0 ? std::optional(v.std_dev()) : std::nullopt).member("sum", known(v.total()));
  out.member("first", known(v.first)).member("last", known(v.last));
  out.key("first_timestamp");
  v.count > 0 ? out.time(v.first_us) : out.value(nullptr);
  out.key("last_timestamp");
  v.count > 0 ? out.time(v.last_us) : out.value(nullptr);
  if (!stats.available) out.member("available", false);
  if (!asked.empty()) {
    out.key("percentiles").begin_object();
    for (std::size_t i = 0; i < asked.size(); ++i) {
      out.member(asked[i].first, i < stats.percentiles.size() ? known(stats.percentiles[i].second) : std::nullopt);
    }
    out.end_object();
  }
  out.end_object();
}

/// `window=5m`: the readings of the last five minutes up to and including the newest one.
expected<time_range> newest_window(query_port& behind, sensor_id id, std::int64_t window_us, reading_form form) {
  const auto newest = behind.latest(id, form);
  if (newest) return time_range{newest->event_time_us + 1 - window_us, newest->event_time_us + 1};
  if (newest.error().code == errc::not_found) return time_range{0, 0};  // the sensor exists, so it has no newest reading
  return tl::unexpected(newest.error());
}

expected<http_response> get_stats(query_port& behind, const http_request& request, const path_argument& path) {
  if (auto there = require_sensor(behind, path.id); !there) return fail_with(there.error());
  query_reader query(request);
  expected<time_range> range = read_range(query);
  const auto window_us = query.duration_us("window");
  if (window_us && (query.text("from") || query.text("to"))) query.fail_at("window", "given without from and to");
  const auto asked = read_percentiles(query);
  const auto form = read_form(query);
  if (query.fault()) return fail_with(*query.fault());

  if (window_us) range = newest_window(behind, path.id, *window_us, form);
  if (!range) return fail_with(range.error());
  std::vector<double> ranks;
  for (const auto& [text, rank] : asked) ranks.push_back(rank);
  auto begun = behind.begin_stats(path.id, *range, std::move(ranks), form);
  if (!begun) return fail_with(begun.error());
  http_response answer;
  answer.finish = [begun = std::move(*begun), asked](http_response& whole) mutable {
    const auto stats = begun.wait();
    if (!stats) {
      whole = problem(stats.error());
      return;
    }
    json_writer out;
    write_stats(out, *stats, asked);
    whole = json_response(out);
  };
  return answer;
}

/// The statistics of many sensors in one call: of a machine's, of those with a label, or of all.
expected<http_response> get_all_stats(query_port& behind, const http_request& request, const path_argument&) {
  query_reader query(request);
  const auto machine = query.id("machine_id");
  const label_set labels = query.labels();
  const time_range range = read_range(query);
  if (query.fault()) return fail_with(*query.fault());
  std::vector<sensor_id> ids;
  const auto seen = sensors_of(behind, request.factory);
  for (const sensor_entry& sensor : sensors_with(behind, labels, machine)) {
    if (seen->contains(sensor.id)) ids.push_back(sensor.id);
  }
  if (ids.size() > limits::sensors_per_answer) {
    return fail(errc::invalid,
                std::to_string(ids.size()) + " sensors are more than " + std::to_string(limits::sensors_per_answer) +
                    "; ask for those of one machine, or with a label",
                "machine_id");
  }
  const auto stats = behind.stats(ids, range);
  if (!stats) return fail_with(stats.error());
  json_writer out(256 * (ids.size() + 1));
  out.begin_object().key("stats").begin_array();
  for (const range_stats& each : *stats) write_stats(out, each, {});
  out.end_array().end_object();
  return json_response(out);
}

}  // namespace

void add_stats_calls(api_table& table) {
  table.push_back({http_method::get,
                   "/api/sensors/{id}/stats",
                   "Statistics of a range, of the window before and with the newest reading, or of all readings",
                   get_stats,
                   {"from", "to", "window", "percentiles", "raw", "include"},
                   {},
                   "stats"});
  table.push_back({http_method::get,
                   "/api/stats",
                   "Statistics of a range for each sensor of a machine, with a label, or for all",
                   get_all_stats,
                   {"machine_id", "label", "from", "to"},
                   {},
                   "all_stats"});
  table.back().limited = factory_limit::handled;
}

}  // namespace factory
