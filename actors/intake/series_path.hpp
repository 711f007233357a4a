#pragma once

#include <span>
#include <string>
#include <string_view>

#include "pipelines/model/result.hpp"

namespace factory {

/// A sensor by the names of a file. An empty factory or machine is the one of --auto-register.
struct series_path {
  std::string factory, machine, sensor;
};

/// Something of a row that says whose its reading is: a tag of line protocol, a cell of a column of names.
struct series_label {
  std::string_view key, value;
};

/// Where the reading of a field belongs.
///
///   * The labels `factory`, `machine` and `sensor` are places; without `machine` the measurement is the machine.
///   * The sensor is called after the label `sensor`, else after the field. A field that is not called value follows behind: temp_max.
///   * Every other label is part of the name, sorted by key, so that two rows that differ in a label are two sensors:
///     level,location=north. A backslash stands before a comma, an equals sign or a backslash of a key or value.
///
/// `labels` is put into that order.
series_path path_of(std::string_view measurement, std::span<series_label> labels, std::string_view field);

}  // namespace factory
