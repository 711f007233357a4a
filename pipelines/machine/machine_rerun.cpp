#include "pipelines/machine/machine_rerun.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace factory {

namespace {

constexpr std::size_t places_at_once = 1'024;

}  // namespace

machine_watch::rerun::rerun(machine_watch& live, const machine_mark* from)
    : live_(live), judge_(live.machine_, live.sensors_, live.how_), slots_(live.sensors_.size()) {
  live_.cells_.clear();
  live_.slots_.clear();
  if (from == nullptr) return;
  std::string_view in = from->judge;
  is_sound_ = judge_.decode(in) && in.empty();
  from_place_ = marked_at_ = from->place;
  while (next_setting_ < live_.settings_.size() && live_.settings_[next_setting_].place <= from_place_) ++next_setting_;
}

std::int64_t machine_watch::rerun::from_us() const {
  if (from_place_ == INT64_MIN) return live_.begin_us_;
  return machine_cell::begin_us(machine_cell::of_place(from_place_, slots_.size()));
}

void machine_watch::rerun::add(std::int64_t time_us, std::size_t sensor, double value) {
  if (time_us > machine_cell::most_us || time_us < -machine_cell::most_us) return;
  const auto cell = machine_cell::of(time_us);
  if (cell != cell_) end_cell();
  cell_ = cell;
  slots_[sensor] = {time_us, value};
}

/// A cell that the watch may still change is left to it.
void machine_watch::rerun::end_cell() {
  if (cell_ == INT64_MIN) return;
  if (cell_ < live_.floor_cell_) {
    put_settled();
  } else {
    live_.cells_.push_back({cell_, false});
    live_.slots_.insert(live_.slots_.end(), slots_.begin(), slots_.end());
  }
  std::ranges::fill(slots_, slot{});
}

void machine_watch::rerun::put_settled() {
  const auto put = [this](std::size_t sensor, double value) {
    const auto place = machine_cell::place(cell_, sensor, slots_.size());
    if (place > from_place_) settled_.append({&place, 1}, {&value, 1});
  };
  for (std::size_t i = 0; i < slots_.size(); ++i)
    if (slots_[i].time_us != INT64_MIN) put(i, slots_[i].value);
  put(slots_.size(), 0);
  if (settled_.size() >= places_at_once) judge_settled();
}

void machine_watch::rerun::judge_settled() {
  if (settled_.empty()) return;
  std::size_t row = 0;
  const auto observe_until = [&](std::size_t end) {
    if (row < end) judge_.observe(settled_, row, end, 0, found_);
    row = std::max(row, end);
  };
  for (; next_setting_ < live_.settings_.size(); ++next_setting_) {
    const auto& [place, sensitivity] = live_.settings_[next_setting_];
    if (place >= settled_.newest_us()) break;  // others may stand before it
    observe_until(settled_.upper_bound(place));
    judge_.apply({sensitivity}, 0, found_);
  }
  observe_until(settled_.size());
  mark(settled_.newest_us());
  settled_.drop_front(settled_.size());
}

void machine_watch::rerun::apply_settings(std::int64_t until_place) {
  for (; next_setting_ < live_.settings_.size() && live_.settings_[next_setting_].place < until_place; ++next_setting_)
    judge_.apply({live_.settings_[next_setting_].sensitivity}, 0, found_);
}

void machine_watch::rerun::mark(std::int64_t place) {
  if (marked_at_ != INT64_MIN && place - marked_at_ < live_.places_between_marks()) return;
  if (!judge_.can_be_marked()) return;
  marked_at_ = place;
  judge_.encode(marks_.emplace_back(machine_mark{place, {}}).judge);
}

void machine_watch::rerun::finish() {
  end_cell();
  judge_settled();
  if (live_.floor_cell_ != INT64_MIN) apply_settings(machine_cell::place(live_.floor_cell_, 0, slots_.size()));
  live_.judged_.stand_at(std::move(judge_));
  judge_unsettled();
  live_.is_changed_ = live_.is_corrected_ = false;
  live_.marked_at_ = marked_at_;
}

/// As the watch does it: complete cells are judged, the others wait.
void machine_watch::rerun::judge_unsettled() {
  const auto& cells = live_.cells_;
  const auto complete = live_.complete_until();
  std::size_t row = 0;
  const auto judge_until = [&](std::int64_t place) {
    auto end = row;
    while (end < cells.size() && cells[end].cell < complete && machine_cell::place(cells[end].cell, 0, slots_.size()) <= place)
      ++end;
    live_.judge_rows(row, end, 0, found_);
    row = end;
  };
  for (; next_setting_ < live_.settings_.size(); ++next_setting_) {
    const auto& [place, sensitivity] = live_.settings_[next_setting_];
    judge_until(place);
    revisable<machine_judge>::differences none;
    live_.judged_.apply({sensitivity}, place, 0, none);
  }
  judge_until(INT64_MAX);
}

std::vector<machine_mark> machine_watch::rerun::take_marks() { return std::exchange(marks_, {}); }

}  // namespace factory
