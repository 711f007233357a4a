#include "storage/block/integer_column.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <numeric>
#include <vector>

#include "pipelines/model/coding.hpp"

namespace factory {
namespace {

using u64 = std::uint64_t;
using i64 = std::int64_t;

enum class predictor : std::uint8_t { line = 0, previous = 1, previous_step = 2 };
constexpr std::array predictors = {predictor::line, predictor::previous, predictor::previous_step};

/// What the reader needs besides the planes. The column is first + divisor * y, with y[0] = 0. The prediction of y[i] is one of
///   line           i * step + offset
///   previous       y[i-1] + offset
///   previous_step  y[i-1] + (y[i-1] - y[i-2]), where the step before the first is `offset`.
struct prediction {
  predictor by = predictor::previous_step;
  u64 offset = 0;
  u64 step = 0;  // line only
};

/// Exact division by a number, and the test whether it divides, by one multiplication (Granlund, Montgomery 1994).
class exact_divisor {
 public:
  explicit exact_divisor(u64 d) : shift_(std::countr_zero(d)), limit_(~u64{0} / d) {
    const u64 odd = d >> shift_;
    inverse_ = odd * 3 ^ 2;  // correct in 5 bits; each round doubles the number
    for (int round = 0; round < 4; ++round) inverse_ *= 2 - odd * inverse_;
  }
  bool divides(u64 v) const { return std::rotr(v * inverse_, shift_) <= limit_; }
  u64 quotient(i64 v) const { return static_cast<u64>(v >> shift_) * inverse_; }  // REQUIRES: the divisor divides the number

 private:
  int shift_;
  u64 limit_;
  u64 inverse_;
};

u64 magnitude(u64 v) { return v >> 63U != 0 ? ~v + 1 : v; }

bool is_progression(std::span<const i64> values) {
  const u64 step = static_cast<u64>(values[1]) - static_cast<u64>(values[0]);
  u64 differs = 0;
  for (std::size_t i = 1; i < values.size(); ++i)
    differs |= (static_cast<u64>(values[i]) - static_cast<u64>(values[i - 1])) ^ step;
  return differs == 0;
}

/// Greatest common divisor of the steps. Most runs end after a few steps, when it is 1.
u64 common_divisor(std::span<const i64> values) {
  u64 divisor = 0;
  std::size_t i = 1;
  while (i < values.size() && divisor != 1) {
    divisor = std::gcd(divisor, magnitude(static_cast<u64>(values[i]) - static_cast<u64>(values[0])));
    ++i;
    if (divisor < 2) continue;
    const exact_divisor d(divisor);
    while (i < values.size() && d.divides(magnitude(static_cast<u64>(values[i]) - static_cast<u64>(values[0])))) ++i;
  }
  return std::max<u64>(divisor, 1);
}

/// y of the struct above.
void normalize(std::span<const i64> values, u64 divisor, std::vector<u64>& y) {
  y.resize(values.size());
  const auto first = static_cast<u64>(values[0]);
  for (std::size_t i = 0; i < values.size(); ++i) y[i] = static_cast<u64>(values[i]) - first;
  if (divisor == 1) return;
  const exact_divisor d(divisor);
  for (u64& v : y) v = d.quotient(static_cast<i64>(v));
}

std::size_t sample_stride(std::size_t count) { return std::max<std::size_t>(1, count / 256); }

/// Mean of the sampled differences, so that predictions are off equally to both sides.
template <class Difference>
u64 mean_of(std::size_t count, Difference difference) {
  double sum = 0, taken = 0;
  for (std::size_t i = 1; i < count; i += sample_stride(count), ++taken)
    sum += static_cast<double>(static_cast<i64>(difference(i)));
  constexpr double largest = 9.2e18;
  return static_cast<u64>(static_cast<i64>(std::clamp(sum / taken, -largest, largest)));
}

prediction fitted(predictor by, const std::vector<u64>& y) {
  prediction p{by};
  if (by == predictor::line) {
    p.step = static_cast<u64>(static_cast<i64>(y.back()) / static_cast<i64>(y.size() - 1));
    p.offset = mean_of(y.size(), [&](std::size_t i) { return y[i] - i * p.step; });
  } else {
    p.offset = mean_of(y.size(), [&](std::size_t i) { return y[i] - y[i - 1]; });
  }
  return p;
}

u64 residual(const prediction& p, const std::vector<u64>& y, std::size_t i) {
  switch (p.by) {
    case predictor::line: return y[i] - i * p.step - p.offset;
    case predictor::previous: return y[i] - y[i - 1] - p.offset;
    case predictor::previous_step: return y[i] - y[i - 1] - (i == 1 ? p.offset : y[i - 1] - y[i - 2]);
  }
  return 0;
}

/// Bits that the sampled residuals take, an estimate of the planes' cost.
u64 sampled_cost(const prediction& p, const std::vector<u64>& y) {
  u64 bits = 0;
  for (std::size_t i = 1; i < y.size(); i += sample_stride(y.size()))
    bits += static_cast<u64>(std::bit_width(to_zigzag(static_cast<i64>(residual(p, y, i)))));
  return bits;
}

/// Writes the zigzag residuals of y[1..] into `out`; returns all of them or-ed together.
u64 residuals(const prediction& p, const std::vector<u64>& y, std::vector<u64>& out) {
  const std::size_t n = y.size() - 1;
  out.resize(n);
  const auto zigzag = [](u64 v) { return to_zigzag(static_cast<i64>(v)); };
  switch (p.by) {
    case predictor::line:
      for (std::size_t i = 0; i < n; ++i) out[i] = zigzag(y[i + 1] - (i + 1) * p.step - p.offset);
      break;
    case predictor::previous:
      for (std::size_t i = 0; i < n; ++i) out[i] = zigzag(y[i + 1] - y[i] - p.offset);
      break;
    case predictor::previous_step:
      out[0] = zigzag(y[1] - p.offset);
      for (std::size_t i = 1; i < n; ++i) out[i] = zigzag(y[i + 1] - 2 * y[i] + y[i - 1]);
      break;
  }
  u64 all = 0;
  for (const u64 r : out) all |= r;
  return all;
}

void put_prediction(std::string& out, const prediction& p, unsigned width, u64 divisor) {
  put_byte(out, static_cast<std::uint8_t>(static_cast<unsigned>(p.by) | width << 4U));
  put_varint(out, divisor);
  put_zigzag(out, static_cast<i64>(p.offset));
  if (p.by == predictor::line) put_zigzag(out, static_cast<i64>(p.step));
}

void put_predicted(std::string& out, const prediction& p, const std::vector<u64>& y, u64 divisor, effort how) {
  thread_local std::vector<u64> differences;
  thread_local std::vector<std::uint8_t> plane;
  const u64 all = residuals(p, y, differences);
  const auto width = static_cast<unsigned>(std::bit_width(all) + 7) / 8;
  put_prediction(out, p, width, divisor);
  plane.resize(differences.size());
  for (unsigned byte = 0; byte < width; ++byte) {
    for (std::size_t i = 0; i < plane.size(); ++i) plane[i] = static_cast<std::uint8_t>(differences[i] >> (8 * byte));
    put_plane(out, plane, how);
  }
}

/// Undoes the prediction: `values` holds the zigzag residuals from 1 on, and the numbers afterwards.
void undo(const prediction& p, u64 first, u64 divisor, std::span<i64> values) {
  const auto difference = [&](std::size_t i) { return static_cast<u64>(from_zigzag(static_cast<u64>(values[i]))); };
  u64 y = 0, step = p.offset;
  values[0] = static_cast<i64>(first);
  switch (p.by) {
    case predictor::line:
      for (std::size_t i = 1; i < values.size(); ++i)
        values[i] = static_cast<i64>(first + divisor * (difference(i) + i * p.step + p.offset));
      break;
    case predictor::previous:
      for (std::size_t i = 1; i < values.size(); ++i) {
        y += difference(i) + p.offset;
        values[i] = static_cast<i64>(first + divisor * y);
      }
      break;
    case predictor::previous_step:
      for (std::size_t i = 1; i < values.size(); ++i) {
        step += difference(i);
        y += step;
        values[i] = static_cast<i64>(first + divisor * y);
      }
      break;
  }
}

bool get_planes(std::string_view& in, unsigned width, std::span<i64> values) {
  thread_local std::vector<std::uint8_t> plane;
  plane.resize(values.size());
  if (width == 0) std::fill(values.begin(), values.end(), 0);
  for (unsigned byte = 0; byte < width; ++byte) {
    if (!get_plane(in, plane)) return false;
    if (byte == 0)
      for (std::size_t i = 0; i < plane.size(); ++i) values[i] = plane[i];
    else
      for (std::size_t i = 0; i < plane.size(); ++i) values[i] |= static_cast<i64>(static_cast<u64>(plane[i]) << (8 * byte));
  }
  return true;
}

}  // namespace

void put_integers(std::string& out, std::span<const i64> values, effort how) {
  if (values.empty()) return;
  put_zigzag(out, values[0]);
  if (values.size() == 1) return;
  if (is_progression(values)) {
    const u64 step = static_cast<u64>(values[1]) - static_cast<u64>(values[0]);
    return put_prediction(out, {predictor::previous_step, step}, 0, 1);
  }
  const u64 divisor = common_divisor(values);
  thread_local std::vector<u64> y;
  normalize(values, divisor, y);
  if (how == effort::thorough) {
    std::string best, candidate;
    for (const predictor by : predictors) {
      candidate.clear();
      put_predicted(candidate, fitted(by, y), y, divisor, how);
      if (best.empty() || candidate.size() < best.size()) best.swap(candidate);
    }
    out += best;
    return;
  }
  std::array<prediction, predictors.size()> candidates;
  std::transform(predictors.begin(), predictors.end(), candidates.begin(), [&](predictor by) { return fitted(by, y); });
  const auto cheapest = std::min_element(candidates.begin(), candidates.end(), [&](const prediction& a, const prediction& b) {
    return sampled_cost(a, y) < sampled_cost(b, y);
  });
  put_predicted(out, *cheapest, y, divisor, how);
}

bool get_integers(std::string_view& in, std::span<i64> values) {
  if (values.empty()) return true;
  i64 first = 0;
  if (!get_zigzag(in, first)) return false;
  values[0] = first;
  if (values.size() == 1) return true;
  std::uint8_t shape = 0;
  u64 divisor = 0;
  i64 offset = 0, step = 0;
  if (!get_byte(in, shape) || !get_varint(in, divisor) || !get_zigzag(in, offset)) return false;
  const prediction p{static_cast<predictor>(shape & 0xfU), static_cast<u64>(offset)};
  const unsigned width = shape >> 4U;
  if (p.by > predictor::previous_step || width > 8) return false;
  if (p.by == predictor::line && !get_zigzag(in, step)) return false;
  if (!get_planes(in, width, values.subspan(1))) return false;
  undo({p.by, p.offset, static_cast<u64>(step)}, static_cast<u64>(first), divisor, values);
  return true;
}

}  // namespace factory
