#include "pipelines/machine/machine_watch.hpp"

#include <algorithm>
#include <utility>

#include "pipelines/machine/limits.hpp"
#include "pipelines/model/coding.hpp"
#include "pipelines/model/same_bits.hpp"
#include "pipelines/model/time.hpp"
#include "pipelines/stream/limits.hpp"

namespace factory {

machine_watch::machine_watch(std::uint32_t machine, std::vector<sensor_id> sensors, const stream_times& times,
                             const machine_settings& how)
    : machine_(machine),
      sensors_(std::move(sensors)),
      how_(how),
      times_(times),
      judged_(machine_judge(machine, sensors_, how)),
      watermarks_us_(sensors_.size(), INT64_MIN) {
  times_.allowed_lateness_us = std::min(times_.allowed_lateness_us, limits::machine_lateness_us);
}

void machine_watch::apply(std::int64_t received_at_us, std::span<const source_rows> rows, std::vector<event>& found) {
  const auto latest_us = std::min(received_at_us + times_.future_skew_us, machine_cell::most_us);
  for (const auto& each : rows) {
    auto& watermark_us = watermarks_us_[each.source];
    counts_.in += each.values.size();
    for (std::size_t i = 0; i < each.values.size(); ++i) {
      const auto time_us = each.times_us[i];
      if (time_us > latest_us || time_us < -machine_cell::most_us) {
        ++counts_.future;
        continue;
      }
      watermark_us = std::max(watermark_us, std::min(time_us, received_at_us));
      begin_us_ = std::min(begin_us_, time_us);
      take(time_us, each.values[i], each.source);
    }
  }
  judge_complete(received_at_us, found);
  settle();
}

/// Where the cell stands in cells_; it is made where it is missing.
std::size_t machine_watch::row_of(std::int64_t cell) {
  const auto at = std::ranges::lower_bound(cells_, cell, {}, &cell_head::cell);  // a body may hold many
  const auto row = static_cast<std::size_t>(at - cells_.begin());
  if (row < cells_.size() && cells_[row].cell == cell) return row;
  cells_.insert(cells_.begin() + static_cast<std::ptrdiff_t>(row), {cell, false});
  slots_.insert(slots_.begin() + static_cast<std::ptrdiff_t>(row * sensors_.size()), sensors_.size(), slot{});
  return row;
}

void machine_watch::take(std::int64_t time_us, double value, std::size_t sensor) {
  const auto cell = machine_cell::of(time_us);
  if (cell < floor_cell_) {
    ++counts_.late;
    again_.add(time_us);
    return;
  }
  const auto row = row_of(cell);
  auto& known = slots_[row * sensors_.size() + sensor];
  if (time_us < known.time_us) return;
  if (time_us == known.time_us) {
    if (same_bits(value, known.value)) {
      ++counts_.duplicate;
      return;
    }
    ++counts_.corrected;
  }
  const bool corrects = time_us == known.time_us;
  known = {time_us, value};
  if (!cells_[row].is_judged) return;
  const auto place = machine_cell::place(cell, sensor, sensors_.size());
  judged_.put({&place, 1}, {&value, 1});
  is_changed_ = true;
  is_corrected_ = is_corrected_ || corrects;
}

/// Of a cell it keeps one value a sensor, and no older one that could take its place.
void machine_watch::take_back(std::int64_t time_us, std::size_t sensor) {
  if (time_us < begin_us_ || time_us > machine_cell::most_us) return;
  const auto cell = machine_cell::of(time_us);
  if (cell < floor_cell_) return again_.add(time_us);
  const auto at = std::ranges::lower_bound(cells_, cell, {}, &cell_head::cell);
  if (at == cells_.end() || at->cell != cell) return;
  if (slots_of(static_cast<std::size_t>(at - cells_.begin()))[sensor].time_us == time_us) again_.add(time_us);
}

/// Cells before this one are complete.
std::int64_t machine_watch::complete_until() const {
  const auto [oldest, newest] = std::ranges::minmax(watermarks_us_);
  const auto complete_us = std::max(oldest, before(newest, times_.allowed_lateness_us));
  return complete_us == INT64_MIN ? INT64_MIN : machine_cell::of(std::max(complete_us, -machine_cell::most_us));
}

/// Cells that are complete now. Most stand behind all that were judged.
void machine_watch::judge_complete(std::int64_t received_at_us, std::vector<event>& found) {
  const auto until = complete_until();
  auto end = cells_.size();
  while (end > 0 && cells_[end - 1].cell >= until) --end;
  const auto stands_last = [this](const cell_head& each) {
    return !each.is_judged && machine_cell::place(each.cell, 0, sensors_.size()) > judged_.newest_command_us();
  };
  auto first_behind = end;
  while (first_behind > 0 && stands_last(cells_[first_behind - 1])) --first_behind;
  for (auto row = first_behind; row-- > 0;)
    if (!cells_[row].is_judged) put_row(row);
  if (is_changed_) revise(is_corrected_ ? "a reading was corrected" : "a reading came late", received_at_us, found);
  append_rows(first_behind, end, received_at_us, found);
}

/// The change stands behind the cell of the newest reading: where it takes force does not depend on which cells were judged before.
void machine_watch::follow(double sensitivity, std::int64_t received_at_us, std::vector<event>& found) {
  const auto newest_us = std::ranges::max(watermarks_us_);
  const auto cell = machine_cell::of(std::max(newest_us, -machine_cell::most_us));
  const auto place = newest_us == INT64_MIN ? INT64_MIN : machine_cell::place(cell, sensors_.size(), sensors_.size());
  const auto behind = std::max(place, judged_.newest_command_us());
  revisable<machine_judge>::differences differences;
  judged_.apply({sensitivity}, behind, received_at_us, differences);
  if (settings_.size() == limits::watch_settings_kept) {
    how_.sensitivity = settings_.front().sensitivity;
    settings_.erase(settings_.begin());
  }
  settings_.push_back({settings_.empty() ? behind : std::max(behind, settings_.back().place), sensitivity});
  book_.tell(differences, "settings were changed", received_at_us, found);
}

/// A cell that stands before others which were judged, or before a change of settings.
void machine_watch::put_row(std::size_t row) {
  auto& head = cells_[row];
  const auto slots = slots_of(row);
  const auto put = [&](std::size_t sensor, double value) {
    const auto place = machine_cell::place(head.cell, sensor, sensors_.size());
    judged_.put({&place, 1}, {&value, 1});
  };
  for (std::size_t i = 0; i < slots.size(); ++i)
    if (slots[i].time_us != INT64_MIN) put(i, slots[i].value);
  put(slots.size(), 0);
  head.is_judged = is_changed_ = true;
}

void machine_watch::append_rows(std::size_t begin, std::size_t end, std::int64_t received_at_us, std::vector<event>& found) {
  const auto told = found.size();
  judge_rows(begin, end, received_at_us, found);
  book_.tell(std::span(found).subspan(told));
}

void machine_watch::judge_rows(std::size_t begin, std::size_t end, std::int64_t received_at_us, std::vector<event>& found) {
  if (begin >= end) return;
  std::vector<std::int64_t> places;
  std::vector<double> values;
  places.reserve((end - begin) * (sensors_.size() + 1));
  values.reserve(places.capacity());
  for (auto row = begin; row < end; ++row) {
    const auto slots = slots_of(row);
    for (std::size_t i = 0; i < slots.size(); ++i) {
      if (slots[i].time_us == INT64_MIN) continue;
      places.push_back(machine_cell::place(cells_[row].cell, i, slots.size()));
      values.push_back(slots[i].value);
    }
    places.push_back(machine_cell::place(cells_[row].cell, slots.size(), slots.size()));
    values.push_back(0);
    cells_[row].is_judged = true;
  }
  judged_.append(places, values, received_at_us, found);
}

void machine_watch::revise(std::string_view reason, std::int64_t received_at_us, std::vector<event>& found) {
  revisable<machine_judge>::differences differences;
  judged_.revise(received_at_us, differences);
  book_.tell(differences, reason, received_at_us, found);
  is_changed_ = is_corrected_ = false;
}

/// Forgets what no reading that may still come changes; cells in portions, since they lie in one piece.
void machine_watch::settle() {
  const auto [oldest, newest] = std::ranges::minmax(watermarks_us_);
  const auto lateness_us = times_.allowed_lateness_us;
  const auto floor_us = before(std::max(oldest, before(newest, lateness_us)), lateness_us);
  if (floor_us == INT64_MIN) return;
  const auto cell = machine_cell::of(std::max(floor_us, -machine_cell::most_us));
  if (cell <= floor_cell_) return;
  floor_cell_ = cell;
  judged_.settle(machine_cell::place(cell, 0, sensors_.size()), INT64_MAX, limits::stream_rows_kept);
  book_.settle(machine_cell::begin_us(cell));
  std::size_t done = 0;
  while (done < cells_.size() && cells_[done].cell < cell) ++done;
  if (done < 16 && done < cells_.size()) return;
  cells_.erase(cells_.begin(), cells_.begin() + static_cast<std::ptrdiff_t>(done));
  slots_.erase(slots_.begin(), slots_.begin() + static_cast<std::ptrdiff_t>(done * sensors_.size()));
}

std::int64_t machine_watch::places_between_marks() const {
  return limits::watch_mark_us / machine_cell::length_us * static_cast<std::int64_t>(sensors_.size() + 1);
}

/// Of what is settled: no reading changes it any more, unless the past is judged again.
std::optional<machine_mark> machine_watch::take_mark() {
  const auto place = judged_.settled_us();
  if (place == INT64_MIN || (marked_at_ != INT64_MIN && place - marked_at_ < places_between_marks())) return std::nullopt;
  const auto& judge = judged_.settled();
  if (!judge.can_be_marked()) return std::nullopt;
  marked_at_ = place;
  machine_mark mark{place, {}};
  judge.encode(mark.judge);
  return mark;
}

}  // namespace factory
