#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "pipelines/model/reading.hpp"

namespace factory {

/// The sensors that exist, as a bitmap: what a decoder checks a row against. Immutable once shared.
class sensor_set {
 public:
  bool contains(std::uint64_t id) const { return id / 64 < words_.size() && ((words_[id / 64] >> (id % 64)) & 1U) != 0; }
  void insert(sensor_id id) {
    if (id / 64 >= words_.size()) words_.resize(id / 64 + 1);
    words_[id / 64] |= std::uint64_t{1} << (id % 64);
  }
  void erase(sensor_id id) {
    if (id / 64 < words_.size()) words_[id / 64] &= ~(std::uint64_t{1} << (id % 64));
  }
  std::size_t size() const {
    std::size_t count = 0;
    for (const auto word : words_) count += static_cast<std::size_t>(std::popcount(word));
    return count;
  }
  /// One past the largest id that may be contained; sizes lookup tables.
  sensor_id bound() const { return static_cast<sensor_id>(words_.size() * 64); }

 private:
  std::vector<std::uint64_t> words_;
};

}  // namespace factory
