#include "storage/catalog/catalog.hpp"

#include "storage/base/rocks.hpp"
#include "storage/catalog/catalog_tables.hpp"

#include "pipelines/model/coding.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace factory {

namespace {

constexpr std::array<std::string_view, 3> status_texts{"OPERATIONAL", "MAINTENANCE", "OFFLINE"};

/// An entry as it is given out.
template <class Entry>
Entry told(const catalog_tables&, Entry entry) {
  return entry;
}
sensor_entry told(const catalog_tables& tables, sensor_entry entry) {
  entry.stream = tables.rules_of(entry);
  return entry;
}

template <class Entry>
expected<Entry> found(const catalog::impl& it, std::uint32_t id, const char* otherwise) {
  const std::shared_lock lock(it.guard);
  if (const Entry* entry = it.tables.of<Entry>().find(id)) return told(it.tables, *entry);
  return fail(errc::not_found, otherwise);
}

template <class Entry>
std::vector<Entry> listed(const catalog::impl& it, std::optional<std::uint32_t> parent) {
  const std::shared_lock lock(it.guard);
  auto all = parent ? it.tables.of<Entry>().of_parent(*parent) : it.tables.of<Entry>().all();
  if constexpr (std::is_same_v<Entry, sensor_entry>)
    for (auto& each : all) each.stream = it.tables.rules_of(each);
  return all;
}

template <class Entry>
bool load_entry(catalog_tables& tables, std::string_view value) {
  Entry entry;
  if (!decode(value, entry)) return false;
  auto& next = tables.next_id[kind_of_entry<Entry>];
  next = std::max(next, entry.id + 1);
  if constexpr (kind_of_entry<Entry> == record_kind::rule)
    tables.put_rule(std::move(entry));
  else
    tables.of<Entry>().put(std::move(entry));
  return true;
}

void note_untold(catalog_tables& tables, std::string_view key) {
  key.remove_prefix(1);
  machine_id id = 0;
  if (!get_key32(key, id)) return;
  const auto* const machine = tables.of<machine_entry>().find(id);
  if (machine != nullptr && suppresses_alarms(machine->status)) tables.untold.insert(id);
}

bool load_record(catalog_tables& tables, std::string_view key, std::string_view value) {
  if (key == version_key) return get_varint(value, tables.version);
  switch (key.empty() ? '\0' : key.front()) {
    case 'f': return load_entry<factory_entry>(tables, value);
    case 'm': {
      if (!load_entry<machine_entry>(tables, value)) return false;
      if (!knows_suppression(value)) note_untold(tables, key);
      return true;
    }
    case 's': return load_entry<sensor_entry>(tables, value);
    case 'r': return load_entry<alert_rule>(tables, value);
    case 'c': return load_entry<channel_entry>(tables, value);
    case 'p':
    case 'd': return true;  // of storage/streams
    case 'a': return true;  // of storage/annotations
    case 'k': return true;  // of storage/corrections
    case 'q':
    case 'o':
    case 'u': return true;  // likewise
    case 'x': return true;  // of storage/spc
    case 'n': {
      std::uint32_t next = 0;
      if (key.size() != 2 || !get_varint_as(value, next)) return false;
      auto& known = tables.next_id[static_cast<record_kind>(key[1])];
      known = std::max(known, next);
      return true;
    }
    default: return false;
  }
}

}  // namespace

std::string_view to_text(machine_status s) { return status_texts[static_cast<std::size_t>(s)]; }

std::optional<machine_status> parse_machine_status(std::string_view text) {
  const auto it = std::find(status_texts.begin(), status_texts.end(), text);
  if (it == status_texts.end()) return {};
  return static_cast<machine_status>(it - status_texts.begin());
}

void catalog_tables::put_rule(alert_rule rule) {
  if (rule.as_template)
    templates.put(rule);
  else
    templates.erase(rule.id);
  of<alert_rule>().put(std::move(rule));
}

void catalog_tables::erase_rule(rule_id id) {
  templates.erase(id);
  of<alert_rule>().erase(id);
}

sensor_config catalog_tables::config_of(sensor_id id) const {
  const sensor_entry* const entry = of<sensor_entry>().find(id);
  if (entry == nullptr) return {id, {}, {}, {}};
  sensor_config config{id, entry->thresholds, {}, rules_of(*entry)};
  config.suppressed = is_suppressed(entry->machine);
  for (const rule_id rule : of<alert_rule>().ids_of_parent(id)) config.rules.emplace_back(judged(*of<alert_rule>().find(rule)));
  templates.add_rules_of(traits_of(*entry), config.rules);
  order_rules(config);
  return config;
}

void order_rules(sensor_config& config) {
  std::sort(config.rules.begin(), config.rules.end(), [](const shared_rule& a, const shared_rule& b) { return a->id < b->id; });
}

bool catalog_tables::is_suppressed(machine_id id) const {
  const machine_entry* machine = of<machine_entry>().find(id);
  return machine != nullptr && suppresses_alarms(machine->status) && !untold.contains(id);
}

std::vector<machine_id> catalog::untold_machines() const {
  const std::shared_lock lock(impl_->guard);
  return {impl_->tables.untold.begin(), impl_->tables.untold.end()};
}

std::optional<shared_stream_rules> catalog_tables::rules_of(const sensor_entry& sensor, const machine_entry* machine,
                                                            const factory_entry* factory) const {
  const std::array above{factory != nullptr ? &factory->settings : nullptr, machine != nullptr ? &machine->settings : nullptr,
                         &sensor.settings};
  if (std::ranges::all_of(above, [](const auto* each) { return each == nullptr || each->empty(); })) return sensor.usual;
  const stream_rules before = sensor.usual ? **sensor.usual : usual.rules;
  auto rules = before;
  for (const auto* each : above)
    if (each != nullptr) each->apply_to(rules);
  if (rules.spc.is_switched_on()) rules.spc.against = sensor.control;
  return rules == before ? sensor.usual : std::optional<shared_stream_rules>(rules);
}

std::optional<shared_stream_rules> catalog_tables::rules_of(const sensor_entry& sensor) const {
  const auto* const machine = of<machine_entry>().find(sensor.machine);
  return rules_of(sensor, machine, machine != nullptr ? of<factory_entry>().find(machine->factory) : nullptr);
}

detector_setting catalog_tables::machine_detector_of(const machine_entry& machine, const factory_entry* factory) const {
  detector_setting how;
  how.on = usual.machine_detector;
  if (factory != nullptr) factory->settings.apply_to(how);
  machine.settings.apply_to(how);
  return how;
}

detector_setting catalog_tables::machine_detector_of(machine_id id) const {
  const auto* const machine = of<machine_entry>().find(id);
  return machine == nullptr ? detector_setting{} : machine_detector_of(*machine, of<factory_entry>().find(machine->factory));
}

catalog::catalog(database& db, usual_detection usual) : impl_(std::make_unique<impl>(db, std::move(usual))) {}
catalog::~catalog() = default;

expected<void> catalog::load() {
  catalog_tables tables;
  tables.usual = impl_->tables.usual;
  auto known = std::make_shared<sensor_set>();
  const database::impl& rocks = impl_->db.raw();
  const std::unique_ptr<rocksdb::Iterator> it(rocks.db->NewIterator(rocksdb::ReadOptions(), rocks.at(column::catalog)));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    if (load_record(tables, to_view(it->key()), to_view(it->value()))) continue;
    return fail(errc::corrupt, fmt::format("A catalog record (key {}) cannot be read: the database is damaged or of a newer "
                                           "version, restore the newest snapshot.",
                                           it->key().ToString(true)));
  }
  if (!it->status().ok()) return tl::unexpected(to_error(it->status(), "reading the catalog"));
  for (const sensor_entry& sensor : tables.of<sensor_entry>().all()) known->insert(sensor.id);
  tables.known = std::move(known);
  tables.touched_floor = tables.version;
  const std::unique_lock lock(impl_->guard);
  impl_->tables = std::move(tables);
  return {};
}

std::vector<factory_entry> catalog::factories() const { return listed<factory_entry>(*impl_, {}); }
std::vector<machine_entry> catalog::machines(std::optional<factory_id> of) const { return listed<machine_entry>(*impl_, of); }
std::vector<sensor_entry> catalog::sensors(std::optional<machine_id> of) const { return listed<sensor_entry>(*impl_, of); }

std::vector<alert_rule> catalog::rules(std::optional<sensor_id> of) const {
  if (!of) return listed<alert_rule>(*impl_, of);
  const std::shared_lock lock(impl_->guard);
  const catalog_tables& tables = impl_->tables;
  const sensor_entry* const sensor = tables.of<sensor_entry>().find(*of);
  if (sensor == nullptr) return {};
  std::vector<alert_rule> found = tables.of<alert_rule>().of_parent(*of);
  for (const rule_id id : tables.templates.for_sensor(tables.traits_of(*sensor)))
    found.push_back(*tables.of<alert_rule>().find(id));
  std::sort(found.begin(), found.end(), [](const alert_rule& a, const alert_rule& b) { return a.id < b.id; });
  return found;
}

std::vector<channel_entry> catalog::channels() const { return listed<channel_entry>(*impl_, {}); }

expected<factory_entry> catalog::find_factory(factory_id id) const {
  return found<factory_entry>(*impl_, id, "Factory not found");
}
expected<machine_entry> catalog::find_machine(machine_id id) const {
  return found<machine_entry>(*impl_, id, "Machine not found");
}
expected<sensor_entry> catalog::find_sensor(sensor_id id) const { return found<sensor_entry>(*impl_, id, "Sensor not found"); }
expected<alert_rule> catalog::find_rule(rule_id id) const { return found<alert_rule>(*impl_, id, "Rule not found"); }
expected<channel_entry> catalog::find_channel(channel_id id) const {
  return found<channel_entry>(*impl_, id, "Channel not found");
}

std::shared_ptr<const sensor_set> catalog::known_sensors() const {
  const std::shared_lock lock(impl_->guard);
  return impl_->tables.known;
}

sensor_config catalog::config_of(sensor_id id) const {
  const std::shared_lock lock(impl_->guard);
  return impl_->tables.config_of(id);
}

stream_rules catalog::inherited_by(const sensor_entry& sensor) const {
  sensor_entry plain = sensor;
  plain.settings = {};
  const std::shared_lock lock(impl_->guard);
  const auto rules = impl_->tables.rules_of(plain);
  return rules ? **rules : impl_->tables.usual.rules;
}
detector_setting catalog::machine_detector_of(machine_id id) const {
  const std::shared_lock lock(impl_->guard);
  return impl_->tables.machine_detector_of(id);
}
void catalog::hold_control_limits(sensor_id id, const control_basis& in_force) {
  const std::unique_lock lock(impl_->guard);
  const auto* const known = impl_->tables.of<sensor_entry>().find(id);
  if (known == nullptr) return;
  sensor_entry entry = *known;
  entry.control = in_force;
  impl_->tables.of<sensor_entry>().put(std::move(entry));
}
const usual_detection& catalog::usual() const { return impl_->tables.usual; }

retention_days catalog::retention_of(sensor_id id) const {
  const std::shared_lock lock(impl_->guard);
  const sensor_entry* sensor = impl_->tables.of<sensor_entry>().find(id);
  if (sensor == nullptr || sensor->retention) return sensor == nullptr ? retention_days{} : sensor->retention;
  const machine_entry* machine = impl_->tables.of<machine_entry>().find(sensor->machine);
  if (machine == nullptr || machine->retention) return machine == nullptr ? retention_days{} : machine->retention;
  const factory_entry* above = impl_->tables.of<factory_entry>().find(machine->factory);
  return above == nullptr ? retention_days{} : above->retention;
}

std::string catalog::store_id() const { return impl_->db.id(); }

std::uint64_t catalog::version() const {
  const std::shared_lock lock(impl_->guard);
  return impl_->tables.version;
}

}  // namespace factory
