#include "pipelines/stream/stream_judge.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "pipelines/model/coding.hpp"
#include "pipelines/stream/limits.hpp"

namespace factory {

source_place source_place::at(std::int64_t place, std::size_t count) {
  const auto n = static_cast<std::int64_t>(count);
  const auto source = (place % n + n) % n;
  return {(place - source) / n, static_cast<std::size_t>(source)};
}

stream_judge::stream_judge(std::shared_ptr<const stream_plan> plan)
    : plan_(std::move(plan)), memories_(plan_->memory_count), windows_(plan_->window_count) {
  if (plan_->source_count > 1) sources_.resize(plan_->source_count);
}

void stream_judge::observe(const recent_rows& rows, std::size_t begin, std::size_t end, std::int64_t, std::vector<finding>& out) {
  const auto places = rows.times_us();
  const auto values = rows.values();
  for (auto row = begin; row < end; ++row) {
    const auto [time_us, source] = source_place::at(places[row], plan_->source_count);
    take(time_us, source, values[row], out);
  }
}

void stream_judge::take(std::int64_t time_us, std::size_t source, double value, std::vector<finding>& out) {
  if (sources_.empty()) {
    advance(0, time_us, out);
    return push(0, {time_us, time_us + 1, value, value}, out);
  }
  if (joined_us_ != time_us) end_joined(out);
  sources_[source] = {time_us, value};
  joined_us_ = time_us;
  if (source + 1 == sources_.size()) end_joined(out);
}

/// Rows come by time, then by source: behind the last source, or behind a later row, none of this time comes.
void stream_judge::end_joined(std::vector<finding>& out) {
  const auto time_us = std::exchange(joined_us_, INT64_MIN);
  if (time_us == INT64_MIN) return;
  advance(0, time_us, out);
  const auto oldest_us = time_us - plan_->tolerance_us;
  const bool is_whole = std::ranges::all_of(sources_, [&](const source_state& each) { return each.time_us >= oldest_us; });
  if (is_whole) push(0, {time_us, time_us + 1, 0}, out);
}

/// No row before `bound_us` comes to this step any more.
void stream_judge::advance(std::size_t step, std::int64_t bound_us, std::vector<finding>& out) {
  for (; step < plan_->steps.size(); ++step) {
    const auto* const window = std::get_if<stream_plan::window>(&plan_->steps[step]);
    if (window == nullptr) continue;
    const auto& state = windows_[window->number];
    if (state.is_open && state.values.begin_us() + window->length_us <= bound_us) close(step, *window, out);
    bound_us = window->begin_of(bound_us);  // results of windows before that are out
  }
}

void stream_judge::close(std::size_t step, const stream_plan::window& window, std::vector<finding>& out) {
  auto& state = windows_[window.number];
  state.is_open = false;
  const auto begin_us = state.values.begin_us(), end_us = begin_us + window.length_us;
  const auto until_us = needed_bound_us(step, end_us);
  const double value = state.values.at_end(end_us);
  if (std::isfinite(value))
    push(step + 1, {begin_us, until_us, value}, out);
  else
    out.push_back({begin_us, until_us, 0, static_cast<std::uint8_t>(step + 1)});
}

/// Makes the row's value from it and the row before; false where there is none yet.
bool stream_judge::remember(const stream_plan::memory& step, window_values::row& before, chain_row& row) {
  const auto known = std::exchange(before, {row.time_us, row.value});
  if (known.time_us == INT64_MIN) return step.time_constant_us != 0;
  const auto passed_us = static_cast<double>(row.time_us - known.time_us);
  if (step.time_constant_us == 0) {
    row.value = (row.value - known.value) / (passed_us / 1e6);
  } else {
    const auto weight = -std::expm1(-passed_us / static_cast<double>(step.time_constant_us));
    row.value = before.value = known.value + weight * (row.value - known.value);
  }
  return true;
}

void stream_judge::push(std::size_t step, chain_row row, std::vector<finding>& out) {
  std::array<double, limits::pipeline_sources + 1> values;  // NOLINT: filled as far as it is used
  for (; step < plan_->steps.size(); ++step) {
    if (const auto* const window = std::get_if<stream_plan::window>(&plan_->steps[step])) {
      advance(step, row.time_us, out);
      auto& state = windows_[window->number];
      if (!state.is_open) state = {true, {window->aggregate, window->begin_of(row.time_us), state.values.newest()}};
      state.values.add(row.time_us, row.value);
      return;
    }
    if (const auto* const memory = std::get_if<stream_plan::memory>(&plan_->steps[step])) {
      if (!remember(*memory, memories_[memory->number], row)) return;
      if (std::isfinite(row.value)) continue;
      out.push_back({row.time_us, row.until_us, 0, static_cast<std::uint8_t>(step + 1)});
      return;
    }
    const auto& arithmetic = std::get<stream_plan::arithmetic>(plan_->steps[step]);
    std::size_t count = 0;
    if (arithmetic.with_sources && sources_.empty()) values[count++] = row.single;
    if (arithmetic.with_sources)
      for (const auto& each : sources_) values[count++] = each.value;
    if (arithmetic.with_value) values[count++] = row.value;
    const double made = arithmetic.what.of({values.data(), count});
    if (!std::isfinite(made)) {
      out.push_back({row.time_us, row.until_us, 0, static_cast<std::uint8_t>(step + 1)});
      return;
    }
    if (arithmetic.filters && made == 0) return;
    if (!arithmetic.filters) row.value = made;
  }
  out.push_back({row.time_us, row.until_us, row.value, 0});
}

void stream_judge::finish(std::int64_t until_us, std::vector<finding>& out) {
  if (joined_us_ < until_us) end_joined(out);
  advance(0, until_us, out);
}

bool stream_judge::would_finish(std::int64_t until_us) const {
  const auto next = next_end_us(INT64_MIN);
  return next && *next <= until_us;
}

/// The least bound at the first step with which this step gets `bound_us`.
std::int64_t stream_judge::needed_bound_us(std::size_t step, std::int64_t bound_us) const {
  while (step-- > 0)
    if (const auto* const window = std::get_if<stream_plan::window>(&plan_->steps[step])) bound_us = window->begin_from(bound_us);
  return bound_us;
}

std::optional<std::int64_t> stream_judge::next_end_us(std::int64_t after_us) const {
  std::optional<std::int64_t> next;
  const auto take_end = [&](std::int64_t end_us) {
    if (end_us > after_us && (!next || end_us < *next)) next = end_us;
  };
  if (joined_us_ != INT64_MIN) take_end(joined_us_ + 1);
  for (std::size_t step = 0; step < plan_->steps.size(); ++step) {
    const auto* const window = std::get_if<stream_plan::window>(&plan_->steps[step]);
    if (window == nullptr || !windows_[window->number].is_open) continue;
    take_end(needed_bound_us(step, windows_[window->number].values.begin_us() + window->length_us));
  }
  return next;
}

void stream_judge::encode(std::string& out) const {
  put_zigzag(out, joined_us_);
  for (const auto& each : sources_) {
    put_zigzag(out, each.time_us);
    put_double(out, each.value);
  }
  for (const auto& each : memories_) {
    put_zigzag(out, each.time_us);
    put_double(out, each.value);
  }
  for (const auto& each : windows_) {
    put_byte(out, each.is_open ? 1 : 0);
    each.values.encode(out);
  }
}

bool stream_judge::decode(std::string_view& in) {
  if (!get_zigzag(in, joined_us_)) return false;
  for (auto& each : sources_)
    if (!get_zigzag(in, each.time_us) || !get_double(in, each.value)) return false;
  for (auto& each : memories_)
    if (!get_zigzag(in, each.time_us) || !get_double(in, each.value)) return false;
  for (auto& each : windows_) {
    std::uint8_t is_open = 0;
    if (!get_byte(in, is_open) || is_open > 1 || !each.values.decode(in)) return false;
    each.is_open = is_open == 1;
  }
  return true;
}

}  // namespace factory
