#include "pipelines/stats/symmetric_eigen.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace factory {
namespace {

constexpr int most_sweeps = 30;

/// Turns rows and columns p and q so that their common element becomes 0.
void rotate(std::vector<double>& a, std::vector<double>& v, std::size_t n, std::size_t p, std::size_t q) {
  const double apq = a[p * n + q];
  if (std::abs(apq) < 1e-300) return;
  const double theta = (a[q * n + q] - a[p * n + p]) / (2 * apq);
  const double t = (theta >= 0 ? 1 : -1) / (std::abs(theta) + std::sqrt(theta * theta + 1));
  const double c = 1 / std::sqrt(t * t + 1), s = t * c;
  for (std::size_t k = 0; k < n; ++k) {
    const double kp = a[k * n + p], kq = a[k * n + q];
    a[k * n + p] = c * kp - s * kq;
    a[k * n + q] = s * kp + c * kq;
  }
  for (std::size_t k = 0; k < n; ++k) {
    const double pk = a[p * n + k], qk = a[q * n + k];
    a[p * n + k] = c * pk - s * qk;
    a[q * n + k] = s * pk + c * qk;
    const double vp = v[p * n + k], vq = v[q * n + k];
    v[p * n + k] = c * vp - s * vq;
    v[q * n + k] = s * vp + c * vq;
  }
}

}  // namespace

void decompose_symmetric(std::vector<double> matrix, std::size_t n, std::vector<double>& values, std::vector<double>& vectors) {
  std::vector<double> turned(n * n);
  for (std::size_t i = 0; i < n; ++i) turned[i * n + i] = 1;
  for (int sweep = 0; sweep < most_sweeps; ++sweep) {
    double beside = 0;
    for (std::size_t p = 0; p < n; ++p)
      for (std::size_t q = p + 1; q < n; ++q) beside += std::abs(matrix[p * n + q]);
    if (beside < 1e-12) break;
    for (std::size_t p = 0; p + 1 < n; ++p)
      for (std::size_t q = p + 1; q < n; ++q) rotate(matrix, turned, n, p, q);
  }
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return matrix[a * n + a] > matrix[b * n + b]; });
  values.clear();
  vectors.clear();
  for (const std::size_t i : order) {
    values.push_back(std::max(matrix[i * n + i], 0.0));
    vectors.insert(vectors.end(), turned.begin() + static_cast<std::ptrdiff_t>(i * n),
                   turned.begin() + static_cast<std::ptrdiff_t>((i + 1) * n));
  }
}

}  // namespace factory
