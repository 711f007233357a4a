#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "pipelines/model/labels.hpp"

/// For this room only.
namespace factory {

/// Which entries of a kind carry a label.
class label_index {
 public:
  void add(const label_set& labels, std::uint32_t id);
  void remove(const label_set& labels, std::uint32_t id);
  /// Ascending; empty when none carries it. Valid until the next change.
  std::span<const std::uint32_t> ids_of(const label& one) const;

 private:
  std::map<label, std::vector<std::uint32_t>> ids_;  // ascending; none is empty
};

}  // namespace factory
