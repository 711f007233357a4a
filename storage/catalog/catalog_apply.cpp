#include "storage/catalog/catalog_tables.hpp"

#include "pipelines/model/coding.hpp"
#include "storage/base/limits.hpp"

#include <chrono>
#include <set>

namespace factory {

namespace {

/// So many changes are remembered; a copy that lags further gets everything.
constexpr std::size_t touched_kept = 50'000;

template <class Entry>
void write_entries(catalog_change::staged& staged, std::vector<catalog_write>& out) {
  for (const Entry& entry : staged.of<Entry>()) out.emplace_back(record_key(kind_of_entry<Entry>, entry.id), encode(entry));
}

template <class Entry>
void put_entries(catalog_tables& tables, catalog_change::staged& staged) {
  for (Entry& entry : staged.of<Entry>()) {
    tables.touched.emplace_back(staged.version, record_id{kind_of_entry<Entry>, entry.id});
    if constexpr (kind_of_entry<Entry> == record_kind::machine) tables.untold.erase(entry.id);
    if constexpr (kind_of_entry<Entry> == record_kind::rule)
      tables.put_rule(std::move(entry));
    else
      tables.of<Entry>().put(std::move(entry));
  }
}

void erase_entry(catalog_tables& tables, record_id what) {
  switch (what.kind) {
    case record_kind::factory: return tables.of<factory_entry>().erase(what.id);
    case record_kind::machine: return tables.of<machine_entry>().erase(what.id);
    case record_kind::sensor: return tables.of<sensor_entry>().erase(what.id);
    case record_kind::rule: return tables.erase_rule(what.id);
    case record_kind::channel: return tables.of<channel_entry>().erase(what.id);
  }
}

/// A new set, copied once, when sensors come or go; otherwise the old one.
std::shared_ptr<const sensor_set> known_after(const catalog_tables& tables, catalog_change::staged& staged) {
  std::shared_ptr<sensor_set> fresh;
  const auto changed = [&]() -> sensor_set& {
    if (!fresh) fresh = std::make_shared<sensor_set>(*tables.known);
    return *fresh;
  };
  for (const sensor_entry& entry : staged.of<sensor_entry>()) {
    if (!tables.known->contains(entry.id)) changed().insert(entry.id);
  }
  for (const record_id& what : staged.erased) {
    if (what.kind == record_kind::sensor) changed().erase(what.id);
  }
  return fresh ? std::shared_ptr<const sensor_set>(std::move(fresh)) : tables.known;
}

void forget_oldest(catalog_tables& tables) {
  while (tables.touched.size() > touched_kept) {
    tables.touched_floor = tables.touched.front().first;  // a version is forgotten as a whole: see changes_since
    tables.touched.pop_front();
  }
}

template <class Entry>
void add_to(std::vector<Entry>& present, std::vector<std::uint32_t>& removed, const catalog_tables& tables, std::uint32_t id) {
  if (const Entry* entry = tables.of<Entry>().find(id)) {
    present.push_back(*entry);
  } else {
    removed.push_back(id);
  }
}

}  // namespace

expected<std::shared_ptr<catalog_change::staged>> begin_change(catalog::impl& it) {
  if (!it.turn.try_acquire_for(std::chrono::milliseconds(limits::commit_deadline_ms)))
    return fail(errc::timed_out, "An earlier change of the catalog is not committed yet; send this one again later.");
  auto staged = std::make_shared<catalog_change::staged>();
  staged->turn = {static_cast<void*>(&it), [&it](void*) { it.turn.release(); }};
  staged->version = it.tables.version + 1;
  return staged;
}

catalog_change finish_change(std::shared_ptr<catalog_change::staged> staged, config_change config) {
  catalog_change change;
  change.config = std::move(config);
  write_entries<factory_entry>(*staged, change.writes);
  write_entries<machine_entry>(*staged, change.writes);
  write_entries<sensor_entry>(*staged, change.writes);
  write_entries<alert_rule>(*staged, change.writes);
  write_entries<channel_entry>(*staged, change.writes);
  for (const record_id& what : staged->erased) change.writes.emplace_back(record_key(what.kind, what.id), std::nullopt);
  const auto write_number = [&](std::string key, std::uint64_t number) {
    std::string value;
    put_varint(value, number);
    change.writes.emplace_back(std::move(key), std::move(value));
  };
  for (const auto& [kind, next] : staged->next_id) write_number(counter_key(kind), next);
  write_number(std::string(version_key), staged->version);
  change.in_memory = std::move(staged);
  return change;
}

void catalog::apply(catalog_change change) {
  const auto in_memory = std::move(change.in_memory);  // it also holds the turn, which ends with it
  catalog_change::staged& staged = *in_memory;
  catalog_tables& tables = impl_->tables;
  auto known = known_after(tables, staged);
  const std::unique_lock lock(impl_->guard);
  put_entries<factory_entry>(tables, staged);
  put_entries<machine_entry>(tables, staged);
  put_entries<sensor_entry>(tables, staged);
  put_entries<alert_rule>(tables, staged);
  put_entries<channel_entry>(tables, staged);
  for (const record_id& what : staged.erased) {
    tables.touched.emplace_back(staged.version, what);
    erase_entry(tables, what);
  }
  for (const auto& [kind, next] : staged.next_id) tables.next_id[kind] = next;
  tables.known = std::move(known);
  tables.version = staged.version;
  forget_oldest(tables);
}

catalog_delta catalog::changes_since(std::uint64_t version) const {
  const std::shared_lock lock(impl_->guard);
  const catalog_tables& tables = impl_->tables;
  catalog_delta delta;
  delta.version = tables.version;
  if (version < tables.touched_floor || version > tables.version) {
    delta.complete = true;
    delta.factories = tables.of<factory_entry>().all();
    delta.machines = tables.of<machine_entry>().all();
    delta.sensors = tables.of<sensor_entry>().all();
    delta.rules = tables.of<alert_rule>().all();
    return delta;
  }
  std::set<record_id> touched;
  for (auto it = tables.touched.rbegin(); it != tables.touched.rend() && it->first > version; ++it) touched.insert(it->second);
  for (const record_id& what : touched) {
    switch (what.kind) {
      case record_kind::factory: add_to(delta.factories, delta.removed_factories, tables, what.id); break;
      case record_kind::machine: add_to(delta.machines, delta.removed_machines, tables, what.id); break;
      case record_kind::sensor: add_to(delta.sensors, delta.removed_sensors, tables, what.id); break;
      case record_kind::rule: add_to(delta.rules, delta.removed_rules, tables, what.id); break;
      case record_kind::channel: break;  // copies do without: channels hold secrets
    }
  }
  return delta;
}

}  // namespace factory
