#include "pipelines/judge/recompute.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "pipelines/judge/sensor_judge.hpp"
#include "pipelines/model/recent_rows.hpp"

namespace factory {
namespace {

constexpr double rounding = 1e-9;

bool near(double a, double b) { return std::abs(a - b) <= rounding * std::max({1.0, std::abs(a), std::abs(b)}); }

bool near(const z_score_detail& a, const z_score_detail& b) {
  return near(a.z_score, b.z_score) && near(a.mean, b.mean) && near(a.std_dev, b.std_dev);
}
bool near(const episode_detail& a, const episode_detail& b) {
  return a.begin_us == b.begin_us && a.peak_us == b.peak_us && a.count == b.count && near(a.score, b.score) &&
         near(a.expected, b.expected) && near(a.low, b.low) && near(a.high, b.high);
}

bool is_judged(const reading_run& rows, std::size_t row) {
  return (rows.flags[row] & (flag_late | flag_future | left_out_flags)) == 0;
}

/// A broken rule of a control chart follows from the points of its episode alone; what came before them may not have been held against these
/// limits. The first point is known by its last reading.
std::size_t first_row_of(const event_key& any, const stream_rules& rules, const reading_run& rows) {
  if (any.source != event_source::western_electric && any.source != event_source::nelson) return 0;
  auto row =
      static_cast<std::size_t>(std::ranges::lower_bound(rows.event_time_us, any.event_time_us) - rows.event_time_us.begin());
  for (auto missing = rules.spc.against.subgroup - 1; missing > 0 && row > 0;)
    if (is_judged(rows, --row)) --missing;
  return row;
}

}  // namespace

std::optional<finding> recompute(const event_key& any, const stream_rules& rules, const reading_run& rows,
                                 std::vector<time_range> rests) {
  recent_rows judged;
  for (std::size_t i = first_row_of(any, rules, rows); i < rows.size(); ++i)
    if (is_judged(rows, i)) judged.append({&rows.event_time_us[i], 1}, {&rows.value[i], 1});
  sensor_judge judge(any.sensor, rules);
  judge.rest(std::move(rests));
  std::vector<event> found;
  judge.observe(judged, 0, judged.size(), 0, found);
  std::erase_if(found, [&](const event& each) { return !same_finding(each.key, any); });
  if (found.empty()) return std::nullopt;
  return fold_finding(found);
}

bool same_figures(const finding& a, const finding& b) {
  if (!a.stated || !b.stated) return false;
  const event &of_a = a.newest(), &of_b = b.newest();
  if (!near(of_a.value, of_b.value) || of_a.level != of_b.level) return false;
  if (const auto* const episode = std::get_if<episode_detail>(&of_a.detail)) {
    const auto* const other = std::get_if<episode_detail>(&of_b.detail);
    return other != nullptr && near(*episode, *other);
  }
  const auto *const score = std::get_if<z_score_detail>(&of_a.detail), *const other = std::get_if<z_score_detail>(&of_b.detail);
  return score != nullptr && other != nullptr && near(*score, *other);
}

}  // namespace factory
