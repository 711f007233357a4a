#include "storage/catalog/catalog_tables.hpp"

#include "pipelines/select/glob.hpp"

#include <algorithm>

namespace factory {

namespace {

/// Sensors that may match: all that do are among them.
class candidates {
 public:
  candidates(const catalog_tables& tables, const selector& which) : tables_(tables), which_(which) {}

  std::vector<sensor_id> list() const {
    if (!which_.sensors.empty()) return which_.sensors;
    if (which_.machine != 0) return of_machine(which_.machine);
    if (!which_.labels.empty()) return with_label(rarest_label());
    const auto name = which_.name ? only_match(*which_.name) : std::nullopt;
    if (name) return with_name(*name);
    return of_machines();
  }

 private:
  std::vector<sensor_id> of_machine(machine_id machine) const {
    const auto ids = sensors().ids_of_parent(machine);
    return {ids.begin(), ids.end()};
  }
  std::size_t count_with(const label& one) const {
    std::size_t count = sensors().labelled().ids_of(one).size();
    for (const machine_id machine : machines().labelled().ids_of(one)) count += sensors().count_of(machine);
    return count;
  }
  const label& rarest_label() const {
    return *std::min_element(which_.labels.begin(), which_.labels.end(),
                             [&](const label& a, const label& b) { return count_with(a) < count_with(b); });
  }
  std::vector<sensor_id> with_label(const label& one) const {
    const auto own = sensors().labelled().ids_of(one);
    std::vector<sensor_id> found(own.begin(), own.end());
    for (const machine_id machine : machines().labelled().ids_of(one)) {
      const auto ids = sensors().ids_of_parent(machine);
      found.insert(found.end(), ids.begin(), ids.end());
    }
    return found;
  }
  std::vector<sensor_id> with_name(const std::string& name) const {
    std::vector<sensor_id> found;
    for_each_machine([&](machine_id machine) {
      if (const sensor_id owner = sensors().owner_of({machine, name}); owner != 0) found.push_back(owner);
    });
    return found;
  }
  std::vector<sensor_id> of_machines() const {
    std::vector<sensor_id> found;
    for_each_machine([&](machine_id machine) {
      const auto ids = sensors().ids_of_parent(machine);
      found.insert(found.end(), ids.begin(), ids.end());
    });
    return found;
  }
  /// Those of the wanted factory and type.
  template <class Visit>
  void for_each_machine(Visit visit) const {
    const auto look_at = [&](const machine_entry& machine) {
      if (!which_.machine_type || *which_.machine_type == machine.type) visit(machine.id);
    };
    if (which_.factory == 0) {
      for (const auto& [id, machine] : machines().by_id()) look_at(machine);
    } else {
      for (const machine_id id : machines().ids_of_parent(which_.factory)) look_at(*machines().find(id));
    }
  }
  const entry_table<machine_entry>& machines() const { return tables_.of<machine_entry>(); }
  const entry_table<sensor_entry>& sensors() const { return tables_.of<sensor_entry>(); }

  const catalog_tables& tables_;
  const selector& which_;
};

}  // namespace

sensor_traits traits_on(const sensor_entry& sensor, const machine_entry* machine) {
  sensor_traits traits{sensor.id, sensor.machine, 0, sensor.name, sensor.unit, {}, &sensor.labels, nullptr};
  if (machine == nullptr) return traits;
  traits.factory = machine->factory;
  traits.machine_type = machine->type;
  traits.machine_labels = &machine->labels;
  return traits;
}

sensor_traits catalog_tables::traits_of(const sensor_entry& sensor) const {
  return traits_on(sensor, of<machine_entry>().find(sensor.machine));
}

std::vector<sensor_id> catalog_tables::select(const selector& which) const {
  auto found = candidates(*this, which).list();
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  std::erase_if(found, [&](sensor_id id) {
    const sensor_entry* const sensor = of<sensor_entry>().find(id);
    return sensor == nullptr || !which.matches(traits_of(*sensor));
  });
  return found;
}

std::vector<sensor_entry> catalog::select(const selector& which) const {
  const std::shared_lock lock(impl_->guard);
  std::vector<sensor_entry> found;
  for (const sensor_id id : impl_->tables.select(which)) {
    found.push_back(*impl_->tables.of<sensor_entry>().find(id));
    found.back().stream = impl_->tables.rules_of(found.back());
  }
  return found;
}

std::vector<machine_entry> catalog::machines_labelled(const label_set& labels, std::optional<factory_id> of) const {
  const std::shared_lock lock(impl_->guard);
  const auto& machines = impl_->tables.of<machine_entry>();
  if (labels.empty()) return of ? machines.of_parent(*of) : machines.all();
  const label& rarest = *std::min_element(labels.begin(), labels.end(), [&](const label& a, const label& b) {
    return machines.labelled().ids_of(a).size() < machines.labelled().ids_of(b).size();
  });
  std::vector<machine_entry> found;
  for (const machine_id id : machines.labelled().ids_of(rarest)) {
    const machine_entry& machine = *machines.find(id);
    const bool has_all = std::all_of(labels.begin(), labels.end(), [&](const label& one) { return machine.labels.has(one); });
    if (has_all && (!of || machine.factory == *of)) found.push_back(machine);
  }
  return found;
}

}  // namespace factory
