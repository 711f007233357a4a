#include "pipelines/stream/stream_judge.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "pipelines/model/coding.hpp"
#include "pipelines/spec/limits.hpp"

namespace factory {

source_place source_place::at(std::int64_t place, std::size_t count) {
  const auto n = static_cast<std::int64_t>(count);
  const auto source = (place % n + n) % n;
  return {(place - source) / n, static_cast<std::size_t>(source)};
}

stream_judge::stream_judge(std::shared_ptr<const stream_plan> plan)
    : plan_(std::move(plan)),
      memories_(plan_->memory_count),
      windows_(plan_->window_count),
      sliding_(plan_->sliding_count),
      totals_(plan_->accumulation_count),
      limits_(plan_->limit_count),
      detectors_(plan_->detector_count) {
  if (plan_->source_count > 1) joined_.resize(plan_->source_count);
  if (plan_->interpolates)
    join_.emplace(plan_->source_count, plan_->tolerance_us);
  else if (plan_->source_count > 1)
    sources_.resize(plan_->source_count);
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
  if (join_) {
    std::vector<interpolated_join::row> decided;
    join_->take(time_us, source, value, decided);
    take_joined(decided, out);
    return advance(0, join_->bound_us(time_us), out);
  }
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
  if (!is_whole) return;
  std::ranges::transform(sources_, joined_.begin(), &source_state::value);
  push(0, {time_us, time_us + 1, 0}, out);
}

void stream_judge::take_joined(std::vector<interpolated_join::row>& decided, results& out) {
  for (auto& each : decided) {
    advance(0, each.time_us, out);
    if (each.is == interpolated_join::row::kind::whole) {
      joined_ = std::move(each.values);
      push(0, {each.time_us, each.until_us, 0}, out);
    }
    if (each.is == interpolated_join::row::kind::one_of_too_many) out.push_back({each.time_us, each.until_us, 0, 1});
    joined_until_us_ = std::max(joined_until_us_, each.until_us);
  }
}

/// No row before `bound_us` comes to this step any more.
void stream_judge::advance(std::size_t step, std::int64_t bound_us, results& out) {
  for (; step < plan_->steps.size(); ++step) {
    const auto* const window = std::get_if<stream_plan::window>(&plan_->steps[step]);
    if (window == nullptr) continue;
    close_ended(step, *window, bound_us, out);
    bound_us = bound_behind(*window, bound_us);
  }
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

double stream_judge::judge(const stream_plan::limit& step, limit_state& state, const chain_row& row) {
  const auto& [below, above, options] = step.is;
  using enum limit_state::standing;
  const bool is_back = row.value <= above - options.margin_at(above) && row.value >= below + options.margin_at(below);
  const auto how = row.value > above || row.value < below ? breach : is_back ? back : deadband;
  while (state.advance_before(options, row.time_us).what != limit_state::change::none) continue;
  state.observe(options, row.time_us, how);
  while (state.advance(options, row.time_us).what != limit_state::change::none) continue;
  return state.is_raised() ? 1 : 0;
}

double stream_judge::judge(const stream_plan::detection& step, detector_set& state, const chain_row& row) {
  std::vector<episode_change> changes;
  state.observe(row.time_us, row.value, step.settings, changes);
  double score = state.newest_score();
  for (const auto& each : state.episodes().open()) score = std::max(score, each.score);
  return score;
}

/// False where the condition has no finite value.
bool stream_judge::accumulate(const stream_plan::accumulation& step, total_state& state, chain_row& row) const {
  const double resets = step.reset ? evaluate(*step.reset, row) : 0;
  if (!std::isfinite(resets)) return false;
  if (state.before.time_us != INT64_MIN)
    state.sum += state.before.value * (static_cast<double>(row.time_us - state.before.time_us) / 1e6);
  if (resets != 0) state.sum = 0;
  state.before = {row.time_us, row.value};
  row.value = state.sum;
  return std::isfinite(state.sum);
}

double stream_judge::evaluate(const stream_plan::arithmetic& what, const chain_row& row) const {
  std::array<double, limits::pipeline_sources + 1> values;  // NOLINT: filled as far as it is used
  std::size_t count = 0;
  if (what.with_sources && joined_.empty()) values[count++] = row.single;
  if (what.with_sources)
    for (const auto each : joined_) values[count++] = each;
  if (what.with_value) values[count++] = row.value;
  return what.what.of({values.data(), count});
}

void stream_judge::push(std::size_t step, chain_row row, results& out) {
  for (; step < plan_->steps.size(); ++step) {
    if (const auto* const window = std::get_if<stream_plan::window>(&plan_->steps[step])) return put(step, *window, row, out);
    if (const auto* const memory = std::get_if<stream_plan::memory>(&plan_->steps[step])) {
      if (!remember(*memory, memories_[memory->number], row)) return;
      if (std::isfinite(row.value)) continue;
      out.push_back({row.time_us, row.until_us, 0, static_cast<std::uint8_t>(step + 1)});
      return;
    }
    if (const auto* const total = std::get_if<stream_plan::accumulation>(&plan_->steps[step])) {
      if (accumulate(*total, totals_[total->number], row)) continue;
      out.push_back({row.time_us, row.until_us, 0, static_cast<std::uint8_t>(step + 1)});
      return;
    }
    if (const auto* const limit = std::get_if<stream_plan::limit>(&plan_->steps[step])) {
      row.value = judge(*limit, limits_[limit->number], row);
      continue;
    }
    if (const auto* const detection = std::get_if<stream_plan::detection>(&plan_->steps[step])) {
      row.value = judge(*detection, detectors_[detection->number], row);
      continue;
    }
    const auto& arithmetic = std::get<stream_plan::arithmetic>(plan_->steps[step]);
    const double made = evaluate(arithmetic, row);
    if (!std::isfinite(made)) {
      out.push_back({row.time_us, row.until_us, 0, static_cast<std::uint8_t>(step + 1)});
      return;
    }
    if (arithmetic.filters && made == 0) return;
    if (!arithmetic.filters) row.value = made;
  }
  out.push_back({row.time_us, row.until_us, row.value, 0});
}

void stream_judge::finish(std::int64_t until_us, results& out) {
  if (join_) {
    std::vector<interpolated_join::row> decided;
    join_->finish(until_us, decided);
    take_joined(decided, out);
    return advance(0, join_->bound_us(until_us), out);
  }
  if (joined_us_ < until_us) end_joined(out);
  advance(0, until_us, out);
}

bool stream_judge::would_finish(std::int64_t until_us) const {
  const auto next = next_end_us(INT64_MIN);
  return next && *next <= until_us;
}

std::optional<std::int64_t> stream_judge::next_end_us(std::int64_t after_us) const {
  std::optional<std::int64_t> next;
  const auto take_end = [&](std::int64_t end_us) {
    const bool waits_for_a_row = end_us == INT64_MAX;
    if (!waits_for_a_row && end_us > after_us && (!next || end_us < *next)) next = end_us;
  };
  if (joined_us_ != INT64_MIN) take_end(joined_us_ + 1);
  if (join_)
    if (const auto end_us = join_->next_end_us(after_us)) take_end(*end_us);
  for (std::size_t step = 0; step < plan_->steps.size(); ++step) {
    const auto* const window = std::get_if<stream_plan::window>(&plan_->steps[step]);
    if (window == nullptr) continue;
    for (const auto& each : windows_[window->number].open)
      if (const auto end_us = end_of_open(*window, each)) take_end(needed_bound_us(step, *end_us));
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
  for (const auto& each : plan_->steps)
    if (const auto* const window = std::get_if<stream_plan::window>(&each)) encode_window(*window, out);
  for (const auto& each : totals_) {
    put_zigzag(out, each.before.time_us);
    put_double(out, each.before.value);
    put_double(out, each.sum);
  }
  for (const auto& each : limits_) each.encode(out);
  for (const auto& each : detectors_) each.encode(out);
  if (join_) put_zigzag(out, joined_until_us_);
  if (join_) join_->encode(out);
}

bool stream_judge::decode(std::string_view& in) {
  if (!get_zigzag(in, joined_us_)) return false;
  for (auto& each : sources_)
    if (!get_zigzag(in, each.time_us) || !get_double(in, each.value)) return false;
  for (auto& each : memories_)
    if (!get_zigzag(in, each.time_us) || !get_double(in, each.value)) return false;
  for (const auto& each : plan_->steps)
    if (const auto* const window = std::get_if<stream_plan::window>(&each); window != nullptr && !decode_window(*window, in))
      return false;
  for (auto& each : totals_)
    if (!get_zigzag(in, each.before.time_us) || !get_double(in, each.before.value) || !get_double(in, each.sum)) return false;
  for (auto& each : limits_)
    if (!each.decode(in)) return false;
  for (auto& each : detectors_)
    if (!each.decode(in)) return false;
  return !join_ || (get_zigzag(in, joined_until_us_) && join_->decode(in));
}

}  // namespace factory
