#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/intake/registry.hpp"
#include "actors/intake/series_path.hpp"
#include "pipelines/decode/batch_builder.hpp"
#include "pipelines/model/sensor_set.hpp"

namespace factory {

/// Where sensors are looked up and, when missing, made.
struct registration {
  std::string factory, machine;
};

/// Sensors by name. With a registration, names are looked up in its factory and machine, and what is missing there gets a stand-in
/// id at once and is made by make_missing(): a run that fails before its first batch leaves nothing behind. Without one, a name
/// must be that of exactly one sensor. Blanks at the ends of names do not count. Not thread-safe: one for
/// each source.
class sensor_book {
 public:
  sensor_book(registry& entities, std::optional<registration> where) : entities_(entities), where_(std::move(where)) {}

  expected<void> load();
  expected<sensor_id> find(series_path path);
  /// A number that a file gives for a sensor: an id of ours, or with a registration a name, as it is of another system.
  expected<sensor_id> find_number(std::uint64_t number);
  bool registers() const { return where_.has_value(); }
  const sensor_set& known() const { return known_; }

  /// Makes what find() did not find; the ids of the new sensors.
  expected<std::vector<sensor_id>> make_missing();
  /// The sensor behind an id that may be a stand-in. REQUIRES: make_missing() since find() gave it.
  sensor_id real(sensor_id id) const { return id < first_stand_in ? id : new_sensors_[id - first_stand_in].real; }
  /// Puts sensors in place of stand-ins.
  void replace_stand_ins(batch_builder& rows) const;
  std::size_t made_count() const { return made_sensors_; }
  /// For messages.
  std::string name_of(sensor_id id) const;

 private:
  /// Ids from here up are places in the lists below; the catalog gives none as high.
  static constexpr std::uint32_t first_stand_in = 0x8000'0000U;
  struct stand_in {
    std::uint32_t of;  ///< its parent, which may be a stand-in
    std::string name;
    std::uint32_t real = 0;
  };

  expected<sensor_id> only_one(const std::string& name) const;
  expected<sensor_id> search(const series_path& path) const;
  expected<void> make_factories_and_machines();

  registry& entities_;
  std::optional<registration> where_;
  std::map<std::string, factory_id, std::less<>> factories_;
  std::map<std::pair<factory_id, std::string>, machine_id> machines_;
  std::map<std::pair<machine_id, std::string>, sensor_id> sensors_;
  std::multimap<std::string, sensor_id, std::less<>> by_name_;
  sensor_set known_;
  std::vector<stand_in> new_factories_, new_machines_, new_sensors_;
  std::size_t made_factories_ = 0, made_machines_ = 0, made_sensors_ = 0;
};

}  // namespace factory
