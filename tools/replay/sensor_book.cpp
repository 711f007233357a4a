#include "replay/sensor_book.hpp"

#include <fmt/format.h>

#include <utility>

namespace factory::replay {

expected<void> sensor_book::load() {
  auto all = things_.read_plant();
  if (!all) return tl::unexpected(std::move(all.error()));
  for (auto& f : all->factories) factories_.emplace(std::move(f.name), f.id);
  for (auto& m : all->machines) machines_.emplace(std::pair(m.of, std::move(m.name)), m.id);
  for (const auto& s : all->sensors) remember(s.id, s.of, s.name);
  return {};
}

void sensor_book::remember(sensor_id id, machine_id of, const std::string& name) {
  sensors_.emplace(std::pair(of, name), id);
  by_name_.emplace(name, id);
  known_.insert(id);
}

expected<sensor_id> sensor_book::only_one(const std::string& name) const {
  const auto [first, last] = by_name_.equal_range(name);
  if (first == last) {
    return fail(errc::not_found, fmt::format("no sensor is called \"{}\"; make it with --auto-register FACTORY/MACHINE", name),
                name);
  }
  if (std::next(first) != last) {
    return fail(errc::invalid,
                fmt::format("{} sensors are called \"{}\"; say whose it is with --auto-register FACTORY/MACHINE",
                            by_name_.count(name), name),
                name);
  }
  return first->second;
}

expected<machine_id> sensor_book::machine(const std::string& factory, const std::string& name) {
  auto owner = factories_.find(factory);
  if (owner == factories_.end()) {
    const auto made = things_.make_factory(factory);
    if (!made) return tl::unexpected(made.error());
    owner = factories_.emplace(factory, *made).first;
  }
  const auto key = std::pair(owner->second, name);
  const auto found = machines_.find(key);
  if (found != machines_.end()) return found->second;
  const auto made = things_.make_machine(owner->second, name);
  if (made) machines_.emplace(key, *made);
  return made;
}

expected<std::vector<sensor_id>> sensor_book::of_machine(machine_id machine, const std::vector<std::string>& names) {
  std::vector<std::string> missing;
  for (const std::string& name : names) {
    if (!sensors_.contains(std::pair(machine, name))) missing.push_back(name);
  }
  if (!missing.empty()) {
    const auto made = things_.make_sensors(machine, missing);
    if (!made) return tl::unexpected(made.error());
    for (std::size_t i = 0; i < missing.size(); ++i) remember((*made)[i], machine, missing[i]);
    made_ += missing.size();
  }
  std::vector<sensor_id> ids;
  for (const std::string& name : names) ids.push_back(sensors_.at(std::pair(machine, name)));
  return ids;
}

expected<std::vector<sensor_id>> sensor_book::columns(const std::vector<std::string>& names) {
  if (where_) {
    const auto owner = machine(where_->factory, where_->machine);
    if (!owner) return tl::unexpected(owner.error());
    return of_machine(*owner, names);
  }
  std::vector<sensor_id> ids;
  for (const std::string& name : names) {
    const auto id = only_one(name);
    if (!id) return tl::unexpected(id.error());
    ids.push_back(*id);
  }
  return ids;
}

expected<sensor_id> sensor_book::sensor(const std::string& factory, const std::string& machine_name, const std::string& name) {
  if (where_) {
    const auto owner = machine(factory.empty() ? where_->factory : factory, machine_name);
    if (!owner) return tl::unexpected(owner.error());
    return of_machine(*owner, {name}).map([](const auto& ids) { return ids.front(); });
  }
  std::vector<sensor_id> found;
  for (const auto& [factory_name, owner] : factories_) {
    if (!factory.empty() && factory != factory_name) continue;
    const auto m = machines_.find(std::pair(owner, machine_name));
    if (m == machines_.end()) continue;
    const auto s = sensors_.find(std::pair(m->second, name));
    if (s != sensors_.end()) found.push_back(s->second);
  }
  if (found.size() == 1) return found.front();
  return fail(
      errc::not_found,
      fmt::format("{} sensors are called \"{}\" on a machine \"{}\"; make or tell it with --auto-register FACTORY/MACHINE",
                  found.empty() ? "no" : "several", name, machine_name),
      name);
}

}  // namespace factory::replay
