#include "actors/backtest/source_merge.hpp"

#include <algorithm>

#include "actors/backtest/limits.hpp"

namespace factory {

void source_merge::put(std::uint32_t source, std::span<const std::int64_t> times_us, std::span<const double> values,
                       std::span<const std::uint8_t> flags) {
  auto& to = lanes_[source];
  for (std::size_t i = 0; i < values.size(); ++i)
    to.rows.push_back({times_us[i], values[i], flags.empty() ? std::uint8_t{flag_none} : flags[i]});
  if (!times_us.empty()) to.seen_us = std::max(to.seen_us, times_us.back());
  waiting_ += values.size();
}

void source_merge::pass_time(std::int64_t until_us) {
  for (auto& each : lanes_)
    if (!each.lags) each.seen_us = std::max(each.seen_us, until_us);
}

bool source_merge::take(std::uint64_t sequence, std::int64_t received_at_us, stream_entries& to) {
  const bool too_many = waiting_ > limits::backtest_rows_merged;
  const auto seen_us = [](const lane& each) { return each.seen_us; };
  const auto until_us = too_many ? std::ranges::max(lanes_, {}, seen_us).seen_us : std::ranges::min(lanes_, {}, seen_us).seen_us;
  return take_until(until_us, sequence, received_at_us, to);
}

std::optional<std::int64_t> source_merge::oldest_us() const {
  std::optional<std::int64_t> oldest;
  for (const auto& each : lanes_)
    if (!each.rows.empty()) oldest = std::min(oldest.value_or(INT64_MAX), each.rows.front().time_us);
  return oldest;
}

bool source_merge::take_all(std::uint64_t sequence, std::int64_t received_at_us, stream_entries& to) {
  return take_until(INT64_MAX, sequence, received_at_us, to);
}

bool source_merge::take_until(std::int64_t until_us, std::uint64_t sequence, std::int64_t received_at_us, stream_entries& to) {
  const auto before = to.values.size();
  for (std::uint32_t source = 0; source < lanes_.size(); ++source) {
    auto& rows = lanes_[source].rows;
    const auto begin = static_cast<std::uint32_t>(to.values.size());
    for (; !rows.empty() && rows.front().time_us <= until_us; rows.pop_front()) {
      to.times_us.push_back(rows.front().time_us);
      to.values.push_back(rows.front().value);
      to.flags.push_back(rows.front().flags);
    }
    if (const auto end = static_cast<std::uint32_t>(to.values.size()); end > begin)
      to.parts.push_back({.sequence = sequence, .received_at_us = received_at_us, .source = source, .begin = begin, .end = end});
  }
  waiting_ -= to.values.size() - before;
  return to.values.size() > before;
}

}  // namespace factory
