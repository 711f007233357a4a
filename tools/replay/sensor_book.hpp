#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/model/sensor_set.hpp"
#include "replay/sink.hpp"

namespace factory::replay {

/// Sensors by name. With a registration, names are looked up in its machine and made where they are missing; without, a name
/// must be that of exactly one sensor.
class sensor_book {
 public:
  sensor_book(sink& entities, std::optional<registration> where) : things_(entities), where_(std::move(where)) {}

  expected<void> load();
  /// The sensors of column names, in order.
  expected<std::vector<sensor_id>> columns(const std::vector<std::string>& names);
  /// A sensor whose machine is named as well; its factory is the registration's when `factory` is empty.
  expected<sensor_id> sensor(const std::string& factory, const std::string& machine, const std::string& name);
  const sensor_set& known() const { return known_; }
  std::size_t made_count() const { return made_; }

 private:
  expected<sensor_id> only_one(const std::string& name) const;
  expected<machine_id> machine(const std::string& factory, const std::string& name);
  expected<std::vector<sensor_id>> of_machine(machine_id machine, const std::vector<std::string>& names);
  void remember(sensor_id id, machine_id of, const std::string& name);

  sink& things_;
  std::optional<registration> where_;
  std::map<std::string, factory_id, std::less<>> factories_;
  std::map<std::pair<factory_id, std::string>, machine_id> machines_;
  std::map<std::pair<machine_id, std::string>, sensor_id> sensors_;
  std::multimap<std::string, sensor_id, std::less<>> by_name_;
  sensor_set known_;
  std::size_t made_ = 0;
};

}  // namespace factory::replay
