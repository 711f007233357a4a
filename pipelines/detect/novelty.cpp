#include "pipelines/detect/novelty.hpp"

#include <algorithm>
#include <cmath>

#include "pipelines/detect/pattern_tuning.hpp"

namespace factory {
namespace {

constexpr std::uint32_t shape_after = 16, peaks_after = 24;  ///< blocks
constexpr float far_away = 1e30F;

float as_float(double value) { return static_cast<float>(std::clamp(value, -1e30, 1e30)); }

}  // namespace

double novelty_memory::scale_now(const pattern_constants& with) const { return scale_.scale(with.mean_share); }

novelty_memory::shape novelty_memory::shape_of(double scale, const pattern_constants& with) const {
  std::array<double, shape_size> y{};
  for (std::size_t i = 0; i < shape_size; ++i) {
    const double z = (recent_[i] - scale_.median()) / scale;
    y[i] = z / (1 + std::abs(z) / with.squash);
  }
  std::array<double, 4> pair{}, pair_step{};
  for (std::size_t i = 0; i < 4; ++i) {
    pair[i] = (y[2 * i] + y[2 * i + 1]) / 2;
    pair_step[i] = (y[2 * i + 1] - y[2 * i]) / 2;
  }
  const double left = (pair[0] + pair[1]) / 2, right = (pair[2] + pair[3]) / 2;
  shape out{};
  out[0] = static_cast<float>(with.weight_mean * (left + right) / 2);
  out[1] = static_cast<float>(with.weight_half * (right - left) / 2);
  out[2] = static_cast<float>(with.weight_quarter * (pair[1] - pair[0]) / 2);
  out[3] = static_cast<float>(with.weight_quarter * (pair[3] - pair[2]) / 2);
  for (std::size_t i = 0; i < 4; ++i) out[4 + i] = static_cast<float>(with.weight_eighth * pair_step[i]);
  out[shape_size] = as_float(recent_.back() - anchor_);
  return out;
}

float novelty_memory::nearest(const shape& now, float level_weight, std::size_t& which) const {
  const auto& table = boxes_.read();
  std::array<float, boxes> distance{};
  for (std::size_t d = 0; d < dimensions; ++d) {
    const float* low = &table.lows[d * boxes];
    const float* high = &table.highs[d * boxes];
    const float at = now[d], weight = d == shape_size ? level_weight : 1.0F;
    for (std::size_t k = 0; k < boxes; ++k) distance[k] += weight * std::max(std::max(low[k] - at, at - high[k]), 0.0F);
  }
  which = static_cast<std::size_t>(std::min_element(distance.begin(), distance.begin() + used_) - distance.begin());
  return std::min(distance[which], far_away);
}

double novelty_memory::observe(double least_of_half, double most_of_half, const pattern_constants& with) {
  if (!half_) {
    held_least_ = least_of_half;
    held_most_ = most_of_half;
    half_ = true;
    return -1;
  }
  half_ = false;
  const double least = std::min(held_least_, least_of_half), most = std::max(held_most_, most_of_half);
  if (blocks_ == 0) fast_ = (least + most) / 2;
  const double farther = most - fast_ > fast_ - least ? most : least;
  fast_ += with.fast_rate * ((least + most) / 2 - fast_);
  std::move(recent_.begin() + 1, recent_.end(), recent_.begin());
  recent_.back() = farther;
  if (blocks_ < 1'000'000'000) ++blocks_;
  if (filled_ < shape_size) ++filled_;
  scale_.learn(farther, with.scale_rate);
  if (blocks_ < shape_after || filled_ < shape_size) return -1;
  if (boxes_.read().lows.empty()) {
    auto& table = boxes_.change();
    table.lows.assign(boxes * dimensions, 0);
    table.highs.assign(boxes * dimensions, 0);
    anchor_ = scale_.median();
  }
  const double scale = scale_now(with);
  const shape now = shape_of(scale, with);
  const auto level_weight = as_float(with.weight_level / scale);
  std::size_t which = 0;
  const float novelty = used_ == 0 ? 0 : nearest(now, level_weight, which);
  const double limit = with.floor_limit + peaks_.share_and_deviation(with.peak_share, with.peak_deviation);
  const double score = warm() ? novelty / limit : -1;
  if (blocks_ > peaks_after) peaks_.learn(novelty, with.peak_rate, with.clip * limit);
  learn(now, novelty, which, level_weight, with);
  return score;
}

void novelty_memory::learn(const shape& now, float novelty, std::size_t nearest_box, float level_weight,
                           const pattern_constants& with) {
  const double radius = with.radius_share * std::max(usual_, with.least_usual);
  usual_ += std::max(with.usual_rate, 1.0 / (blocks_ - shape_after + 1)) * (novelty - usual_);
  if (used_ != 0 && novelty <= radius) {
    if (boxes_.read().holds(nearest_box, now)) return;
    auto& table = boxes_.change();
    for (std::size_t d = 0; d < dimensions; ++d) {
      table.low(d, nearest_box) = std::min(table.low(d, nearest_box), now[d]);
      table.high(d, nearest_box) = std::max(table.high(d, nearest_box), now[d]);
    }
    return;
  }
  auto& table = boxes_.change();
  if (used_ == boxes) {
    merge_two(table, level_weight);
    used_ = boxes - 1;
  }
  for (std::size_t d = 0; d < dimensions; ++d) table.low(d, used_) = table.high(d, used_) = now[d];
  ++used_;
}

void novelty_memory::merge_two(box_table& in, float level_weight) {
  std::array<float, boxes> size{};
  for (std::size_t d = 0; d < dimensions; ++d)
    for (std::size_t k = 0; k < boxes; ++k) size[k] += (d == shape_size ? level_weight : 1.0F) * (in.high(d, k) - in.low(d, k));
  float cheapest = INFINITY;
  std::size_t kept = 0, gone = 1;
  for (std::size_t i = 0; i + 1 < boxes; ++i) {
    std::array<float, boxes> joined{};
    for (std::size_t d = 0; d < dimensions; ++d) {
      const float* lows = &in.lows[d * boxes];
      const float* highs = &in.highs[d * boxes];
      const float weight = d == shape_size ? level_weight : 1.0F, least = lows[i], most = highs[i];
      for (std::size_t k = 0; k < boxes; ++k) joined[k] += weight * (std::max(most, highs[k]) - std::min(least, lows[k]));
    }
    for (std::size_t k = i + 1; k < boxes; ++k) {
      const float cost = joined[k] - std::max(size[i], size[k]);
      if (cost >= cheapest) continue;
      cheapest = cost;
      kept = i;
      gone = k;
    }
  }
  for (std::size_t d = 0; d < dimensions; ++d) {
    in.low(d, kept) = std::min(in.low(d, kept), in.low(d, gone));
    in.high(d, kept) = std::max(in.high(d, kept), in.high(d, gone));
    in.low(d, gone) = in.low(d, boxes - 1);
    in.high(d, gone) = in.high(d, boxes - 1);
  }
}

}  // namespace factory
