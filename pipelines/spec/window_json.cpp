#include "pipelines/spec/window_json.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "pipelines/spec/limits.hpp"
#include "pipelines/spec/spec_json.hpp"

namespace factory {

namespace {

constexpr std::size_t longest_name = 64;
constexpr std::array<std::string_view, 19> aggregate_names{
    "count", "sum", "mean",     "std",   "min",  "max",     "first",    "last",          "median",  "p90",
    "p95",   "p99", "integral", "slope", "rate", "changes", "quantile", "time_in_state", "duration"};

}  // namespace

std::string_view to_text(aggregate_kind kind) { return aggregate_names.at(static_cast<std::size_t>(kind)); }

namespace spec_json {

namespace {

/// The member that says of which kind the window is, and its length.
expected<bool> read_window_kind(std::string_view member, const std::string& own, element content, window_step& window) {
  const auto span = [&](std::int64_t& to, window_kind kind) {
    window.kind = kind;
    return set(to, span_us(own, content, 1, limits::pipeline_span_ms));
  };
  if (member == "tumbling_ms" || member == "hopping_ms") return span(window.length_us, window_kind::hopping);
  if (member == "sliding_ms") return span(window.length_us, window_kind::sliding);
  if (member == "session_ms") return span(window.gap_us, window_kind::session);
  if (member == "state") {
    window.kind = window_kind::state;
    return set(window.condition, text(own, content, limits::expression_bytes));
  }
  window.kind = window_kind::count;
  return set(window.rows, whole_number(own, content, 1, limits::window_rows));
}

}  // namespace

expected<void> read_window(const std::string& path, element value, window_step& window) {
  constexpr std::array<std::string_view, 6> kinds{"tumbling_ms", "hopping_ms", "sliding_ms", "session_ms", "count", "state"};
  std::vector<std::string> seen;
  std::string every, shift, minimum;  // paths of those that are given
  auto read =
      for_each_member(path, value, [&](std::string_view member, const std::string& own, element content) -> expected<bool> {
        if (std::ranges::find(kinds, member) != kinds.end()) {
          seen.emplace_back(member);
          return read_window_kind(member, own, content, window);
        }
        if (member == "every_ms") return set(window.every_us, span_us(every = own, content, 1, limits::pipeline_span_ms));
        if (member == "shift_ms")
          return set(window.shift_us, span_us(shift = own, content, -limits::pipeline_span_ms, limits::pipeline_span_ms));
        if (member == "minimum_ms") return set(window.minimum_us, span_us(minimum = own, content, 0, limits::pipeline_span_ms));
        return false;
      });
  if (!read) return read;
  if (seen.size() != 1) return refuse(path, "must have one of tumbling_ms, hopping_ms, sliding_ms, session_ms, count, state");
  const bool hops = seen.front() == "hopping_ms";
  if (hops && every.empty()) return refuse(within(path, "every_ms"), "is required with hopping_ms");
  if (!hops && !every.empty()) return refuse(every, "belongs to hopping_ms");
  if (!hops) window.every_us = window.kind == window_kind::hopping ? window.length_us : 0;
  if (hops && (window.every_us > window.length_us || window.length_us / window.every_us > limits::windows_open))
    return refuse(every, "must be at most hopping_ms, and at least a part in " + std::to_string(limits::windows_open) + " of it");
  if (window.kind != window_kind::hopping && !shift.empty()) return refuse(shift, "belongs to tumbling_ms and hopping_ms");
  if (window.kind != window_kind::state && !minimum.empty()) return refuse(minimum, "belongs to state");
  return {};
}

expected<bool> read_aggregate(const std::string& path, element value, window_step& window) {
  if (value.is_object())
    return for_each_member(path, value,
                           [&](std::string_view member, const std::string& own, element content) -> expected<bool> {
                             if (member != "quantile") return false;
                             window.aggregate = aggregate_kind::quantile;
                             if (content.get(window.quantile) || window.quantile < 0 || window.quantile > 1)
                               return refuse(own, "must be a number from 0 to 1");
                             return true;
                           })
        .and_then([&]() -> expected<bool> {
          if (window.aggregate == aggregate_kind::quantile) return true;
          return refuse(within(path, "quantile"), "is required");
        });
  auto name = text(path, value, longest_name);
  if (!name) return tl::unexpected(std::move(name.error()));
  const auto* const at = std::ranges::find(aggregate_names, *name);
  if (at == aggregate_names.end() || *at == to_text(aggregate_kind::quantile)) {
    std::string all;
    for (const auto& each : aggregate_names)
      if (each != to_text(aggregate_kind::quantile)) all.append(each).append(", ");
    return refuse(path, "must be " + all + R"(or an object such as {"quantile":0.99})");
  }
  window.aggregate = static_cast<aggregate_kind>(at - aggregate_names.begin());
  return true;
}

}  // namespace spec_json

}  // namespace factory
