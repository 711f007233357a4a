#include "replay/earlier_rows.hpp"
#include "pipelines/model/same_bits.hpp"

#include <algorithm>
#include <utility>

namespace factory::replay {

namespace {}  // namespace

earlier_rows::meeting earlier_rows::put(sensor_id sensor, std::int64_t time_us, double value, double& before) {
  if (kept_ >= most_) forget();
  readings& of = sensors_[sensor];
  if (time_us > of.newest_us) {
    if (of.runs.empty() || of.runs.back().times_us.back() != of.newest_us) {
      append(of, time_us, value);
    } else {
      of.runs.back().times_us.push_back(time_us);
      of.runs.back().values.push_back(value);
    }
    of.newest_us = time_us;
    ++kept_;
    return meeting::none;
  }
  if (double* met = find(of, time_us)) {
    if (same_bits(*met, value)) return meeting::same;
    before = std::exchange(*met, value);
    return meeting::other;
  }
  append(of, time_us, value);
  ++kept_;
  return time_us >= of.forgotten_from_us && time_us < of.forgotten_to_us ? meeting::unknown : meeting::none;
}

double* earlier_rows::find(readings& of, std::int64_t time_us) {
  for (run& r : of.runs) {
    if (time_us < r.times_us.front() || time_us > r.times_us.back()) continue;
    const auto at = std::lower_bound(r.times_us.begin(), r.times_us.end(), time_us);
    if (*at == time_us) return &r.values[static_cast<std::size_t>(at - r.times_us.begin())];
  }
  return nullptr;
}

/// Behind the run that ends next before it, else as a new run. Runs of about one length are merged first, so that they stay few.
void earlier_rows::append(readings& to, std::int64_t time_us, double value) {
  run* behind = nullptr;
  for (run& r : to.runs) {
    if (r.times_us.back() < time_us && (behind == nullptr || r.times_us.back() > behind->times_us.back())) behind = &r;
  }
  if (behind == nullptr) {
    auto& runs = to.runs;
    while (runs.size() > 1 && runs[runs.size() - 2].values.size() <= 2 * runs.back().values.size()) {
      run &a = runs[runs.size() - 2], &b = runs.back(), both;
      for (std::size_t i = 0, k = 0; i < a.values.size() || k < b.values.size();) {
        const bool first = k == b.values.size() || (i < a.values.size() && a.times_us[i] < b.times_us[k]);
        both.times_us.push_back(first ? a.times_us[i] : b.times_us[k]);
        both.values.push_back(first ? a.values[i++] : b.values[k++]);
      }
      a = std::move(both);
      runs.pop_back();
    }
    behind = &runs.emplace_back();
  }
  behind->times_us.push_back(time_us);
  behind->values.push_back(value);
}

void earlier_rows::forget() {
  kept_ = 0;
  for (auto& [sensor, of] : sensors_) {
    double newest = 0;
    for (const run& r : of.runs) {
      of.forgotten_from_us = std::min(of.forgotten_from_us, r.times_us.front());
      if (r.times_us.back() == of.newest_us) newest = r.values.back();
    }
    of.forgotten_to_us = of.newest_us;
    of.runs.assign(1, {{of.newest_us}, {newest}});
    ++kept_;
  }
  most_ = std::max(most_, 2 * kept_);
}

}  // namespace factory::replay
