#pragma once

#include <memory>
#include <set>
#include <vector>

#include "http/api/api_call.hpp"
#include "pipelines/model/event.hpp"
#include "pipelines/model/labels.hpp"
#include "pipelines/model/sensor_set.hpp"

namespace factory {

/// What a question is about: findings of these sensors, and of these machines.
struct shown_things {
  std::shared_ptr<const sensor_set> sensors;
  std::set<machine_id> machines = {};

  bool contains(const event_key& key) const {
    return is_of_machine(key.source) ? machines.contains(key.rule) : sensors->contains(key.sensor);
  }
};

std::shared_ptr<const sensor_set> set_of(const std::vector<sensor_entry>& sensors);
shown_things things_of_factory(const query_port& behind, factory_id factory);
/// Those with all of the labels. A sensor has those of its machine, too.
shown_things things_with(const query_port& behind, const label_set& labels);

}  // namespace factory
