#include "pipelines/detect/baseline.hpp"

#include <algorithm>
#include <cmath>

namespace factory {
namespace {

constexpr double level_rate = 1.0 / 200, spread_rate = 1.0 / 200;
constexpr std::uint32_t least_in_slot = 3;
constexpr std::uint32_t count_most = 1'000'000'000;
constexpr std::int64_t weekends_apart_after = 3 * 7 * 48;  ///< half hours: three weeks
constexpr double visit_rate = 0.2;                         ///< a profile forgets within five visits

}  // namespace

void baseline::enter(std::int64_t time_us) {
  const std::int64_t now = time_us >= 0 ? time_us / slot_us : (time_us - slot_us + 1) / slot_us;
  if (begun_ && in_slot_ >= least_in_slot && !spoilt_) commit();
  if (!begun_) first_slot_ = now;
  begun_ = true;
  slot_ = now;
  slot_begin_us_ = now * slot_us;
  sum_ = 0;
  in_slot_ = 0;
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
    anchor_ = level_;
  }
  slot& at = slots[place(slot_)];
  const double mean = sum_ / in_slot_ - anchor_;
  const double rate = std::max(visit_rate, 1.0 / (at.visits + 1.0));
  if (at.visits > 0) at.deviation += static_cast<float>(rate * (std::abs(mean - at.mean) - at.deviation));
  at.mean += static_cast<float>(rate * (mean - at.mean));
  if (at.visits < 1'000'000) ++at.visits;
}

void baseline::look_up() {
  usual_ = {};
  const auto& slots = slots_.read();
  if (slots.empty()) return;
  usual_.known = true;
  for (const std::int64_t near : {slot_ - 1, slot_, slot_ + 1}) {
    const slot& at = slots[place(near)];
    if (at.visits == 0) {
      usual_ = {};
      return;
    }
    const double low = anchor_ + at.mean - at.deviation, high = anchor_ + at.mean + at.deviation;
    usual_.low = near == slot_ - 1 ? low : std::min(usual_.low, low);
    usual_.high = near == slot_ - 1 ? high : std::max(usual_.high, high);
    if (near == slot_) slot_mean_ = anchor_ + at.mean;
  }
}

void baseline::learn(double value) {
  if (count_ == 0) level_ = value;
  if (count_ < count_most) ++count_;
  const double share = count_ < 2'000 ? 1.0 / count_ : 0;
  const double off = value - level_;
  const double clipped = count_ > 20 && spread_ > 0 ? std::clamp(off, -3 * spread_, 3 * spread_) : off;
  level_ += std::max(level_rate, share) * clipped;
  spread_ += std::max(spread_rate, share) *
             (std::min(std::abs(off), count_ > 20 && spread_ > 0 ? 5 * spread_ : std::abs(off)) - spread_);
  sum_ += value;
  ++in_slot_;
  const double centre = usual_.known ? slot_mean_ : sum_ / in_slot_;
  const double beside = std::abs(value - centre);
  const double most = count_ > 100 && scatter_ > 0 ? 4 * scatter_ : beside;
  scatter_ += std::max(1.0 / 2'000, share) * (std::min(beside, most) - scatter_);
}

void baseline::shift(double by) {
  level_ += by;
  anchor_ += by;
  slot_mean_ += by;
  usual_.low += by;
  usual_.high += by;
  spoilt_ = true;
}

std::uint32_t baseline::visits() const {
  const auto& slots = slots_.read();
  std::uint32_t least = slots.empty() ? 0 : UINT32_MAX;
  for (std::size_t i = 0; i < std::min(slots.size(), slots_a_day); ++i) least = std::min(least, slots[i].visits);
  return least;
}

}  // namespace factory
