#include "storage/catalog/label_index.hpp"

#include <algorithm>

namespace factory {

void label_index::add(const label_set& labels, std::uint32_t id) {
  for (const label& one : labels) {
    auto& ids = ids_[one];
    ids.insert(std::upper_bound(ids.begin(), ids.end(), id), id);
  }
}

void label_index::remove(const label_set& labels, std::uint32_t id) {
  for (const label& one : labels) {
    const auto found = ids_.find(one);
    auto& ids = found->second;
    ids.erase(std::lower_bound(ids.begin(), ids.end(), id));
    if (ids.empty()) ids_.erase(found);
  }
}

std::span<const std::uint32_t> label_index::ids_of(const label& one) const {
  const auto found = ids_.find(one);
  return found == ids_.end() ? std::span<const std::uint32_t>() : found->second;
}

}  // namespace factory
