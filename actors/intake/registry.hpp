#pragma once

#include <string>
#include <vector>

#include "pipelines/model/reading.hpp"
#include "pipelines/model/result.hpp"

namespace factory {

class ports;

/// The names of factories, machines and sensors that are there.
struct plant_names {
  struct named_factory {
    factory_id id;
    std::string name;
  };
  struct named_machine {
    machine_id id;
    factory_id of;
    std::string name;
  };
  struct named_sensor {
    sensor_id id;
    machine_id of;
    std::string name;
  };
  std::vector<named_factory> factories;
  std::vector<named_machine> machines;
  std::vector<named_sensor> sensors;
};

/// Where names are looked up and what is missing is made: an engine of this process, or a daemon over its API.
class registry {
 public:
  virtual ~registry() = default;
  virtual expected<plant_names> read_plant() = 0;
  virtual expected<factory_id> make_factory(const std::string& name) = 0;
  virtual expected<machine_id> make_machine(factory_id of, const std::string& name) = 0;
  virtual expected<std::vector<sensor_id>> make_sensors(machine_id of, const std::vector<std::string>& names) = 0;
};

/// The catalog of an engine. Machines that it makes are of the type "replayed".
class engine_registry : public registry {
 public:
  explicit engine_registry(ports& behind) : engine_(behind) {}
  expected<plant_names> read_plant() override;
  expected<factory_id> make_factory(const std::string& name) override;
  expected<machine_id> make_machine(factory_id of, const std::string& name) override;
  expected<std::vector<sensor_id>> make_sensors(machine_id of, const std::vector<std::string>& names) override;

 private:
  ports& engine_;
};

}  // namespace factory
