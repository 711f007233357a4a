#include <algorithm>
#include <cmath>
#include <deque>
#include <utility>

#include "pipelines/model/coding.hpp"
#include "pipelines/stream/limits.hpp"
#include "pipelines/stream/stream_judge.hpp"

namespace factory {

/// When a window that is open ends if no further row comes. Count and state windows wait for a row.
std::optional<std::int64_t> stream_judge::end_of_open(const stream_plan::window& window, const window_values& values) const {
  if (window.kind == window_kind::hopping) return values.begin_us() + window.length_us;
  if (window.kind == window_kind::session) return values.newest().time_us + window.gap_us;
  return std::nullopt;
}

/// No row before `bound_us` comes to the window any more.
void stream_judge::close_ended(std::size_t step, const stream_plan::window& window, std::int64_t bound_us, results& out) {
  auto& state = windows_[window.number];
  while (!state.open.empty()) {
    const auto end_us = end_of_open(window, state.open.front());
    if (!end_us || *end_us > bound_us) return;
    const auto value_end_us = window.kind == window_kind::session ? state.open.front().newest().time_us : *end_us;
    close(step, window, value_end_us, needed_bound_us(step, *end_us), out);
  }
}

/// The first window that is open gives its row.
void stream_judge::close(std::size_t step, const stream_plan::window& window, std::int64_t end_us, std::int64_t until_us,
                         results& out) {
  auto& state = windows_[window.number];
  const auto values = std::move(state.open.front());
  state.open.erase(state.open.begin());
  const auto begin_us = values.begin_us();
  if (window.kind != window_kind::hopping) {
    state.closed_begin_us = begin_us;
    state.closed_until_us = until_us;
  }
  if (end_us - begin_us < window.minimum_us) return;
  const double value = values.at_end(end_us, window.quantile);
  if (std::isfinite(value))
    push(step + 1, {begin_us, until_us, value}, out);
  else
    out.push_back({begin_us, until_us, 0, static_cast<std::uint8_t>(step + 1)});
}

/// Where no row before `bound_us` comes to a window, none before this instant leaves it.
std::int64_t stream_judge::bound_behind(const stream_plan::window& window, std::int64_t bound_us) const {
  if (window.kind == window_kind::hopping) return window.begin_of(bound_us - window.length_us) + window.every_us;
  const auto& open = windows_[window.number].open;
  return open.empty() ? bound_us : open.front().begin_us();
}

/// The least bound at the first step with which this step gets `bound_us`. Of the windows before it, those whose end waits for a row are as
/// they are: what ends behind them has ended by the same row.
std::int64_t stream_judge::needed_bound_us(std::size_t step, std::int64_t bound_us) const {
  auto least_us = INT64_MIN;
  while (step-- > 0) {
    const auto* const window = std::get_if<stream_plan::window>(&plan_->steps[step]);
    if (window == nullptr || window->kind == window_kind::sliding) continue;
    if (window->kind == window_kind::hopping) {
      bound_us = window->begin_from(bound_us - window->every_us) + window->length_us;
      continue;
    }
    const auto& state = windows_[window->number];
    if (state.closed_begin_us != INT64_MIN && bound_us > state.closed_begin_us)
      least_us = std::max(least_us, state.closed_until_us);
    if (state.open.empty() || bound_us <= state.open.front().begin_us()) continue;
    const auto end_us = end_of_open(*window, state.open.front());
    if (!end_us) return INT64_MAX;
    least_us = std::max(least_us, needed_bound_us(step, *end_us));
  }
  return std::max({least_us, bound_us, joined_until_us_});
}

void stream_judge::put(std::size_t step, const stream_plan::window& window, const chain_row& row, results& out) {
  advance(step, row.time_us, out);
  auto& state = windows_[window.number];
  if (window.kind == window_kind::sliding) return slide(step, window, row, out);
  if (window.kind == window_kind::state) {
    const double holds = evaluate(*window.condition, row);
    if (!std::isfinite(holds)) return out.push_back({row.time_us, row.until_us, 0, static_cast<std::uint8_t>(step + 1)});
    if (holds == 0) {
      state.newest = {row.time_us, row.value};
      if (!state.open.empty()) close(step, window, row.time_us, row.until_us, out);
      return;
    }
  }
  if (window.kind == window_kind::hopping) {
    const auto first_us = window.begin_of(row.time_us - window.length_us) + window.every_us;
    for (auto begin_us = first_us; begin_us <= row.time_us; begin_us += window.every_us)
      if (state.open.empty() || state.open.back().begin_us() < begin_us)
        state.open.emplace_back(window.aggregate, begin_us, state.newest);
  } else if (state.open.empty()) {
    state.open.emplace_back(window.aggregate, row.time_us, state.newest);
  }
  for (auto& each : state.open) each.add(row.time_us, row.value);
  state.newest = {row.time_us, row.value};
  if (window.kind == window_kind::count && state.open.front().count() == window.rows)
    close(step, window, row.time_us, row.until_us, out);
}

/// A row of a sliding window: with those of the length up to it.
void stream_judge::slide(std::size_t step, const stream_plan::window& window, const chain_row& row, results& out) {
  auto& state = windows_[window.number];
  auto& in = sliding_[window.sliding];
  const auto begin_us = row.time_us - window.length_us;
  in.join(window.aggregate, {row.time_us, row.value});
  while (in.rows().front().time_us <= begin_us || in.rows().size() > limits::sliding_rows) {
    state.newest = in.rows().front();
    in.leave(window.aggregate);
  }
  const bool is_whole = state.newest.time_us <= begin_us;
  const double value = is_whole ? in.aggregate(window.aggregate, window.quantile, begin_us, state.newest) : 0;
  if (is_whole && std::isfinite(value))
    push(step + 1, {row.time_us, row.until_us, value}, out);
  else
    out.push_back({row.time_us, row.until_us, 0, static_cast<std::uint8_t>(step + 1)});
}

namespace {

enum window_code : std::uint8_t { none_open = 0, one_open = 1, any_open = 2 };

}  // namespace

/// A hopping window of which none or one is open is encoded as the first version did.
void stream_judge::encode_window(const stream_plan::window& window, std::string& out) const {
  const auto& it = windows_[window.number];
  const std::deque<window_values::row> none;
  const auto& rows = window.kind == window_kind::sliding ? sliding_[window.sliding].rows() : none;
  const bool is_plain = rows.empty() && it.closed_begin_us == INT64_MIN && it.open.size() <= 1;
  put_byte(out, !is_plain ? any_open : it.open.empty() ? none_open : one_open);
  if (is_plain && it.open.empty()) return window_values(aggregate_kind::count, 0, it.newest).encode(out);
  if (is_plain) return it.open.front().encode(out);
  put_varint(out, it.open.size());
  for (const auto& each : it.open) each.encode(out);
  put_varint(out, rows.size());
  for (const auto& each : rows) {
    put_zigzag(out, each.time_us);
    put_double(out, each.value);
  }
  put_zigzag(out, it.newest.time_us);
  put_double(out, it.newest.value);
  put_zigzag(out, it.closed_begin_us);
  put_zigzag(out, it.closed_until_us);
}

bool stream_judge::decode_window(const stream_plan::window& window, std::string_view& in) {
  auto& it = windows_[window.number];
  it = {};
  if (window.kind == window_kind::sliding) sliding_[window.sliding] = {};
  std::uint8_t code = 0;
  std::uint64_t count = 0;
  if (!get_byte(in, code) || code > any_open) return false;
  if (code != any_open) {
    window_values values;
    if (!values.decode(in)) return false;
    it.newest = values.newest();
    if (code == one_open) it.open.push_back(std::move(values));
    return true;
  }
  if (!get_varint(in, count) || count > in.size()) return false;
  it.open.resize(count);
  if (!std::ranges::all_of(it.open, [&](window_values& each) { return each.decode(in); })) return false;
  if (!get_varint(in, count) || count > in.size() || (count != 0 && window.kind != window_kind::sliding)) return false;
  const auto get_row = [&](window_values::row& each) { return get_zigzag(in, each.time_us) && get_double(in, each.value); };
  for (window_values::row each; count > 0; --count) {
    if (!get_row(each)) return false;
    sliding_[window.sliding].join(window.aggregate, each);
  }
  return get_row(it.newest) && get_zigzag(in, it.closed_begin_us) && get_zigzag(in, it.closed_until_us);
}

}  // namespace factory
