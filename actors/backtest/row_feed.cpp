#include "actors/backtest/row_feed.hpp"

#include <algorithm>
#include <utility>

#include "actors/backtest/limits.hpp"

namespace factory {

row_feed::row_feed(row_reader read, const std::vector<sensor_id>& sensors, const time_range& range)
    : read_(std::move(read)), end_us_(range.end_us) {
  for (const auto sensor : sensors) cursors_.push_back({sensor, {}, 0, range.begin_us, range.begin_us >= range.end_us});
  std::ranges::sort(cursors_, {}, &cursor::sensor);
  about_ = std::clamp(limits::backtest_rows / std::max<std::size_t>(1, cursors_.size()), limits::backtest_rows_least,
                      limits::backtest_rows_most);
}

expected<void> row_feed::fill(cursor& of) const {
  auto rows = read_(of.sensor, {of.from_us, end_us_}, about_, false);
  if (!rows) return tl::unexpected(std::move(rows.error()));
  of.rows = std::move(*rows);
  of.at = 0;
  of.whole = of.rows.size() < about_;
  if (!of.rows.empty()) of.from_us = of.rows.event_time_us.back() + 1;
  return {};
}

namespace {

/// What is known of rows that were just appended: what came with them and what a correction says; whether one was late or ahead is seen anew.
void append_flags(reading_batch& to, const reading_run& rows, std::size_t begin, std::size_t end) {
  constexpr auto seen_anew = static_cast<std::uint8_t>(flag_late | flag_future);
  const auto known = [&](std::size_t row) { return static_cast<std::uint8_t>(rows.flags[row] & ~seen_anew); };
  bool any = !to.flags.empty();
  for (auto row = begin; row < end && !any; ++row) any = known(row) != flag_none;
  if (!any) return;
  to.flags.resize(to.size() - (end - begin));
  for (auto row = begin; row < end; ++row) to.flags.push_back(known(row));
}

}  // namespace

expected<std::shared_ptr<const reading_batch>> row_feed::next() {
  std::int64_t until_us = INT64_MAX;  // up to here, all rows of all sensors are at hand
  for (auto& each : cursors_) {
    if (each.empty() && !each.whole)
      if (auto filled = fill(each); !filled) return tl::unexpected(std::move(filled.error()));
    if (!each.whole) until_us = std::min(until_us, each.rows.event_time_us.back());
  }
  std::erase_if(cursors_, [](const cursor& each) { return each.empty() && each.whole; });
  if (cursors_.empty()) return nullptr;
  auto batch = std::make_shared<reading_batch>();
  for (auto& each : cursors_) {
    const auto& times_us = each.rows.event_time_us;
    const auto begin = static_cast<std::ptrdiff_t>(each.at);
    const auto end = std::upper_bound(times_us.begin() + begin, times_us.end(), until_us) - times_us.begin();
    if (end == begin) continue;
    const auto first = static_cast<std::uint32_t>(batch->size());
    batch->event_time_us.insert(batch->event_time_us.end(), times_us.begin() + begin, times_us.begin() + end);
    batch->value.insert(batch->value.end(), each.rows.value.begin() + begin, each.rows.value.begin() + end);
    append_flags(*batch, each.rows, static_cast<std::size_t>(begin), static_cast<std::size_t>(end));
    batch->slices.push_back({each.sensor, first, static_cast<std::uint32_t>(batch->size())});
    each.at = static_cast<std::size_t>(end);
  }
  return batch;
}

}  // namespace factory
