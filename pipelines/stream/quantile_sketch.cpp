#include "pipelines/stream/quantile_sketch.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "pipelines/model/coding.hpp"

namespace factory {

namespace {

constexpr double gamma = (1 + quantile_sketch::relative_error) / (1 - quantile_sketch::relative_error);
/// Numbers of bins of positive values begin here, so that 0 is the bin of 0 and the order of numbers is that of values.
constexpr std::int32_t offset = 40'000;

}  // namespace

/// Bin k holds the magnitudes in (gamma^(k - 1), gamma^k].
std::int32_t quantile_sketch::bin_of(double value) {
  if (std::fabs(value) < 1e-300) return 0;
  static const double log_gamma = std::log(gamma);
  const auto k = static_cast<std::int32_t>(std::ceil(std::log(std::fabs(value)) / log_gamma)) + offset;
  return value > 0 ? k : -k;
}

double quantile_sketch::value_of(std::int32_t bin) {
  if (bin == 0) return 0;
  static const double log_gamma = std::log(gamma);
  const auto magnitude =
      std::min(std::exp((std::abs(bin) - offset) * log_gamma) * 2 / (1 + gamma), std::numeric_limits<double>::max());
  return bin > 0 ? magnitude : -magnitude;
}

void quantile_sketch::add_to(std::int32_t bin, std::uint64_t count) {
  const auto at = std::ranges::lower_bound(bins_, bin, {}, &quantile_sketch::counted_bin::first);
  if (at != bins_.end() && at->first == bin)
    at->second += count;
  else
    bins_.insert(at, {bin, count});
  count_ += count;
}

void quantile_sketch::add(double value) {
  add_to(bin_of(value), 1);
  collapse();
}

void quantile_sketch::merge(const quantile_sketch& other) {
  for (const auto& [bin, count] : other.bins_) add_to(bin, count);
  collapse();
}

bool quantile_sketch::take_away(double value) {
  if (has_collapsed_) return false;
  const auto at = std::ranges::lower_bound(bins_, bin_of(value), {}, &quantile_sketch::counted_bin::first);
  if (--at->second == 0) bins_.erase(at);
  --count_;
  return true;
}

/// Joins the two bins of least magnitude.
void quantile_sketch::collapse() {
  while (bins_.size() > most_bins) {
    has_collapsed_ = true;
    const auto least = std::ranges::min_element(bins_, {}, [](const auto& each) { return std::abs(each.first); });
    const auto count = least->second;
    bins_.erase(least);
    const auto next = std::ranges::min_element(bins_, {}, [](const auto& each) { return std::abs(each.first); });
    next->second += count;
  }
}

double quantile_sketch::quantile(double q) const {
  const auto rank = static_cast<std::uint64_t>(q * static_cast<double>(count_ - 1));
  std::uint64_t below = 0;
  for (const auto& [bin, count] : bins_) {
    below += count;
    if (below > rank) return value_of(bin);
  }
  return value_of(bins_.back().first);
}

void quantile_sketch::encode(std::string& out) const {
  put_varint(out, bins_.size());
  for (const auto& [bin, count] : bins_) {
    put_zigzag(out, bin);
    put_varint(out, count);
  }
}

bool quantile_sketch::decode(std::string_view& in) {
  std::uint64_t size = 0;
  if (!get_varint(in, size) || size > most_bins) return false;
  bins_.clear();
  count_ = 0;
  for (; size > 0; --size) {
    std::int64_t bin = 0;
    std::uint64_t count = 0;
    if (!get_zigzag(in, bin) || !get_varint(in, count) || std::abs(bin) > 2 * offset) return false;
    bins_.emplace_back(static_cast<std::int32_t>(bin), count);
    count_ += count;
  }
  return true;
}

}  // namespace factory
