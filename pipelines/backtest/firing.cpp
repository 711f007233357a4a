#include "pipelines/backtest/firing.hpp"

#include <algorithm>

namespace factory {

std::optional<firing> firing_of(const finding& it, std::int64_t range_end_us) {
  if (!it.holds()) return std::nullopt;
  const event& stated = *it.stated;
  firing out{stated.key.sensor, stated.key.source, stated.key.rule, stated.at_us, stated.at_us, it.open()};
  if (it.ended)
    out.end_us = std::max(out.begin_us, it.ended->at_us);
  else if (out.open)
    out.end_us = std::max(out.begin_us, range_end_us);
  return out;
}

void add(firing_figures& to, const firing& at) {
  ++to.count;
  to.longest_us = std::max(to.longest_us, at.end_us - at.begin_us);
  to.total_us += at.end_us - at.begin_us;
  to.first_us = std::min(to.first_us.value_or(at.begin_us), at.begin_us);
}

double share_of_time(const firing_figures& of, std::int64_t span_us, std::size_t sensors) {
  if (span_us <= 0 || sensors == 0) return 0;
  return static_cast<double>(of.total_us) / static_cast<double>(span_us) / static_cast<double>(sensors);
}

std::optional<double> fault_figures::precision() const {
  if (firings == 0) return std::nullopt;
  return static_cast<double>(right) / static_cast<double>(firings);
}

std::optional<double> fault_figures::recall() const {
  if (faults == 0) return std::nullopt;
  return static_cast<double>(found) / static_cast<double>(faults);
}

namespace {

bool share_an_instant(const firing& at, const fault_window& fault) {
  return at.begin_us < fault.end_us && (at.end_us > fault.begin_us || at.begin_us >= fault.begin_us);
}

}  // namespace

fault_figures compare(std::span<const firing> firings, std::span<const fault_window> faults) {
  fault_figures out;
  out.faults = faults.size();
  out.firings = firings.size();
  std::vector<firing> fired(firings.begin(), firings.end());
  std::vector<fault_window> known(faults.begin(), faults.end());
  std::ranges::stable_sort(fired, {}, &firing::sensor);
  std::ranges::stable_sort(known, {}, &fault_window::sensor);
  const auto of_any_sensor = std::ranges::equal_range(known, sensor_id{0}, {}, &fault_window::sensor);
  std::vector<std::int64_t> delays_us;
  for (const auto& fault : known) {
    std::optional<std::int64_t> first_us;
    const auto look_at = [&](const firing& at) {
      if (share_an_instant(at, fault)) first_us = std::min(first_us.value_or(at.begin_us), at.begin_us);
    };
    if (fault.sensor == 0)
      std::ranges::for_each(fired, look_at);
    else
      std::ranges::for_each(std::ranges::equal_range(fired, fault.sensor, {}, &firing::sensor), look_at);
    if (first_us) delays_us.push_back(std::max<std::int64_t>(0, *first_us - fault.begin_us));
  }
  out.found = delays_us.size();
  if (!delays_us.empty()) {
    const auto middle = delays_us.begin() + static_cast<std::ptrdiff_t>(delays_us.size() / 2);
    std::ranges::nth_element(delays_us, middle);
    out.median_delay_us = *middle;
  }
  for (const auto& at : fired) {
    const auto meets = [&](const fault_window& fault) { return share_an_instant(at, fault); };
    const auto of_its_sensor = std::ranges::equal_range(known, at.sensor, {}, &fault_window::sensor);
    out.right += std::ranges::any_of(of_its_sensor, meets) || std::ranges::any_of(of_any_sensor, meets) ? 1 : 0;
  }
  return out;
}

std::vector<std::uint32_t> over_time(std::span<const firing> firings, std::int64_t begin_us, std::int64_t end_us,
                                     std::size_t bins) {
  std::vector<std::uint32_t> out(bins);
  if (bins == 0 || end_us <= begin_us) return out;
  const auto span = static_cast<double>(end_us) - static_cast<double>(begin_us);
  for (const auto& at : firings) {
    const auto place = (static_cast<double>(at.begin_us) - static_cast<double>(begin_us)) / span * static_cast<double>(bins);
    ++out[static_cast<std::size_t>(std::clamp(place, 0.0, static_cast<double>(bins - 1)))];
  }
  return out;
}

}  // namespace factory
