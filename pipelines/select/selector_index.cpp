#include "pipelines/select/selector_index.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "pipelines/model/coding.hpp"
#include "pipelines/select/glob.hpp"

namespace factory {
namespace {

const std::string anywhere = "*";

std::string under_number(char kind, std::uint32_t number) {
  std::string place(1, kind);
  put_fixed32(place, number);
  return place;
}
std::string under_text(char kind, std::string_view text) { return std::string(1, kind).append(text); }
std::string under_label(std::string_view key, std::string_view value) {
  return under_text('l', key).append(1, '\0').append(value);
}

}  // namespace

/// Several for sensors by id, one for all else.
std::vector<std::string> selector_index::places_of(const selector& which) {
  if (!which.sensors.empty()) {
    std::vector<std::string> places;
    for (const auto sensor : which.sensors) places.push_back(under_number('s', sensor));
    return places;
  }
  if (which.machine != 0) return {under_number('m', which.machine)};
  if (!which.labels.empty()) return {under_label(which.labels.begin()->key, which.labels.begin()->value)};
  if (which.name)
    if (const auto name = only_match(*which.name)) return {under_text('n', *name)};
  if (which.machine_type) return {under_text('t', *which.machine_type)};
  if (which.unit) return {under_text('u', *which.unit)};
  if (which.factory != 0) return {under_number('f', which.factory)};
  return {anywhere};
}

void selector_index::put(std::uint32_t id, selector which) {
  erase(id);
  for (const auto& place : places_of(which)) under_[place].push_back(id);
  selectors_.emplace(id, std::move(which));
}

void selector_index::erase(std::uint32_t id) {
  const auto found = selectors_.find(id);
  if (found == selectors_.end()) return;
  for (const auto& place : places_of(found->second)) {
    const auto under = under_.find(place);
    std::erase(under->second, id);
    if (under->second.empty()) under_.erase(under);
  }
  selectors_.erase(found);
}

const selector* selector_index::find(std::uint32_t id) const {
  const auto found = selectors_.find(id);
  return found == selectors_.end() ? nullptr : &found->second;
}

void selector_index::add_matching(const std::string& place, const sensor_traits& sensor, std::vector<std::uint32_t>& out) const {
  const auto under = under_.find(place);
  if (under == under_.end()) return;
  for (const auto id : under->second)
    if (selectors_.at(id).matches(sensor)) out.push_back(id);
}

std::vector<std::uint32_t> selector_index::matching(const sensor_traits& sensor) const {
  std::vector<std::uint32_t> found;
  if (selectors_.empty()) return found;
  add_matching(anywhere, sensor, found);
  add_matching(under_number('s', sensor.sensor), sensor, found);
  add_matching(under_number('m', sensor.machine), sensor, found);
  add_matching(under_text('n', sensor.name), sensor, found);
  add_matching(under_text('t', sensor.machine_type), sensor, found);
  add_matching(under_text('u', sensor.unit), sensor, found);
  add_matching(under_number('f', sensor.factory), sensor, found);
  for (const auto* const labels : {sensor.labels, sensor.machine_labels}) {
    if (labels == nullptr) continue;
    for (const label& one : *labels) {
      if (labels == sensor.machine_labels && sensor.labels != nullptr && sensor.labels->find(one.key) != nullptr) continue;
      add_matching(under_label(one.key, one.value), sensor, found);
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace factory
