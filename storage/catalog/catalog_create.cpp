#include "storage/catalog/catalog_checks.hpp"
#include "storage/catalog/configs_ahead.hpp"

#include "pipelines/model/limits.hpp"
#include "storage/base/limits.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <iterator>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace factory {

namespace {

/// Collects the faults of all rows into one error, which has the code of the first fault.
class refusals {
 public:
  explicit refusals(std::size_t most_rows) : most_rows_(most_rows) {}
  void add(std::size_t row, problem what) {
    if (count_++ == 0) first_ = {what.code, "", what.field, {}};
    if (first_.rows.size() < most_rows_) first_.rows.push_back({row, std::move(what.field), std::move(what.reason)});
  }
  bool any() const { return count_ > 0; }
  error take(std::size_t of) {
    const row_error& row = first_.rows.front();
    const std::string text = first_.code == errc::invalid ? row.field + ": " + row.reason : row.reason;
    first_.message =
        of == 1 ? text + "."
                : fmt::format("{} of {} entries refused, nothing was created; entry {}: {}.", count_, of, row.index, text);
    return std::move(first_);
  }

 private:
  std::size_t most_rows_;
  std::size_t count_ = 0;
  error first_;
};

/// Checks bounds that count existing entries and earlier ones of the same array.
class bounds {
 public:
  explicit bounds(const catalog_tables& tables) : tables_(tables) {}
  std::optional<problem> check(const factory_entry&) { return {}; }
  std::optional<problem> check(const machine_entry&) { return {}; }
  std::optional<problem> check(const sensor_entry&) {
    if (tables_.of<sensor_entry>().size() + ++sensors_ <= limits::sensors) return {};
    return problem{errc::conflict, "", fmt::format("there are {} sensors already, the most there may be", limits::sensors)};
  }
  std::optional<problem> check(const channel_entry&) {
    if (tables_.of<channel_entry>().size() + ++channels_ <= limits::channels) return {};
    return problem{errc::conflict, "", fmt::format("there are {} channels already, the most there may be", limits::channels)};
  }
  std::optional<problem> check(const alert_rule& rule) {
    if (rule.as_template) return check_template_count(tables_, ++templates_);
    const std::size_t stored = tables_.of<alert_rule>().count_of(rule.sensor);
    if (stored + ++rules_[rule.sensor] <= limits::rules_per_sensor) return {};
    return problem{errc::conflict, "sensor_id",
                   fmt::format("sensor {} has {} rules already, the most it may have", rule.sensor, limits::rules_per_sensor)};
  }

 private:
  const catalog_tables& tables_;
  std::size_t sensors_ = 0, templates_ = 0, channels_ = 0;
  std::unordered_map<sensor_id, std::size_t> rules_;
};

void stamp(alert_rule&, std::int64_t) {}
template <class Entry>
void stamp(Entry& entry, std::int64_t now_us) {
  entry.created_at_us = now_us;
}

template <class Entry>
refusals check_all(const catalog_tables& tables, const std::vector<Entry>& entries, std::size_t most_rows) {
  refusals bad(most_rows);
  bounds limits_of(tables);
  std::unordered_set<name_within, hash_of_name_within> in_array;
  for (std::size_t row = 0; row < entries.size(); ++row) {
    const Entry& entry = entries[row];
    auto what = check_members(tables, entry);
    if (!what) what = limits_of.check(entry);
    if (!what && kind_of_entry<Entry> != record_kind::rule) {
      const name_within name{parent_of(entry), entry.name};
      if (tables.of<Entry>().owner_of(name) != 0 || !in_array.insert(name).second) what = name_taken(entry);
    }
    if (what) bad.add(row, std::move(*what));
  }
  return bad;
}

config_change configs_of(const configs_ahead&, const std::vector<factory_entry>&) { return {}; }
config_change configs_of(const configs_ahead&, const std::vector<machine_entry>&) { return {}; }
config_change configs_of(const configs_ahead& ahead, const std::vector<sensor_entry>& created) {
  config_change change;
  for (const sensor_entry& sensor : created) change.configs.push_back(ahead.of(sensor.id));  // its actor begins with it
  return change;
}
config_change configs_of(const configs_ahead&, const std::vector<channel_entry>&) { return {}; }
config_change configs_of(const configs_ahead& ahead, const std::vector<alert_rule>& created) {
  std::vector<sensor_id> sensors;
  for (const alert_rule& rule : created) {
    const auto of_rule = ahead.sensors_of(rule);
    sensors.insert(sensors.end(), of_rule.begin(), of_rule.end());
  }
  return ahead.of_changed(sensors);
}

/// The sensors as they are, with their new units. REQUIRES: the caller holds the turn.
std::vector<sensor_entry> with_units(const catalog_tables& tables, const std::vector<catalog::new_unit>& units, std::size_t row,
                                     refusals& bad) {
  std::vector<sensor_entry> out;
  for (const auto& each : units) {
    const auto* const known = tables.of<sensor_entry>().find(each.sensor);
    auto what = check_text(each.unit, "unit");
    if (known == nullptr) what = problem{errc::not_found, "", fmt::format("there is no sensor {}", each.sensor)};
    if (what) bad.add(row, std::move(*what));
    ++row;
    if (known == nullptr) continue;
    out.push_back(*known);
    out.back().unit = each.unit;
  }
  return out;
}

void add_changed(const configs_ahead& ahead, const std::vector<sensor_entry>& changed, config_change& to) {
  std::vector<sensor_id> sensors;
  for (const auto& each : changed) sensors.push_back(each.id);
  auto configs = ahead.of_changed(sensors).configs;
  std::move(configs.begin(), configs.end(), std::back_inserter(to.configs));
}

template <class Entry>
expected<catalog::staged_entries<Entry>> create(catalog::impl& it, std::vector<Entry> entries, std::int64_t now_us,
                                                const std::vector<catalog::new_unit>& units = {},
                                                std::size_t most_rows = limits::row_errors_per_answer) {
  if (entries.size() > limits::entities_per_body) {
    return fail(errc::too_large, fmt::format("At most {} entries can be created at once.", limits::entities_per_body));
  }
  for (Entry& entry : entries) trim_name(entry.name);
  auto begun = begin_change(it);
  if (!begun) return tl::unexpected(std::move(begun.error()));
  auto& staged = *begun;
  refusals bad = check_all(it.tables, entries, most_rows);
  const auto changed = with_units(it.tables, units, entries.size(), bad);
  if (bad.any()) return tl::unexpected(bad.take(entries.size() + units.size()));
  std::uint32_t next = it.tables.next(kind_of_entry<Entry>);
  if (UINT32_MAX - next < entries.size()) return fail(errc::conflict, "All ids have been given away; none is ever used again.");
  for (Entry& entry : entries) {
    entry.id = next++;
    stamp(entry, now_us);
  }
  staged->next_id[kind_of_entry<Entry>] = next;
  staged->template of<Entry>() = entries;
  auto& sensors = staged->template of<sensor_entry>();
  sensors.insert(sensors.end(), changed.begin(), changed.end());
  const configs_ahead ahead(it.tables, *staged);
  config_change config = configs_of(ahead, entries);
  add_changed(ahead, changed, config);
  if constexpr (std::is_same_v<Entry, sensor_entry>)
    for (Entry& entry : entries) entry.stream = ahead.rules_of(entry);
  return catalog::staged_entries<Entry>{std::move(entries), finish_change(std::move(staged), std::move(config))};
}

}  // namespace

expected<catalog::staged_entries<factory_entry>> catalog::stage_create(std::vector<factory_entry> entries, std::int64_t now_us) {
  return create(*impl_, std::move(entries), now_us);
}
expected<catalog::staged_entries<machine_entry>> catalog::stage_create(std::vector<machine_entry> entries, std::int64_t now_us) {
  return create(*impl_, std::move(entries), now_us);
}
expected<catalog::staged_entries<sensor_entry>> catalog::stage_create(std::vector<sensor_entry> entries, std::int64_t now_us) {
  return create(*impl_, std::move(entries), now_us);
}
expected<catalog::staged_entries<sensor_entry>> catalog::stage_create(std::vector<sensor_entry> entries,
                                                                      const std::vector<new_unit>& units, std::int64_t now_us) {
  return create(*impl_, std::move(entries), now_us, units, SIZE_MAX);
}
expected<catalog::staged_entries<alert_rule>> catalog::stage_create(std::vector<alert_rule> entries, std::int64_t now_us) {
  return create(*impl_, std::move(entries), now_us);
}
expected<catalog::staged_entries<channel_entry>> catalog::stage_create(std::vector<channel_entry> entries, std::int64_t now_us) {
  return create(*impl_, std::move(entries), now_us);
}

}  // namespace factory
