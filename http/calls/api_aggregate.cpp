#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "http/api/api_call.hpp"
#include "http/edge/query.hpp"

namespace factory {

namespace {

bool bounded(const time_range& range) { return range.begin_us != INT64_MIN && range.end_us != INT64_MAX; }

struct aggregate_request {
  time_range range;
  std::int64_t step_us = 0;
  std::vector<bucket_function> functions{bucket_function::avg};
  bool fill = false;
  reading_form form = reading_form::effective;
};

expected<aggregate_request> read_aggregate(const http_request& request) {
  query_reader query(request);
  aggregate_request asked;
  asked.range = read_range(query);
  asked.step_us = query.duration_us("step").value_or(0);
  if (!query.text("step")) query.fail_at("step", "given, for example step=1m");
  asked.form = read_form(query);
  asked.fill = query.word("fill", {"none", "null"}) == 1U;
  if (const auto names = query.list("fn")) {
    asked.functions.clear();
    for (const std::string_view name : *names) {
      const auto fn = parse_bucket_function(name);
      const bool again = fn && std::ranges::count(asked.functions, *fn) > 0;
      if (!fn || again) query.fail_at("fn", "some of avg, min, max, sum, count, first, last, std_dev with commas between");
      if (fn) asked.functions.push_back(*fn);
    }
  }
  if (query.fault()) return fail_with(*query.fault());
  return asked;
}

/// Counts the steps that begin within the range, and the one that contains its begin.
std::uint64_t step_count(const time_range& range, std::int64_t step_us) {
  if (range.begin_us >= range.end_us) return 0;
  const std::int64_t first = bucket_start(range.begin_us, step_us), last = bucket_start(range.end_us - 1, step_us);
  return (static_cast<std::uint64_t>(last) - static_cast<std::uint64_t>(first)) / static_cast<std::uint64_t>(step_us) + 1;
}

/// Narrows an open range, or one with too many steps, to the time that has readings: empty steps do not count.
expected<time_range> narrow(query_port& behind, sensor_id id, const aggregate_request& asked) {
  const bool as_given =
      bounded(asked.range) && (asked.fill || step_count(asked.range, asked.step_us) <= limits::aggregate_buckets);
  if (as_given) return asked.range;
  const auto stats = behind.stats(id, asked.range, {}, asked.form);
  if (!stats) return tl::unexpected(stats.error());
  if (stats->values.count == 0) return time_range{0, 0};
  time_range range{stats->values.first_us, stats->values.last_us + 1};
  if (asked.fill && asked.range.begin_us != INT64_MIN) range.begin_us = asked.range.begin_us;
  if (asked.fill && asked.range.end_us != INT64_MAX) range.end_us = asked.range.end_us;
  return range;
}

expected<void> check_step_count(const time_range& range, std::int64_t step_us) {
  const std::uint64_t steps = step_count(range, step_us);
  if (steps <= limits::aggregate_buckets) return {};
  // One less, because an unaligned range touches one step more.
  const double enough_s =
      std::ceil(static_cast<double>(steps) * static_cast<double>(step_us) / 1e6 / (limits::aggregate_buckets - 1));
  return fail(errc::invalid,
              std::to_string(steps) + " steps are more than " + std::to_string(limits::aggregate_buckets) + "; take a step of " +
                  fmt::format("{:.0f}s", enough_s) + " or more, or a shorter range",
              "step");
}

void write_step(json_writer& out, std::int64_t start_us, const summary* values, const std::vector<bucket_function>& functions) {
  out.begin_object().time_member("timestamp", start_us);
  for (const bucket_function fn : functions) {
    out.key(to_text(fn));
    if (fn == bucket_function::count) {
      out.value(values == nullptr ? 0 : values->count);
    } else {
      values == nullptr ? out.value(nullptr) : out.value(value_of(*values, fn));
    }
  }
  out.end_object();
}

http_response series_json(sensor_id id, const aggregate_request& asked, const time_range& range,
                          const std::vector<bucket>& buckets) {
  json_writer out(64 * (buckets.size() + 4));
  out.begin_object().member("sensor_id", id).key("step_ms");
  write_ms(out, asked.step_us);
  out.key("functions").begin_array();
  for (const bucket_function fn : asked.functions) out.value(to_text(fn));
  out.end_array().key("series").begin_array();
  if (!asked.fill) {
    for (const bucket& b : buckets) write_step(out, b.start_us, &b.values, asked.functions);
  } else {
    auto next = buckets.begin();
    std::int64_t start_us = bucket_start(range.begin_us, asked.step_us);
    for (std::uint64_t steps = step_count(range, asked.step_us); steps > 0; --steps, start_us += asked.step_us) {
      const bool filled = next != buckets.end() && next->start_us == start_us;
      write_step(out, start_us, filled ? &(next++)->values : nullptr, asked.functions);
    }
  }
  out.end_array().end_object();
  return json_response(out);
}

expected<http_response> get_aggregate(query_port& behind, const http_request& request, const path_argument& path) {
  if (auto there = require_sensor(behind, path.id); !there) return fail_with(there.error());
  const auto asked = read_aggregate(request);
  if (!asked) return fail_with(asked.error());
  const auto range = narrow(behind, path.id, *asked);
  if (!range) return fail_with(range.error());
  if (auto few = check_step_count(*range, asked->step_us); !few) return fail_with(few.error());
  std::vector<bucket> buckets;
  if (range->begin_us < range->end_us) {
    auto found = behind.aggregate(path.id, *range, asked->step_us, asked->form);
    if (!found) return fail_with(found.error());
    buckets = std::move(*found);
  }
  return series_json(path.id, *asked, *range, buckets);
}

}  // namespace

void add_aggregate_call(api_table& table) {
  table.push_back({http_method::get,
                   "/api/sensors/{id}/aggregate",
                   "Readings down-sampled to steps aligned to the epoch",
                   get_aggregate,
                   {"from", "to", "step", "fn", "fill", "raw", "include"},
                   {},
                   "aggregate"});
}

}  // namespace factory
