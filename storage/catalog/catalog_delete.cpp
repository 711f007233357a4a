#include "storage/catalog/configs_ahead.hpp"

#include <fmt/format.h>

#include <map>
#include <utility>

namespace factory {

namespace {

/// Stages the deletion of an entry that nothing of kind Child belongs to.
template <class Entry, class Child>
expected<catalog_change> remove_leaf(catalog::impl& it, std::uint32_t id, const char* missing, const char* in_use) {
  auto begun = begin_change(it);
  if (!begun) return tl::unexpected(std::move(begun.error()));
  auto& staged = *begun;
  if (it.tables.of<Entry>().find(id) == nullptr) return fail(errc::not_found, missing);
  if (it.tables.of<Child>().has_children_of(id)) return fail(errc::conflict, in_use);
  staged->erased.push_back({kind_of_entry<Entry>, id});
  return finish_change(std::move(staged), {});
}

}  // namespace

expected<catalog_change> catalog::stage_delete_factory(factory_id id) {
  return remove_leaf<factory_entry, machine_entry>(*impl_, id, "Factory not found",
                                                   "The factory has machines; delete them first.");
}

expected<catalog_change> catalog::stage_delete_machine(machine_id id) {
  return remove_leaf<machine_entry, sensor_entry>(*impl_, id, "Machine not found", "The machine has sensors; delete them first.");
}

expected<catalog_change> catalog::stage_delete_sensor(sensor_id id) { return stage_delete_sensors({id}); }

expected<catalog_change> catalog::stage_delete_sensors(const std::vector<sensor_id>& ids) {
  auto begun = begin_change(*impl_);
  if (!begun) return tl::unexpected(std::move(begun.error()));
  auto& staged = *begun;
  std::map<rule_id, alert_rule> changed;  // templates that set something apart for several of them
  for (const sensor_id id : ids) {
    if (impl_->tables.of<sensor_entry>().find(id) == nullptr) return fail(errc::not_found, "Sensor not found");
    staged->erased.push_back({record_kind::sensor, id});
    for (const alert_rule& rule : impl_->tables.of<alert_rule>().of_parent(id))
      staged->erased.push_back({record_kind::rule, rule.id});
    for (const rule_id template_rule : impl_->tables.templates.with_override_for(id)) {
      const auto [at, is_new] = changed.try_emplace(template_rule, *impl_->tables.of<alert_rule>().find(template_rule));
      at->second.as_template->overrides.erase(id);
    }
  }
  for (auto& [id, rule] : changed) staged->of<alert_rule>().push_back(std::move(rule));
  return finish_change(std::move(staged), {.configs = {}, .removed = ids});
}

expected<catalog_change> catalog::stage_delete_rule(rule_id id) {
  auto begun = begin_change(*impl_);
  if (!begun) return tl::unexpected(std::move(begun.error()));
  auto& staged = *begun;
  const alert_rule* rule = impl_->tables.of<alert_rule>().find(id);
  if (rule == nullptr) return fail(errc::not_found, "Rule not found");
  staged->erased.push_back({record_kind::rule, id});
  const configs_ahead ahead(impl_->tables, *staged);
  auto config = ahead.of_changed(ahead.sensors_of(*rule));
  return finish_change(std::move(staged), std::move(config));
}

/// No rule may name a channel that is gone: its alerts would reach nobody, unnoticed.
expected<catalog_change> catalog::stage_delete_channel(channel_id id) {
  auto begun = begin_change(*impl_);
  if (!begun) return tl::unexpected(std::move(begun.error()));
  auto& staged = *begun;
  if (impl_->tables.of<channel_entry>().find(id) == nullptr) return fail(errc::not_found, "Channel not found");
  for (const alert_rule& rule : impl_->tables.of<alert_rule>().all())
    if (rule.routing.names(id))
      return fail(errc::conflict, fmt::format("Rule {} names the channel; take it off the rule first.", rule.id));
  staged->erased.push_back({record_kind::channel, id});
  return finish_change(std::move(staged), {});
}

}  // namespace factory
