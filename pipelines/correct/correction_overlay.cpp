#include "pipelines/correct/correction_overlay.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "pipelines/model/coding.hpp"
#include "pipelines/model/row_range.hpp"

namespace factory {

namespace {

constexpr std::int64_t near_us = 3'600'000'000;

double within_range(double value) {
  constexpr auto most = std::numeric_limits<double>::max();
  return std::clamp(value, -most, most);
}

void change_row(const reading_change& by, double& value, std::uint8_t& flags) {
  switch (by.action) {
    case correction_action::exclude: flags |= flag_excluded; return;
    case correction_action::scale: value = within_range(value * by.number); return;
    case correction_action::offset: value = within_range(value + by.number); return;
    case correction_action::replace: value = by.number; return;
    case correction_action::flag: flags |= by.flags; return;
    case correction_action::rest: return;
  }
}

}  // namespace

correction_overlay::correction_overlay(std::vector<changed_range> in_order, std::shared_ptr<const revised_points> points)
    : in_order_(std::move(in_order)), points_(std::move(points)) {
  for (const auto& each : in_order_)
    if (each.begin_us < each.end_us)
      (each.change.action == correction_action::rest ? rests_ : spans_).add(each.begin_us, each.end_us - 1);
  if (!points_) return;
  const auto& times_us = points_->times_us;
  for (std::size_t first = 0, next = 1; first < times_us.size(); first = next++) {
    while (next < times_us.size() && times_us[next] - times_us[next - 1] <= near_us) ++next;
    spans_.add(times_us[first], times_us[next - 1]);
  }
}

void correction_overlay::apply_points(reading_run& rows) const {
  const auto& times_us = points_->times_us;
  auto point = static_cast<std::size_t>(std::ranges::lower_bound(times_us, rows.event_time_us.front()) - times_us.begin());
  for (std::size_t row = 0; point < times_us.size() && row < rows.size(); ++point) {
    while (row < rows.size() && rows.event_time_us[row] < times_us[point]) ++row;
    if (row == rows.size() || rows.event_time_us[row] != times_us[point]) continue;
    if (points_->gone[point] != 0)
      rows.flags[row] |= flag_excluded;
    else
      rows.value[row] = points_->values[point];
  }
}

void correction_overlay::apply(reading_run& rows) const {
  if (rows.empty()) return;
  const auto touched = spans_.reaching(rows.event_time_us.front());
  if (touched == spans_.end() || touched->second > rows.event_time_us.back()) return;
  if (points_) apply_points(rows);
  for (const auto& each : in_order_) {
    const auto part = rows_between(rows.event_time_us, each.begin_us, each.end_us);
    for (auto row = part.begin; row < part.end; ++row) change_row(each.change, rows.value[row], rows.flags[row]);
  }
}

bool correction_overlay::is_at_rest(std::int64_t time_us) const {
  const auto at = rests_.reaching(time_us);
  return at != rests_.end() && at->second <= time_us;
}

std::vector<changed_range> correction_overlay::ranges_behind(std::int64_t time_us) const {
  std::vector<changed_range> out;
  std::ranges::copy_if(in_order_, std::back_inserter(out),
                       [time_us](const changed_range& each) { return each.end_us > time_us; });
  return out;
}

std::vector<changed_range> correction_overlay::rest_ranges() const {
  std::vector<changed_range> out;
  std::ranges::copy_if(in_order_, std::back_inserter(out),
                       [](const changed_range& each) { return each.change.action == correction_action::rest; });
  return out;
}

std::vector<time_range> correction_overlay::rests_of(const std::vector<changed_range>& in_order) {
  interval_set joined;
  for (const auto& each : in_order)
    if (each.begin_us < each.end_us && each.change.action == correction_action::rest) joined.add(each.begin_us, each.end_us - 1);
  std::vector<time_range> out;
  for (const auto& [last_us, first_us] : joined) out.push_back({first_us, last_us + 1});
  return out;
}

void put_ranges(std::string& out, const std::vector<changed_range>& ranges) {
  put_varint(out, ranges.size());
  for (const auto& each : ranges) {
    put_zigzag(out, each.begin_us);
    put_zigzag(out, each.end_us);
    put_byte(out, static_cast<std::uint8_t>(each.change.action));
    put_double(out, each.change.number);
    put_byte(out, each.change.flags);
  }
}

bool get_ranges(std::string_view& in, std::vector<changed_range>& ranges) {
  std::uint64_t count = 0;
  if (!get_varint(in, count) || count > in.size()) return false;
  ranges.resize(count);
  return std::ranges::all_of(ranges, [&](changed_range& each) {
    std::uint8_t action = 0;
    if (!get_zigzag(in, each.begin_us) || !get_zigzag(in, each.end_us) || !get_byte(in, action) ||
        action < static_cast<std::uint8_t>(correction_action::exclude) ||
        action > static_cast<std::uint8_t>(correction_action::rest))
      return false;
    each.change.action = static_cast<correction_action>(action);
    return get_double(in, each.change.number) && get_byte(in, each.change.flags);
  });
}

bool correction_overlay::changes(std::int64_t time_us) const {
  const auto at = spans_.reaching(time_us);
  return at != spans_.end() && at->second <= time_us;
}

}  // namespace factory
