#include "storage/catalog/catalog_checks.hpp"
#include "storage/catalog/configs_ahead.hpp"

#include "storage/base/limits.hpp"

#include <fmt/format.h>

namespace factory {

namespace {

error to_error(problem what) {
  std::string text = what.code == errc::invalid ? what.field + ": " + what.reason + "." : what.reason + ".";
  return {what.code, std::move(text), std::move(what.field), {}};
}

void keep_creation(alert_rule&, const alert_rule&) {}
template <class Entry>
void keep_creation(Entry& entry, const Entry& stored) {
  entry.created_at_us = stored.created_at_us;
  if constexpr (std::is_same_v<Entry, sensor_entry>) entry.control = stored.control;
}

/// Checks an entry that replaces the stored one of the same id; null on success.
template <class Entry>
std::optional<error> refuse_update(const catalog_tables& tables, const Entry& entry) {
  if (tables.of<Entry>().find(entry.id) == nullptr) {
    return error{errc::not_found, fmt::format("{} not found", title_of(kind_of_entry<Entry>)), {}, {}};
  }
  if (auto bad = check_members(tables, entry)) return to_error(std::move(*bad));
  const std::uint32_t owner = tables.of<Entry>().owner_of({parent_of(entry), entry.name});
  if (owner != 0 && owner != entry.id) return to_error(name_taken(entry));
  return {};
}

template <class Entry>
expected<std::shared_ptr<catalog_change::staged>> stage(catalog::impl& it, Entry entry) {
  trim_name(entry.name);
  auto staged = begin_change(it);
  if (!staged) return staged;
  if (auto refused = refuse_update(it.tables, entry)) return tl::unexpected(std::move(*refused));
  keep_creation(entry, *it.tables.of<Entry>().find(entry.id));
  (*staged)->template of<Entry>().push_back(std::move(entry));
  return staged;
}

/// A rule that goes to another sensor, or becomes a template, counts there.
std::optional<problem> no_room_for(const catalog_tables& tables, const alert_rule& before, const alert_rule& after) {
  if (after.as_template) return before.as_template ? std::nullopt : check_template_count(tables, 1);
  if (before.sensor == after.sensor || tables.of<alert_rule>().count_of(after.sensor) < limits::rules_per_sensor) return {};
  return problem{errc::conflict, "sensor_id",
                 fmt::format("sensor {} has {} rules already, the most it may have", after.sensor, limits::rules_per_sensor)};
}

}  // namespace

/// Settings are inherited by all sensors and machines of the factory.
expected<catalog_change> catalog::stage_update(const factory_entry& entry) {
  auto staged = stage(*impl_, entry);
  if (!staged) return tl::unexpected(staged.error());
  const catalog_tables& tables = impl_->tables;
  config_change config;
  if (tables.of<factory_entry>().find(entry.id)->settings != entry.settings) {
    const auto machines = tables.of<machine_entry>().ids_of_parent(entry.id);
    std::vector<sensor_id> sensors;
    for (const machine_id machine : machines) {
      const auto of_machine = tables.of<sensor_entry>().ids_of_parent(machine);
      sensors.insert(sensors.end(), of_machine.begin(), of_machine.end());
    }
    const configs_ahead ahead(tables, **staged);
    config = ahead.of_changed(sensors);
    config.machines = ahead.of_watched_otherwise({machines.begin(), machines.end()});
  }
  return finish_change(std::move(*staged), std::move(config));
}

/// Sensors that move with it to another factory, or that it gives other labels, may come under other templates; settings are inherited.
expected<catalog_change> catalog::stage_update(const machine_entry& entry) {
  auto staged = stage(*impl_, entry);
  if (!staged) return tl::unexpected(staged.error());
  const machine_entry& before = *impl_->tables.of<machine_entry>().find(entry.id);
  config_change config;
  if (before.factory != entry.factory || before.type != entry.type || before.labels != entry.labels ||
      impl_->tables.is_suppressed(entry.id) != suppresses_alarms(entry.status) || before.settings != entry.settings) {
    const auto sensors = impl_->tables.of<sensor_entry>().ids_of_parent(entry.id);
    const configs_ahead ahead(impl_->tables, **staged);
    config = ahead.of_changed({sensors.begin(), sensors.end()});
    config.machines = ahead.of_watched_otherwise({entry.id});
  }
  return finish_change(std::move(*staged), std::move(config));
}

expected<catalog_change> catalog::stage_update(const channel_entry& entry) {
  auto staged = stage(*impl_, entry);
  if (!staged) return tl::unexpected(staged.error());
  return finish_change(std::move(*staged), {});
}

expected<catalog_change> catalog::stage_update(const sensor_entry& entry) {
  auto staged = stage(*impl_, entry);
  if (!staged) return tl::unexpected(staged.error());
  auto config = configs_ahead(impl_->tables, **staged).of_changed({entry.id});
  return finish_change(std::move(*staged), std::move(config));
}

expected<catalog_change> catalog::stage_control_limits(sensor_id id, const control_basis& in_force) {
  auto staged = begin_change(*impl_);
  if (!staged) return tl::unexpected(std::move(staged.error()));
  const auto* const known = impl_->tables.of<sensor_entry>().find(id);
  if (known == nullptr) return fail(errc::not_found, "Sensor not found");
  sensor_entry entry = *known;
  entry.control = in_force;
  (*staged)->of<sensor_entry>().push_back(std::move(entry));
  auto config = configs_ahead(impl_->tables, **staged).of_changed({id});
  return finish_change(std::move(*staged), std::move(config));
}

namespace {

/// Sensors that may judge otherwise: those that the rule was for, and those that it is for. When nothing but overrides or texts change, only
/// those whose override does.
std::vector<sensor_id> touched_sensors(const configs_ahead& ahead, const alert_rule& before, const alert_rule& after) {
  std::vector<sensor_id> sensors;
  if (before.as_template && after.as_template && before.as_template->sensors == after.as_template->sensors &&
      judged(before) == judged(after)) {
    const auto &old = before.as_template->overrides, &now = after.as_template->overrides;
    const auto add_new = [&](const auto& all, const auto& others) {
      for (const auto& [sensor, difference] : all)
        if (const auto other = others.find(sensor); other == others.end() || other->second != difference)
          sensors.push_back(sensor);
    };
    add_new(old, now);
    add_new(now, old);
    return sensors;
  }
  sensors = ahead.sensors_of(before);
  for (const sensor_id sensor : ahead.sensors_of(after)) sensors.push_back(sensor);
  return sensors;
}

}  // namespace

expected<catalog_change> catalog::stage_update(const alert_rule& entry) {
  auto staged = stage(*impl_, entry);
  if (!staged) return tl::unexpected(staged.error());
  const alert_rule& before = *impl_->tables.of<alert_rule>().find(entry.id);
  if (auto full = no_room_for(impl_->tables, before, entry)) return tl::unexpected(to_error(std::move(*full)));
  const configs_ahead ahead(impl_->tables, **staged);
  return finish_change(std::move(*staged), ahead.of_changed(touched_sensors(ahead, before, entry)));
}

}  // namespace factory
