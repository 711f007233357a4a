#include <algorithm>
#include <mutex>

#include "http/api/api_call.hpp"
#include "http/api/shown_things.hpp"
#include "http/edge/access.hpp"
#include "http/edge/query.hpp"
#include "http/text/catalog_json.hpp"
#include "http/text/channel_json.hpp"
#include "http/text/json_body.hpp"
#include "http/text/rule_template_json.hpp"
#include "pipelines/model/limits.hpp"
#include "storage/base/limits.hpp"

namespace factory {

namespace {

using simdjson::dom::element;

/// The differences between the five kinds of entities; the handlers below are the same for all.
template <class Entry>
struct kind;

template <>
struct kind<factory_entry> {
  static constexpr std::string_view plural = "factories", parent = "";
  static const auto& required() { return required_of_factory; }
  static auto find(const ports& e, std::uint32_t id) { return e.entities().find_factory(id); }
  static auto list(const ports& e, std::optional<std::uint32_t>, const label_set&) { return e.entities().factories(); }
  static auto remove(ports& e, std::uint32_t id) { return e.remove_factory(id); }
};
template <>
struct kind<machine_entry> {
  static constexpr std::string_view plural = "machines", parent = "factory_id";
  static const auto& required() { return required_of_machine; }
  static auto find(const ports& e, std::uint32_t id) { return e.entities().find_machine(id); }
  static auto list(const ports& e, std::optional<std::uint32_t> of, const label_set& labels) {
    return labels.empty() ? e.entities().machines(of) : e.entities().machines_labelled(labels, of);
  }
  static auto remove(ports& e, std::uint32_t id) { return e.remove_machine(id); }
};
template <>
struct kind<sensor_entry> {
  static constexpr std::string_view plural = "sensors", parent = "machine_id";
  static const auto& required() { return required_of_sensor; }
  static auto find(const ports& e, std::uint32_t id) { return e.entities().find_sensor(id); }
  static auto list(const ports& e, std::optional<std::uint32_t> of, const label_set& labels) {
    return sensors_with(e, labels, of);
  }
  static auto remove(ports& e, std::uint32_t id) { return e.remove_sensor(id); }
};
template <>
struct kind<alert_rule> {
  static constexpr std::string_view plural = "rules", parent = "sensor_id";
  static const auto& required() { return required_of_rule; }
  static auto find(const ports& e, std::uint32_t id) { return e.entities().find_rule(id); }
  static auto list(const ports& e, std::optional<std::uint32_t> of, const label_set& labels) {
    auto found = e.entities().rules(of);
    if (labels.empty()) return found;
    const auto wanted = set_of(sensors_with(e, labels));
    std::erase_if(found, [&](const alert_rule& each) {
      if (!each.as_template) return !wanted->contains(each.sensor);
      return std::ranges::none_of(e.entities().select(each.as_template->sensors),
                                  [&](const sensor_entry& sensor) { return wanted->contains(sensor.id); });
    });
    return found;
  }
  static auto remove(ports& e, std::uint32_t id) { return e.remove_rule(id); }
};
template <>
struct kind<channel_entry> {
  static constexpr std::string_view plural = "channels", parent = "";
  static const auto& required() { return required_of_channel; }
  static auto find(const ports& e, std::uint32_t id) { return e.entities().find_channel(id); }
  static auto list(const ports& e, std::optional<std::uint32_t>, const label_set&) { return e.entities().channels(); }
  static auto remove(ports& e, std::uint32_t id) { return e.remove_channel(id); }
};

template <class Entry>
void before_members(const ports&, Entry&) {}
/// Tracks which limits of a rule are set while its members are read.
void before_members(const ports&, alert_rule& rule) { open_limits(rule); }
template <class Entry>
expected<void> after_members(Entry&) {
  return {};
}
expected<void> after_members(alert_rule& rule) {
  auto whole = close_template(rule);
  return whole ? close_limits(rule) : whole;
}

template <class Entry>
expected<void> set_members(Entry& entry, element object) {
  auto taken = for_each_member(object, [&](std::string_view name, element value) { return set_member(entry, name, value); });
  return taken ? after_members(entry) : taken;
}

/// A token that is limited to a factory must not put an entity into another one.
template <class Entry>
expected<void> stay_within(const ports& behind, factory_id within, const Entry& entry) {
  if (lies_in(behind, within, entry)) return {};
  const std::string field(kind<Entry>::parent);
  return fail(errc::invalid, field + ": this token is limited to factory " + std::to_string(within), field);
}

template <class Entry>
expected<Entry> read_new(const ports& behind, factory_id within, element object) {
  Entry entry;
  if constexpr (std::is_same_v<Entry, alert_rule>) entry.low = entry.high = unset_limit();
  if (object.is_object()) {
    for (const std::string_view name : kind<Entry>::required()) {
      if (object[name].error()) return fail(errc::invalid, std::string(name) + " is required", std::string(name));
    }
  }
  if (auto set = set_members(entry, object); !set) return tl::unexpected(set.error());
  if (auto good = stay_within(behind, within, entry); !good) return tl::unexpected(good.error());
  return entry;
}

template <class Entry>
http_response one(const Entry& entry, unsigned status = 200) {
  json_writer out;
  write_json(out, entry);
  return json_response(out, status);
}

template <class Entry>
http_response many(const std::vector<Entry>& entries, unsigned status = 200) {
  json_writer out(128 * (entries.size() + 1));
  out.begin_array();
  for (const Entry& entry : entries) write_json(out, entry);
  out.end_array();
  return json_response(out, status);
}

template <class Entry>
expected<http_response> create_one(ports& behind, factory_id within, element object) {
  auto entry = read_new<Entry>(behind, within, object);
  if (!entry) return fail_with(entry.error());
  auto created = behind.create(std::vector<Entry>{std::move(*entry)});
  if (created) return one(created->front(), 201);
  error why = created.error();
  if (why.rows.size() == 1) {  // an object has no index: it is its only row
    why.message = why.rows.front().reason;
    why.field = why.rows.front().field;
    why.rows.clear();
  }
  return fail_with(why);
}

template <class Entry>
expected<http_response> create_all(ports& behind, factory_id within, simdjson::dom::array objects) {
  if (objects.size() > limits::entities_per_body) {
    return fail(errc::too_large, "At most " + std::to_string(limits::entities_per_body) + " entries a body");
  }
  std::vector<Entry> entries;
  std::vector<row_error> refused;
  std::uint64_t index = 0, refused_count = 0;
  for (const element object : objects) {
    auto entry = read_new<Entry>(behind, within, object);
    if (entry) {
      entries.push_back(std::move(*entry));
    } else if (++refused_count <= limits::row_errors_per_answer) {
      refused.push_back({index, entry.error().field, entry.error().message});
    }
    ++index;
  }
  if (refused_count > 0) {
    error why{errc::invalid,
              std::to_string(refused_count) + " of " + std::to_string(index) + " entries refused; nothing was stored"};
    why.rows = std::move(refused);
    return fail_with(why);
  }
  if (entries.empty()) return many(entries, 201);
  auto created = behind.create(std::move(entries));
  return created ? expected<http_response>(many(*created, 201)) : fail_with(created.error());
}

template <class Entry>
expected<http_response> create(ports& behind, const http_request& request, const path_argument&) {
  json_body body;
  const auto root = body.parse(request.body);
  if (!root) return fail_with(root.error());
  simdjson::dom::array objects;
  return root->get(objects) ? create_one<Entry>(behind, request.factory, *root)
                            : create_all<Entry>(behind, request.factory, objects);
}

/// An entity of another factory looks as if it did not exist.
template <class Entry>
expected<Entry> find(ports& behind, const http_request& request, std::uint32_t id) {
  auto entry = kind<Entry>::find(behind, id);
  if (entry && !lies_in(behind, request.factory, *entry)) return kind<Entry>::find(behind, 0);
  return entry;
}

/// Leaves the sensors that the rule is for.
expected<void> keep_those_of(ports& behind, const http_request& request, rule_id rule, std::vector<sensor_entry>& sensors) {
  const auto found = find<alert_rule>(behind, request, rule);
  if (!found) return tl::unexpected(found.error());
  sensor_set wanted;
  if (!found->as_template) wanted.insert(found->sensor);
  if (found->as_template)
    for (const sensor_entry& sensor : behind.entities().select(found->as_template->sensors)) wanted.insert(sensor.id);
  std::erase_if(sensors, [&](const sensor_entry& sensor) { return !wanted.contains(sensor.id); });
  return {};
}

template <class Entry>
expected<http_response> list(ports& behind, const http_request& request, const path_argument&) {
  std::optional<std::uint32_t> of;
  query_reader query(request);
  for (const char* parent : {"factory_id", "machine_id", "sensor_id"}) {
    if (const auto id = query.id(parent)) of = id;  // a kind has one of them at most
  }
  const label_set labels = query.labels();
  const auto rule = query.id("rule_id");
  if (query.fault()) return fail_with(*query.fault());
  auto found = kind<Entry>::list(behind, of, labels);
  if constexpr (std::is_same_v<Entry, sensor_entry>)
    if (rule)
      if (auto kept = keep_those_of(behind, request, *rule, found); !kept) return fail_with(kept.error());
  if (request.factory != 0) std::erase_if(found, [&](const Entry& each) { return !lies_in(behind, request.factory, each); });
  return many(found);
}

template <class Entry>
expected<http_response> get(ports& behind, const http_request& request, const path_argument& path) {
  const auto entry = find<Entry>(behind, request, path.id);
  return entry ? expected<http_response>(one(*entry)) : fail_with(entry.error());
}

template <class Entry>
expected<http_response> patch(ports& behind, const http_request& request, const path_argument& path) {
  json_body body;
  const auto root = body.parse(request.body);
  if (!root) return fail_with(root.error());

  static std::mutex one_at_a_time;  // two partial updates of one entity must not undo each other
  const std::lock_guard lock(one_at_a_time);
  auto entry = find<Entry>(behind, request, path.id);
  if (!entry) return fail_with(entry.error());
  const auto edit = [&](Entry& now) -> expected<void> {
    before_members(behind, now);
    if (auto set = set_members(now, *root); !set) return set;
    return stay_within(behind, request.factory, now);
  };
  expected<void> updated;
  if constexpr (std::is_same_v<Entry, sensor_entry>)
    updated = behind.edit_sensor(path.id, edit);
  else if constexpr (std::is_same_v<Entry, machine_entry>)
    updated = behind.edit_machine(path.id, edit);
  else if (updated = edit(*entry); updated)
    updated = behind.update(*entry);
  if (!updated) return fail_with(updated.error());
  entry = find<Entry>(behind, request, path.id);  // as it is stored now
  return entry ? expected<http_response>(one(*entry)) : fail_with(entry.error());
}

template <class Entry>
expected<http_response> remove(ports& behind, const http_request& request, const path_argument& path) {
  if (const auto entry = find<Entry>(behind, request, path.id); !entry) return fail_with(entry.error());
  if (auto removed = kind<Entry>::remove(behind, path.id); !removed) return fail_with(removed.error());
  return http_response{204, "", ""};
}

struct texts {
  std::string_view list, create, get, patch, remove, parent, schema, schemas, draft, drafts, changes;
};

template <class Entry>
void add_kind(api_table& table, const texts& t) {
  const std::string all = "/api/" + std::string(kind<Entry>::plural), each = all + "/{id}";
  std::vector<std::string_view> filter;
  if (!t.parent.empty()) filter.push_back(t.parent);
  constexpr bool has_labels = requires(Entry entry) { entry.labels; };
  if (has_labels || std::is_same_v<Entry, alert_rule>) filter.push_back("label");
  if (std::is_same_v<Entry, sensor_entry>) filter.push_back("rule_id");
  table.push_back({http_method::get, all, t.list, list<Entry>, filter, {}, t.schemas});
  table.push_back({http_method::post, all, t.create, create<Entry>, {}, t.drafts, t.schemas, 201, limits::body_bytes, json_only});
  table.push_back({http_method::get, each, t.get, get<Entry>, {}, {}, t.schema});
  table.push_back(
      {http_method::patch, each, t.patch, patch<Entry>, {}, t.changes, t.schema, 200, limits::small_body_bytes, json_only});
  table.push_back({http_method::delete_, each, t.remove, remove<Entry>, {}, {}, {}, 204});
  for (auto added = table.end() - 5; added != table.end(); ++added) {
    // Channels make the process speak to others and hold secrets; the token of a factory has none.
    if (std::is_same_v<Entry, channel_entry>) {
      added->scope = access_scope::admin;
      continue;
    }
    // A token of one factory must not create or delete factories.
    const bool open =
        !std::is_same_v<Entry, factory_entry> || added->method == http_method::get || added->method == http_method::patch;
    if (open) added->limited = factory_limit::handled;
  }
}

}  // namespace

void add_catalog_calls(api_table& table) {
  add_kind<factory_entry>(table, {"All factories", "Create one factory or an array of them", "One factory", "Change a factory",
                                  "Delete a factory without machines", "", "factory", "factories", "new_factory", "new_factories",
                                  "factory_changes"});
  add_kind<machine_entry>(table, {"Machines, of all factories or of one", "Create one machine or an array of them", "One machine",
                                  "Change a machine", "Delete a machine without sensors", "factory_id", "machine", "machines",
                                  "new_machine", "new_machines", "machine_changes"});
  add_kind<sensor_entry>(table, {"Sensors, of all machines or of one", "Create one sensor or an array of them", "One sensor",
                                 "Change a sensor; null takes a threshold away", "Delete a sensor, its readings and its rules",
                                 "machine_id", "sensor", "sensors", "new_sensor", "new_sensors", "sensor_changes"});
  add_kind<alert_rule>(table, {"Alert rules, of all sensors or of one", "Create one alert rule or an array of them",
                               "One alert rule", "Change an alert rule", "Delete an alert rule; its active alerts are cleared",
                               "sensor_id", "rule", "rules", "new_rule", "new_rules", "rule_changes"});
  add_kind<channel_entry>(table, {"Channels, to which notifications of alerts go", "Create one channel or an array of them",
                                  "One channel; its secret is never shown", "Change a channel",
                                  "Delete a channel that no rule names, with all that waits for it", "", "channel", "channels",
                                  "new_channel", "new_channels", "channel_changes"});
}

}  // namespace factory
