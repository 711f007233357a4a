#include "pipelines/machine/machine_judge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "pipelines/judge/episode_event.hpp"
#include "pipelines/model/coding.hpp"

namespace factory {
namespace {

constexpr std::uint8_t machine_judge_version = 2;  // 1 has no sensitivity: that which it begins with
constexpr double no_value = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t most_culprits = 8;
constexpr std::int64_t carried = machine_cell::carried_us / machine_cell::length_us;
constexpr double carried_intervals = 3, gap_rate = 1.0 / 16;
constexpr double least_blame = 0.02;  ///< of a culprit that is named

}  // namespace

std::string explain_machine(const std::vector<culprit>& culprits, episode::ending how) {
  std::string text = "The sensors of the machine do not go together as they do when it runs calmly";
  for (std::size_t i = 0; i < std::min<std::size_t>(culprits.size(), 3); ++i)
    text += fmt::format("{} sensor {} ({:.0f} % of it) is at {:.6g} where {:.6g} is usual", i == 0 ? ":" : ",",
                        culprits[i].is.sensor, 100 * culprits[i].is.share, culprits[i].value, culprits[i].expected);
  if (how == episode::ending::learned) text += "; it stayed so long that the machine is learned anew";
  return text;
}

machine_judge::machine_judge(std::uint32_t machine, std::vector<sensor_id> sensors, const machine_settings& how)
    : of_(std::make_shared<const setting>(setting{machine, std::move(sensors)})),
      how_(how),
      detector_(of_->sensors.size()),
      values_(of_->sensors.size(), no_value),
      cells_(of_->sensors.size(), INT64_MIN),
      gaps_(of_->sensors.size()) {}

void machine_judge::observe(const recent_rows& rows, std::size_t begin, std::size_t end, std::int64_t received_at_us,
                            std::vector<event>& out) {
  const auto places = rows.times_us();
  const auto values = rows.values();
  const auto width = static_cast<std::int64_t>(values_.size() + 1);
  std::int64_t cell = 0, first_place = INT64_MAX;  // of the cell; dividing for each place would cost as much as the rest
  for (auto row = begin; row < end; ++row) {
    const auto place = places[row];
    if (place < first_place || place - first_place >= width) {
      cell = machine_cell::of_place(place, values_.size());
      first_place = cell * width;
    }
    const auto at = static_cast<std::size_t>(place - first_place);
    if (at == values_.size()) {
      end_cell(cell, received_at_us, out);
      continue;
    }
    if (cells_[at] != INT64_MIN) {
      const auto gap = static_cast<double>(std::min(cell - cells_[at], carried));
      gaps_[at] += gaps_[at] == 0 ? gap : gap_rate * (gap - gaps_[at]);
    }
    values_[at] = values[row];
    cells_[at] = cell;
  }
}

void machine_judge::end_cell(std::int64_t cell, std::int64_t received_at_us, std::vector<event>& out) {
  std::size_t known = 0;
  for (std::size_t i = 0; i < values_.size(); ++i) {
    const double most = static_cast<double>(carried);
    const double usual = gaps_[i] == 0 ? most : std::min(most, carried_intervals * gaps_[i] + 1);
    if (cells_[i] == INT64_MIN || static_cast<double>(cell - cells_[i]) > usual) values_[i] = no_value;
    known += std::isnan(values_[i]) ? 0 : 1;
  }
  if (known < 2) return;
  std::vector<episode_change> changes;
  detector_.observe(machine_cell::begin_us(cell), values_, how_, changes);
  if (detector_.newest_score() >= 1 && detector_.newest_score() > peak_score_) blame();
  for (const auto& each : changes) out.push_back(told(each, received_at_us));
  if (peak_score_ == 0 || detector_.episodes().open_count() != 0) return;
  peak_score_ = 0;
  culprits_.clear();
}

/// The score is higher than before: who carries it now.
void machine_judge::blame() {
  peak_score_ = detector_.newest_score();
  culprits_.clear();
  const auto shares = detector_.contributions();
  for (std::size_t i = 0; i < shares.size(); ++i)
    if (shares[i] >= least_blame && !std::isnan(values_[i]))
      culprits_.push_back({{of_->sensors[i], shares[i]}, values_[i], detector_.expected_of(i)});
  std::ranges::stable_sort(culprits_, std::greater<>(), [](const culprit& each) { return each.is.share; });
  if (culprits_.size() > most_culprits) culprits_.resize(most_culprits);
}

event machine_judge::told(const episode_change& change, std::int64_t received_at_us) const {
  const episode& is = change.now;
  event e = event_of(change, {0, 0, event_source::machine, of_->machine, {}}, received_at_us);
  auto& detail = std::get<episode_detail>(e.detail);
  detail.window_count = detector_.learned_rows();
  for (const auto& each : culprits_) detail.contributions.push_back(each.is);
  e.explanation = explain_machine(culprits_, is.end_reason);
  return e;
}

void machine_judge::encode(std::string& out) const {
  put_byte(out, machine_judge_version);
  put_double(out, how_.sensitivity);
  detector_.encode(out);
  for (const double each : values_) put_double(out, each);
  for (const auto each : cells_) put_zigzag(out, each);
  for (const double each : gaps_) put_double(out, each);
  put_varint(out, culprits_.size());
  for (const auto& each : culprits_) {
    put_varint(out, each.is.sensor);
    for (const double figure : {each.is.share, each.value, each.expected}) put_double(out, figure);
  }
  put_double(out, peak_score_);
}

void machine_judge::put_command(std::string& out, const command& what) { put_double(out, what.sensitivity); }
bool machine_judge::get_command(std::string_view& in, command& what) {
  return get_double(in, what.sensitivity) && what.sensitivity > 0;
}

bool machine_judge::decode(std::string_view& in) {
  std::uint8_t version = 0;
  std::uint64_t count = 0;
  if (!get_byte(in, version) || version < 1 || version > machine_judge_version) return false;
  if (version > 1 && (!get_double(in, how_.sensitivity) || !(how_.sensitivity > 0))) return false;
  if (!detector_.decode(in)) return false;
  for (double& each : values_)
    if (!get_double(in, each)) return false;
  for (auto& each : cells_)
    if (!get_zigzag(in, each)) return false;
  for (double& each : gaps_)
    if (!get_double(in, each)) return false;
  if (!get_varint(in, count) || count > most_culprits) return false;
  culprits_.assign(count, {});
  for (auto& each : culprits_)
    if (!get_varint_as(in, each.is.sensor) || !get_double(in, each.is.share) || !get_double(in, each.value) ||
        !get_double(in, each.expected))
      return false;
  return get_double(in, peak_score_);
}

}  // namespace factory
