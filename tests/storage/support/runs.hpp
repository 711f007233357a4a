#pragma once

#include <cstddef>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "pipelines/model/reading.hpp"

namespace factory::test {

/// A named way to make a run of readings, for property tests.
struct signal {
  std::string name;
  std::function<reading_run(std::size_t count, std::mt19937_64& random)> make;
};
const std::vector<signal>& signals();

/// Equal to the last bit, NaN payloads and the sign of zero included.
bool same_bits(const reading_run& a, const reading_run& b);

}  // namespace factory::test
