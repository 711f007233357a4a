#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "pipelines/select/selector.hpp"

namespace factory {

/// Which of many selectors match one sensor. Each selector stands under the rarest of the things that it asks for, and a sensor is compared
/// only with those that stand under something it has; selectors that ask for a pattern alone are compared with every sensor.
class selector_index {
 public:
  /// Takes the place of the selector with this id.
  void put(std::uint32_t id, selector which);
  void erase(std::uint32_t id);
  std::size_t size() const { return selectors_.size(); }
  const selector* find(std::uint32_t id) const;
  /// Ascending.
  std::vector<std::uint32_t> matching(const sensor_traits& sensor) const;

 private:
  static std::vector<std::string> places_of(const selector& which);
  void add_matching(const std::string& place, const sensor_traits& sensor, std::vector<std::uint32_t>& out) const;

  std::map<std::uint32_t, selector> selectors_;
  std::unordered_map<std::string, std::vector<std::uint32_t>> under_;  // a kind of thing and what it is; none is empty
};

}  // namespace factory
