#include "pipelines/select/selector.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "pipelines/model/coding.hpp"
#include "pipelines/select/glob.hpp"

namespace factory {
namespace {

constexpr std::uint8_t selector_version = 1;

void put_wish(std::string& out, const std::optional<std::string>& text) {
  put_byte(out, text ? 1 : 0);
  if (text) put_text(out, *text);
}
bool get_wish(std::string_view& in, std::optional<std::string>& text) {
  std::uint8_t there = 0;
  text.reset();
  return get_byte(in, there) && there <= 1 && (there == 0 || get_text(in, text.emplace()));
}

}  // namespace

const std::string* sensor_traits::find(std::string_view key) const {
  const auto* value = labels != nullptr ? labels->find(key) : nullptr;
  return value == nullptr && machine_labels != nullptr ? machine_labels->find(key) : value;
}

bool sensor_traits::has(const label& one) const {
  const auto* const value = find(one.key);
  return value != nullptr && *value == one.value;
}

bool selector::empty() const {
  return factory == 0 && machine == 0 && !machine_type && !name && !unit && labels.empty() && sensors.empty();
}

bool selector::matches(const sensor_traits& sensor) const {
  return (factory == 0 || factory == sensor.factory) && (machine == 0 || machine == sensor.machine) &&
         (!machine_type || *machine_type == sensor.machine_type) && (!unit || *unit == sensor.unit) &&
         (sensors.empty() || std::binary_search(sensors.begin(), sensors.end(), sensor.sensor)) &&
         std::all_of(labels.begin(), labels.end(), [&](const label& one) { return sensor.has(one); }) &&
         (!name || matches_pattern(*name, sensor.name));
}

std::string to_text(const selector& which) {
  std::vector<std::string> parts;
  if (which.factory != 0) parts.push_back(fmt::format("factory {}", which.factory));
  if (which.machine != 0) parts.push_back(fmt::format("machine {}", which.machine));
  if (which.machine_type) parts.push_back(fmt::format("machine_type {}", *which.machine_type));
  if (which.name) parts.push_back(fmt::format("name {}", *which.name));
  if (which.unit) parts.push_back(fmt::format("unit {}", *which.unit));
  for (const label& one : which.labels) parts.push_back(fmt::format("label {}:{}", one.key, one.value));
  if (!which.sensors.empty()) parts.push_back(fmt::format("sensors {}", fmt::join(which.sensors, " ")));
  return fmt::format("{}", fmt::join(parts, ", "));
}

void put_selector(std::string& out, const selector& which) {
  put_byte(out, selector_version);
  put_varint(out, which.factory);
  put_varint(out, which.machine);
  put_wish(out, which.machine_type);
  put_wish(out, which.name);
  put_wish(out, which.unit);
  put_labels(out, which.labels);
  put_varint(out, which.sensors.size());
  for (const auto sensor : which.sensors) put_varint(out, sensor);
}

bool get_selector(std::string_view& in, selector& which) {
  std::uint8_t version = 0;
  std::uint64_t sensors = 0;
  which.sensors.clear();
  if (!get_byte(in, version) || version != selector_version || !get_varint_as(in, which.factory) ||
      !get_varint_as(in, which.machine) || !get_wish(in, which.machine_type) || !get_wish(in, which.name) ||
      !get_wish(in, which.unit) || !get_labels(in, which.labels) || !get_varint(in, sensors) || sensors > in.size())
    return false;
  for (; sensors > 0; --sensors)
    if (!get_varint_as(in, which.sensors.emplace_back())) return false;
  return (!which.name || is_pattern(*which.name)) && std::is_sorted(which.sensors.begin(), which.sensors.end());
}

}  // namespace factory
