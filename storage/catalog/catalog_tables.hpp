#pragma once

#include "storage/catalog/catalog_records.hpp"
#include "storage/catalog/label_index.hpp"
#include "storage/catalog/template_book.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <semaphore>
#include <set>
#include <shared_mutex>
#include <span>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

/// For this room only: the catalog in memory.
namespace factory {

inline std::uint32_t parent_of(const factory_entry&) { return 0; }
inline std::uint32_t parent_of(const machine_entry& entry) { return entry.factory; }
inline std::uint32_t parent_of(const sensor_entry& entry) { return entry.machine; }
inline std::uint32_t parent_of(const alert_rule& entry) { return entry.sensor; }
inline std::uint32_t parent_of(const channel_entry&) { return 0; }

/// A name within its parent.
struct name_within {
  std::uint32_t parent = 0;
  std::string_view name;
  bool operator==(const name_within&) const = default;
};
struct hash_of_name_within {
  std::size_t operator()(const name_within& n) const {
    return std::hash<std::string_view>()(n.name) ^ (n.parent * std::size_t{0x9e3779b97f4a7c15});
  }
};

/// Entries by name. Only the entry stores the name itself.
template <class Entry>
struct entry_name {
  using is_transparent = void;
  static name_within of(const Entry* entry) { return {parent_of(*entry), entry->name}; }
  static const name_within& of(const name_within& name) { return name; }
  std::size_t operator()(const auto& one) const { return hash_of_name_within()(of(one)); }
  bool operator()(const auto& one, const auto& other) const { return of(one) == of(other); }
};

/// Entries of one kind by id, by parent, by name within the parent and by label. Only rules may share a name.
template <class Entry>
class entry_table {
 public:
  entry_table() = default;
  entry_table(entry_table&&) = default;  // not copyable: a copy's names would point into the original
  entry_table& operator=(entry_table&&) = default;

  const Entry* find(std::uint32_t id) const {
    const auto it = by_id_.find(id);
    return it == by_id_.end() ? nullptr : &it->second;
  }
  /// 0 when the name is free.
  std::uint32_t owner_of(const name_within& name) const {
    const auto it = names_.find(name);
    return it == names_.end() ? 0 : (*it)->id;
  }
  std::vector<Entry> all() const {
    std::vector<Entry> out;
    out.reserve(by_id_.size());
    for (const auto& [id, entry] : by_id_) out.push_back(entry);
    return out;
  }
  std::vector<Entry> of_parent(std::uint32_t parent) const {
    std::vector<Entry> out;
    for (const std::uint32_t id : ids_of_parent(parent)) out.push_back(by_id_.at(id));
    return out;
  }
  /// Ascending.
  std::span<const std::uint32_t> ids_of_parent(std::uint32_t parent) const {
    const auto it = children_.find(parent);
    return it == children_.end() ? std::span<const std::uint32_t>() : it->second;
  }
  const std::map<std::uint32_t, Entry>& by_id() const { return by_id_; }
  const label_index& labelled() const { return labelled_; }
  bool has_children_of(std::uint32_t parent) const { return children_.contains(parent); }
  std::size_t count_of(std::uint32_t parent) const {
    const auto it = children_.find(parent);
    return it == children_.end() ? 0 : it->second.size();
  }
  std::size_t size() const { return by_id_.size(); }

  void put(Entry entry) {
    erase(entry.id);
    const std::uint32_t id = entry.id;
    auto& siblings = children_[parent_of(entry)];
    siblings.insert(std::upper_bound(siblings.begin(), siblings.end(), id), id);
    const auto it = by_id_.emplace_hint(by_id_.end(), id, std::move(entry));  // new ones are the largest: amortized O(1)
    if constexpr (kind_of_entry<Entry> != record_kind::rule) names_.insert(&it->second);
    if constexpr (requires { it->second.labels; }) labelled_.add(it->second.labels, id);
  }
  void erase(std::uint32_t id) {
    const auto it = by_id_.find(id);
    if (it == by_id_.end()) return;
    const auto children = children_.find(parent_of(it->second));
    auto& siblings = children->second;
    siblings.erase(std::lower_bound(siblings.begin(), siblings.end(), id));
    if (siblings.empty()) children_.erase(children);
    names_.erase(&it->second);
    if constexpr (requires { it->second.labels; }) labelled_.remove(it->second.labels, id);
    by_id_.erase(it);
  }

 private:
  std::map<std::uint32_t, Entry> by_id_;
  std::unordered_map<std::uint32_t, std::vector<std::uint32_t>> children_;        // by parent, ascending; none is empty
  std::unordered_set<const Entry*, entry_name<Entry>, entry_name<Entry>> names_;  // into by_id_
  label_index labelled_;
};

struct record_id {
  record_kind kind{};
  std::uint32_t id = 0;
  auto operator<=>(const record_id&) const = default;
};

/// Invariants: `known` holds exactly the ids of the table of sensors, `templates` the rules with a selector of the table of rules.
struct catalog_tables {
  std::tuple<entry_table<factory_entry>, entry_table<machine_entry>, entry_table<sensor_entry>, entry_table<alert_rule>,
             entry_table<channel_entry>>
      kinds;
  template_book templates;
  std::map<record_kind, std::uint32_t> next_id;
  std::shared_ptr<const sensor_set> known = std::make_shared<sensor_set>();
  std::uint64_t version = 0;
  std::deque<std::pair<std::uint64_t, record_id>> touched;  // by version, newest last
  std::uint64_t touched_floor = 0;                          // `touched` no longer has changes up to this version
  usual_detection usual;

  template <class Entry>
  entry_table<Entry>& of() {
    return std::get<entry_table<Entry>>(kinds);
  }
  template <class Entry>
  const entry_table<Entry>& of() const {
    return std::get<entry_table<Entry>>(kinds);
  }
  std::uint32_t next(record_kind kind) const {
    const auto it = next_id.find(kind);
    return it == next_id.end() ? 1 : it->second;
  }
  void put_rule(alert_rule rule);
  void erase_rule(rule_id id);
  sensor_config config_of(sensor_id id) const;
  /// The rules that count for a sensor of this machine and factory, either of which may be null.
  std::optional<shared_stream_rules> rules_of(const sensor_entry& sensor, const machine_entry* machine,
                                              const factory_entry* factory) const;
  std::optional<shared_stream_rules> rules_of(const sensor_entry& sensor) const;
  detector_setting machine_detector_of(const machine_entry& machine, const factory_entry* factory) const;
  detector_setting machine_detector_of(machine_id id) const;
  /// Points into the tables and into `sensor`.
  sensor_traits traits_of(const sensor_entry& sensor) const;
  /// Ascending.
  std::vector<sensor_id> select(const selector& which) const;
  bool is_suppressed(machine_id id) const;  ///< its sensors' alarms are
  /// Not in operation since before that was told to sensors.
  std::set<machine_id> untold = {};
};

/// Lock order: `turn` (one staged change), then `guard` (the tables). Tables change only under both.
struct catalog::impl {
  impl(database& opened, usual_detection usual) : db(opened) { tables.usual = std::move(usual); }
  database& db;
  std::binary_semaphore turn{1};  ///< given back on the committer's thread, which applies the change
  mutable std::shared_mutex guard;
  catalog_tables tables;
};

/// A change on its way: entries to put and records to erase, both in memory and on disk. Holds the catalog's turn.
struct catalog_change::staged {
  std::shared_ptr<void> turn;  ///< of the catalog, given back with it
  std::uint64_t version = 0;
  std::tuple<std::vector<factory_entry>, std::vector<machine_entry>, std::vector<sensor_entry>, std::vector<alert_rule>,
             std::vector<channel_entry>>
      puts;
  std::vector<record_id> erased;
  std::map<record_kind, std::uint32_t> next_id;

  template <class Entry>
  std::vector<Entry>& of() {
    return std::get<std::vector<Entry>>(puts);
  }
};

/// Ascending by id, whether a rule is the sensor's own or a template's.
void order_rules(sensor_config& config);
/// Takes the catalog's turn for a new change; timed_out while the outcome of an earlier one stays unknown.
expected<std::shared_ptr<catalog_change::staged>> begin_change(catalog::impl& it);
/// Encodes the staged change as writes.
catalog_change finish_change(std::shared_ptr<catalog_change::staged> staged, config_change config);

}  // namespace factory
