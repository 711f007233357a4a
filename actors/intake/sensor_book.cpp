#include "actors/intake/sensor_book.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace factory {

namespace {

constexpr std::size_t sensors_at_once = 1'000;

void trim(std::string& name) {
  constexpr std::string_view blanks = " \t\r\n";
  const std::size_t end = name.find_last_not_of(blanks) + 1;
  name.erase(end);
  name.erase(0, std::min(name.find_first_not_of(blanks), name.size()));
}

}  // namespace

expected<void> sensor_book::load() {
  auto all = entities_.read_plant();
  if (!all) return tl::unexpected(std::move(all.error()));
  for (auto& f : all->factories) factories_.emplace(std::move(f.name), f.id);
  for (auto& m : all->machines) machines_.emplace(std::pair(m.of, std::move(m.name)), m.id);
  for (const auto& s : all->sensors) {
    sensors_.emplace(std::pair(s.of, s.name), s.id);
    by_name_.emplace(s.name, s.id);
    known_.insert(s.id);
  }
  return {};
}

expected<sensor_id> sensor_book::find(series_path path) {
  for (std::string* name : {&path.factory, &path.machine, &path.sensor}) trim(*name);
  if (path.sensor.empty()) return fail(errc::invalid, "the name of a sensor is empty", "sensor");
  if (!where_) return search(path);
  const auto take = [](auto& names, const auto& key, std::vector<stand_in>& missing, std::uint32_t of, std::string name) {
    const auto found = names.find(key);
    if (found != names.end()) return found->second;
    const auto id = first_stand_in + static_cast<std::uint32_t>(missing.size());
    missing.push_back({of, std::move(name)});
    names.emplace(key, id);
    return id;
  };
  const std::string& factory = path.factory.empty() ? where_->factory : path.factory;
  const std::string& machine = path.machine.empty() ? where_->machine : path.machine;
  const auto of_factory = take(factories_, factory, new_factories_, 0, factory);
  const auto of_machine = take(machines_, std::pair(of_factory, machine), new_machines_, of_factory, machine);
  return take(sensors_, std::pair(of_machine, path.sensor), new_sensors_, of_machine, path.sensor);
}

expected<sensor_id> sensor_book::find_number(std::uint64_t number) {
  if (where_) return find({{}, {}, std::to_string(number)});
  if (known_.contains(number)) return static_cast<sensor_id>(number);
  return fail(errc::not_found, fmt::format("unknown sensor {}", number));
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

expected<sensor_id> sensor_book::search(const series_path& path) const {
  if (path.factory.empty() && path.machine.empty()) return only_one(path.sensor);
  std::vector<sensor_id> found;
  for (const auto& [machine, id] : machines_) {
    const auto owner = path.factory.empty() ? factories_.end() : factories_.find(path.factory);
    if (!path.machine.empty() && machine.second != path.machine) continue;
    if (!path.factory.empty() && (owner == factories_.end() || owner->second != machine.first)) continue;
    const auto sensor = sensors_.find(std::pair(id, path.sensor));
    if (sensor != sensors_.end()) found.push_back(sensor->second);
  }
  if (found.size() == 1) return found.front();
  return fail(
      errc::not_found,
      fmt::format("{} sensors are called \"{}\" on a machine \"{}\"; make or tell it with --auto-register FACTORY/MACHINE",
                  found.empty() ? "no" : "several", path.sensor, path.machine),
      path.sensor);
}

expected<void> sensor_book::make_factories_and_machines() {
  for (; made_factories_ < new_factories_.size(); ++made_factories_) {
    stand_in& missing = new_factories_[made_factories_];
    const auto made = entities_.make_factory(missing.name);
    if (!made) return tl::unexpected(made.error());
    missing.real = *made;
  }
  for (; made_machines_ < new_machines_.size(); ++made_machines_) {
    stand_in& missing = new_machines_[made_machines_];
    const auto owner = missing.of < first_stand_in ? missing.of : new_factories_[missing.of - first_stand_in].real;
    const auto made = entities_.make_machine(owner, missing.name);
    if (!made) return tl::unexpected(made.error());
    missing.real = *made;
  }
  return {};
}

expected<std::vector<sensor_id>> sensor_book::make_missing() {
  std::vector<sensor_id> ids;
  if (made_sensors_ == new_sensors_.size()) return ids;
  if (auto made = make_factories_and_machines(); !made) return tl::unexpected(std::move(made.error()));
  // Neighbours of one machine are made together.
  while (made_sensors_ < new_sensors_.size()) {
    const std::uint32_t of = new_sensors_[made_sensors_].of;
    std::vector<std::string> names;
    for (std::size_t i = made_sensors_; i < new_sensors_.size() && new_sensors_[i].of == of && names.size() < sensors_at_once;
         ++i) {
      names.push_back(new_sensors_[i].name);
    }
    const auto made = entities_.make_sensors(of < first_stand_in ? of : new_machines_[of - first_stand_in].real, names);
    if (!made) return tl::unexpected(made.error());
    for (const sensor_id id : *made) new_sensors_[made_sensors_++].real = id;
    ids.insert(ids.end(), made->begin(), made->end());
  }
  return ids;
}

void sensor_book::replace_stand_ins(batch_builder& rows) const {
  const auto sensors = rows.sensors();
  if (std::none_of(sensors.begin(), sensors.end(), [](sensor_id id) { return id >= first_stand_in; })) return;
  batch_builder replaced;
  for (std::size_t i = 0; i < rows.size(); ++i)
    replaced.append(real(sensors[i]), rows.times_us()[i], rows.values()[i], rows.flags_at(i));
  std::swap(rows, replaced);
}

std::string sensor_book::name_of(sensor_id id) const {
  for (const auto& [key, sensor] : sensors_) {
    if (sensor == id) return "\"" + key.second + "\"";
  }
  return std::to_string(id);
}

}  // namespace factory
