#include "pipelines/detect/baseline.hpp"

#include <algorithm>
#include <cmath>

namespace factory {
namespace {

constexpr std::uint32_t least_in_slot = 3;
constexpr std::int64_t weekends_apart_after = 3 * 7 * 48;  ///< half hours: three weeks
constexpr double visit_rate = 0.2;                         ///< a profile forgets within five visits

}  // namespace

void baseline::enter(std::int64_t time_us) {
  const std::int64_t now = time_us >= 0 ? time_us / slot_us : (time_us - slot_us + 1) / slot_us;
  if (begun_ && course_.in_slot >= least_in_slot && !spoilt_) commit();
  if (!begun_) first_slot_ = now;
  begun_ = true;
  slot_ = now;
  slot_begin_us_ = now * slot_us;
  course_.sum = 0;
  course_.in_slot = 0;
  spoilt_ = false;
  if (slots_.read().size() == slots_a_day && now - first_slot_ >= weekends_apart_after) {
    const auto week = slots_.read();
    auto& slots = slots_.change();
    slots.insert(slots.end(), week.begin(), week.end());  // weekends start from what all days have shown
  }
  look_up();
}

std::size_t baseline::place(std::int64_t half_hour) const {
  const auto of_day = static_cast<std::size_t>((half_hour % 48 + 48) % 48);
  if (slots_.read().size() <= slots_a_day) return of_day;
  const std::int64_t day = (half_hour - static_cast<std::int64_t>(of_day)) / 48;
  const std::int64_t weekday = ((day + 4) % 7 + 7) % 7;  // 1970-01-01 was a Thursday; 0 = Sunday
  return of_day + (weekday == 0 || weekday == 6 ? slots_a_day : 0);
}

void baseline::commit() {
  auto& slots = slots_.change();
  if (slots.empty()) {
    slots.resize(slots_a_day);
    anchor_ = course_.level;
  }
  slot& at = slots[place(slot_)];
  const double mean = course_.sum / course_.in_slot - anchor_;
  const double rate = std::max(visit_rate, 1.0 / (at.visits + 1.0));
  if (at.visits > 0) at.deviation += static_cast<float>(rate * (std::abs(mean - at.mean) - at.deviation));
  at.mean += static_cast<float>(rate * (mean - at.mean));
  if (at.visits < 1'000'000) ++at.visits;
}

void baseline::look_up() {
  know_no_band();
  const auto& slots = slots_.read();
  if (slots.empty()) return;
  usual_.known = true;
  for (const std::int64_t near : {slot_ - 1, slot_, slot_ + 1}) {
    const slot& at = slots[place(near)];
    if (at.visits == 0) {
      know_no_band();
      return;
    }
    const double low = anchor_ + at.mean - at.deviation, high = anchor_ + at.mean + at.deviation;
    usual_.low = near == slot_ - 1 ? low : std::min(usual_.low, low);
    usual_.high = near == slot_ - 1 ? high : std::max(usual_.high, high);
    if (near == slot_) usual_.centre = anchor_ + at.mean;
  }
}

void baseline::shift(double by) {
  course_.level += by;
  anchor_ += by;
  usual_.low += by;
  usual_.high += by;
  usual_.centre += by;
  spoilt_ = true;
}

std::uint32_t baseline::visits() const {
  const auto& slots = slots_.read();
  std::uint32_t least = slots.empty() ? 0 : UINT32_MAX;
  for (std::size_t i = 0; i < std::min(slots.size(), slots_a_day); ++i) least = std::min(least, slots[i].visits);
  return least;
}

}  // namespace factory
