#include "actors/intake/series_path.hpp"

#include <algorithm>

namespace factory {

namespace {

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == ',' || c == '=' || c == '\\') out += '\\';
    out += c;
  }
}

}  // namespace

series_path path_of(std::string_view measurement, std::span<series_label> labels, std::string_view field) {
  series_path path;
  path.machine = measurement;
  std::sort(labels.begin(), labels.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
  std::string rest;
  for (const series_label& label : labels) {
    if (label.value.empty()) continue;
    if (label.key == "factory") {
      path.factory = label.value;
    } else if (label.key == "machine") {
      path.machine = label.value;
    } else if (label.key == "sensor") {
      path.sensor = label.value;
    } else {
      rest += ',';
      append_escaped(rest, label.key);
      rest += '=';
      append_escaped(rest, label.value);
    }
  }
  if (path.sensor.empty()) {
    path.sensor = field;
  } else if (field != "value") {
    path.sensor.append("_").append(field);
  }
  path.sensor += rest;
  return path;
}

}  // namespace factory
