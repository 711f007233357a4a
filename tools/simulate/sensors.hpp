#pragma once

#include <span>
#include <string>
#include <vector>

#include "client/api_client.hpp"
#include "pipelines/model/reading.hpp"
#include "simulate/plant.hpp"

namespace factory {

/// A planned sensor that exists in a running factoryd.
struct simulated_sensor {
  sensor_id id = 0;
  std::string path;  ///< "North Plant / Press 1 / vibration"
  const planned_sensor* plan = nullptr;
};

/// Finds factories, machines, sensors and rules of the plan by name and creates those that are missing, so that calling
/// it again changes nothing. The sensors come in the order of the plan, which must outlive them.
expected<std::vector<simulated_sensor>> ensure_plant(api_client& api, std::span<const planned_factory> plan);

}  // namespace factory
