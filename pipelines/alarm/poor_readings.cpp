#include "pipelines/alarm/poor_readings.hpp"

#include <algorithm>

#include "pipelines/model/coding.hpp"

namespace factory {

row_quality poor_readings::at(std::int64_t time_us) const {
  const auto found = std::ranges::lower_bound(all_, time_us, {}, &run::first_us);
  if (found == all_.end() || found->first_us != time_us) return row_quality::as_known;
  return found->is_bad ? row_quality::bad : row_quality::uncertain;
}

bool poor_readings::put(std::int64_t time_us, row_quality quality) {
  const bool is_bad = quality == row_quality::bad;
  const auto place = std::ranges::lower_bound(all_, time_us, {}, &run::first_us);
  if (place == all_.end() || place->first_us != time_us) {
    all_.insert(place, {time_us, time_us, is_bad});
    return true;
  }
  if (place->is_bad == is_bad) return false;
  *place = {time_us, time_us, is_bad};
  return true;
}

std::vector<poor_readings::run>::iterator poor_readings::newest_up_to(std::int64_t time_us) {
  const auto behind = std::ranges::upper_bound(all_, time_us, {}, &run::first_us);
  return behind == all_.begin() ? all_.end() : std::prev(behind);
}

bool poor_readings::join(std::int64_t time_us, std::int64_t reach_us, std::int64_t separated_by_us) {
  const auto row = newest_up_to(time_us);
  if (row == all_.end() || !row->is_bad || time_us - row->first_us > reach_us || separated_by_us > row->first_us) return false;
  row->last_us = std::max(row->last_us, time_us);
  return true;
}

poor_readings::cut_result poor_readings::cut(std::int64_t time_us) {
  const auto row = newest_up_to(time_us);
  if (row == all_.end() || row->last_us < time_us) return {};
  const auto last_us = row->last_us;
  const bool was_seen = row->first_us == time_us;
  row->last_us = row->first_us;
  if (was_seen) all_.erase(row);
  return {was_seen, last_us > time_us ? std::optional(last_us) : std::nullopt};
}

void poor_readings::thin(std::int64_t since_us, std::size_t most, std::vector<std::int64_t>& forgotten) {
  const auto oldest = std::ranges::upper_bound(all_, since_us, {}, &run::first_us);
  const auto count = static_cast<std::size_t>(all_.end() - oldest);
  if (count <= most) return;
  const auto first = std::next(oldest), last = oldest + static_cast<std::ptrdiff_t>(count - most / 2);
  for (auto row = first; row != last; ++row) forgotten.push_back(row->first_us);
  all_.erase(first, last);
}

void poor_readings::settle(std::int64_t settled_us) {
  if (all_.empty() || all_.front().last_us > settled_us) return;
  std::erase_if(all_, [settled_us](const run& each) { return each.last_us <= settled_us; });
}

void poor_readings::encode(std::string& out) const {
  put_varint(out, all_.size());
  for (const auto& each : all_) {
    put_zigzag(out, each.first_us);
    put_zigzag(out, each.last_us);
    put_byte(out, each.is_bad ? 1 : 0);
  }
}

bool poor_readings::decode(std::string_view& in) {
  std::uint64_t count = 0;
  all_.clear();
  if (!get_varint(in, count) || count > in.size()) return false;
  for (; count > 0; --count) {
    auto& each = all_.emplace_back();
    std::uint8_t is_bad = 0;
    if (!get_zigzag(in, each.first_us) || !get_zigzag(in, each.last_us) || !get_byte(in, is_bad) || is_bad > 1) return false;
    each.is_bad = is_bad == 1;
  }
  return std::ranges::is_sorted(all_, {}, &run::first_us);
}

}  // namespace factory
