#include "storage/catalog/catalog_checks.hpp"

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

}  // namespace

expected<catalog_change> catalog::stage_update(const factory_entry& entry) {
  auto staged = stage(*impl_, entry);
  if (!staged) return tl::unexpected(staged.error());
  return finish_change(std::move(*staged), {});
}

expected<catalog_change> catalog::stage_update(const machine_entry& entry) {
  auto staged = stage(*impl_, entry);
  if (!staged) return tl::unexpected(staged.error());
  return finish_change(std::move(*staged), {});
}

expected<catalog_change> catalog::stage_update(const sensor_entry& entry) {
  auto staged = stage(*impl_, entry);
  if (!staged) return tl::unexpected(staged.error());
  config_change config;
  if (impl_->tables.of<sensor_entry>().find(entry.id)->thresholds != entry.thresholds) {
    config.configs.push_back(config_after(impl_->tables, **staged, entry.id));
  }
  return finish_change(std::move(*staged), std::move(config));
}

expected<catalog_change> catalog::stage_update(const alert_rule& entry) {
  auto staged = stage(*impl_, entry);
  if (!staged) return tl::unexpected(staged.error());
  const sensor_id before = impl_->tables.of<alert_rule>().find(entry.id)->sensor;
  config_change config;
  if (before != entry.sensor) {
    if (impl_->tables.of<alert_rule>().count_of(entry.sensor) >= limits::rules_per_sensor) {
      return fail(errc::conflict,
                  fmt::format("sensor {} has {} rules already, the most it may have.", entry.sensor, limits::rules_per_sensor),
                  "sensor_id");
    }
    config.configs.push_back(config_after(impl_->tables, **staged, before));
  }
  config.configs.push_back(config_after(impl_->tables, **staged, entry.sensor));
  return finish_change(std::move(*staged), std::move(config));
}

}  // namespace factory
