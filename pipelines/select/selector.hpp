#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/model/labels.hpp"
#include "pipelines/model/reading.hpp"

namespace factory {

/// What a selector looks at in a sensor. Points into the catalog.
struct sensor_traits {
  sensor_id sensor = 0;
  machine_id machine = 0;
  factory_id factory = 0;
  std::string_view name, unit, machine_type;
  const label_set* labels = nullptr;          ///< the sensor's own
  const label_set* machine_labels = nullptr;  ///< hold for the sensor where it has no label with that key
  /// The value of a key; null where neither has it.
  const std::string* find(std::string_view key) const;
  bool has(const label& one) const;
};

/// Which sensors something is for. All that is given must hold; at least one thing is given.
struct selector {
  factory_id factory = 0;  ///< 0: any
  machine_id machine = 0;  ///< 0: any
  std::optional<std::string> machine_type = {};
  std::optional<std::string> name = {};  ///< a pattern (glob.hpp)
  std::optional<std::string> unit = {};
  label_set labels = {};                ///< all of them, on the sensor or its machine
  std::vector<sensor_id> sensors = {};  ///< one of them, ascending; empty: any

  /// Nothing is given: such a selector is refused.
  bool empty() const;
  bool matches(const sensor_traits& sensor) const;
  bool operator==(const selector&) const = default;
};

/// For logs and tables that people read: `machine_type press, name bearing_*, label line:3`.
std::string to_text(const selector& which);

/// Appends the bytes of the selector (coding.hpp); get_selector reads them from the front of `in` and advances it, and returns false,
/// leaving both anywhere, when damaged.
void put_selector(std::string& out, const selector& which);
bool get_selector(std::string_view& in, selector& which);

}  // namespace factory
