#pragma once

#include <cstddef>
#include <vector>

namespace factory {

/// Eigenvalues of a symmetric n x n matrix, falling, and their vectors as rows, by Jacobi's rotations (Golub, Van Loan, 8.5).
void decompose_symmetric(std::vector<double> matrix, std::size_t n, std::vector<double>& values, std::vector<double>& vectors);

}  // namespace factory
