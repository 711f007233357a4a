#include <algorithm>
#include <array>
#include <cctype>
#include <functional>

#include "http/api/api_call.hpp"
#include "http/api/shown_things.hpp"
#include "http/calls/alert_view.hpp"
#include "http/edge/access.hpp"
#include "http/edge/query.hpp"
#include "http/text/cursor.hpp"
#include "storage/base/limits.hpp"

namespace factory {

namespace {

constexpr std::size_t alerts_per_page = 100;
const std::vector<std::string_view> orders{"raised_at", "priority", "severity", "state", "sensor_id"};

std::string lowered(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

/// What a list of alerts is asked for, beside what the event log knows.
struct alert_filter {
  std::vector<alert_state> states;        ///< empty: all
  std::vector<std::uint32_t> priorities;  ///< likewise
  std::optional<machine_id> machine;
  std::optional<factory_id> factory;
  std::optional<rule_id> rule;
  std::optional<shown_things> labelled;  ///< those with the labels that are asked for
  std::string text;                      ///< in lower case; in the name of the rule, sensor or machine, or in the rule's message

  bool asks_for_names() const { return machine || factory || !text.empty(); }
};

bool holds_text(const alert_names& names, const std::string& text) {
  std::vector<std::string_view> where;
  if (names.rule) where.insert(where.end(), {names.rule->name, names.rule->options.message});
  if (names.sensor) where.push_back(names.sensor->name);
  if (names.machine) where.push_back(names.machine->name);
  return std::ranges::any_of(where, [&](std::string_view each) { return lowered(each).find(text) != std::string::npos; });
}

bool is_asked_for(const query_port& behind, const alert_filter& filter, const event_key& key) {
  if (filter.rule && (key.source != event_source::alert_rule || key.rule != *filter.rule)) return false;
  if (filter.labelled && !filter.labelled->contains(key)) return false;
  if (!filter.asks_for_names()) return true;
  const auto names = names_of(behind, key);
  if (filter.machine && (!names.machine || names.machine->id != *filter.machine)) return false;
  if (filter.factory && (!names.machine || names.machine->factory != *filter.factory)) return false;
  return filter.text.empty() || holds_text(names, filter.text);
}

bool is_asked_for(const query_port& behind, const alert_filter& filter, const finding& alert) {
  if (!filter.states.empty() && std::ranges::count(filter.states, state_of(alert)) == 0) return false;
  return filter.priorities.empty() || std::ranges::count(filter.priorities, priority_of(behind, alert)) != 0;
}

alert_filter read_filter(const query_port& behind, query_reader& query) {
  alert_filter filter;
  for (const auto word : query.list("state").value_or(std::vector<std::string_view>{})) {
    const auto known = std::ranges::find(alert_states(), word, [](alert_state each) { return to_text(each); });
    if (known == alert_states().end())
      query.fail_at("state", "states of alerts with commas between, such as active_unacknowledged,shelved");
    else
      filter.states.push_back(*known);
  }
  for (const auto word : query.list("priority").value_or(std::vector<std::string_view>{})) {
    if (word.size() != 1 || word.front() < '1' || word.front() > '4')
      query.fail_at("priority", "numbers from 1 to 4 with commas between");
    else
      filter.priorities.push_back(static_cast<std::uint32_t>(word.front() - '0'));
  }
  filter.machine = query.id("machine_id");
  filter.factory = query.id("factory_id");
  filter.rule = query.id("rule_id");
  if (const auto labels = query.labels(); !labels.empty()) filter.labelled = things_with(behind, labels);
  if (const auto text = query.text("text")) filter.text = lowered(*text);
  return filter;
}

bool only_open(const std::vector<alert_state>& states) {
  return !states.empty() && std::ranges::none_of(states, [](alert_state each) {
    return each == alert_state::cleared || each == alert_state::returned_unacknowledged;
  });
}

/// Most urgent or newest first; by sensor, lowest first.
void sort_alerts(const query_port& behind, std::vector<finding>& alerts, std::string_view by) {
  const auto place = [&](const finding& a) -> std::int64_t {
    if (by == "priority") return priority_of(behind, a);
    if (by == "severity") return -static_cast<std::int64_t>(level_of(a)) % 3;
    if (by == "state") return static_cast<std::int64_t>(state_of(a));
    if (by == "sensor_id") return a.stated->key.sensor;
    return -a.stated->at_us;
  };
  std::ranges::stable_sort(alerts, {}, place);
}

/// The rows of a page, and where the next one begins.
struct alert_rows {
  std::vector<finding> rows;
  std::optional<std::uint64_t> next;
  bool is_complete = true;  ///< sorted: all that there are were looked at
};

/// In another order than that of the log: looks at all, within the bound of one page of the log.
expected<alert_rows> sorted(const query_port& behind, alert_query asked, std::size_t limit, std::string_view by) {
  asked.limit = limits::events_looked_at;
  auto found = behind.events().alert_page(asked);
  if (!found) return tl::unexpected(found.error());
  sort_alerts(behind, found->rows, by);
  alert_rows out{std::move(found->rows), std::nullopt, !found->next};
  if (out.rows.size() > limit) {
    out.rows.resize(limit);
    out.is_complete = false;
  }
  return out;
}

expected<alert_rows> in_order(const query_port& behind, alert_query asked, std::size_t limit) {
  asked.limit = limit;
  auto found = behind.events().alert_page(asked);
  if (!found) return tl::unexpected(found.error());
  const bool is_all = !found->next;
  return alert_rows{std::move(found->rows), found->next, is_all};
}

http_response page_of(const query_port& behind, const alert_rows& page, const shown_groups& groups) {
  json_writer out(512 * (page.rows.size() + 1));
  out.begin_object().key("alerts").begin_array();
  for (const finding& each : page.rows) write_alert(out, each, place_of(behind, each, groups));
  out.end_array().key("groups");
  groups.write(out);
  out.key("next_cursor");
  page.next ? out.value(format_cursor(*page.next, true)) : out.value(nullptr);
  out.member("complete", page.is_complete).end_object();
  return json_response(out);
}

/// Which groups are asked for.
struct group_filter {
  std::int64_t window_us = 0;
  std::optional<alarm_group> group;  ///< without its alarms
  std::optional<bool> first_out;

  bool matches(const shown_groups& groups, const finding& alert) const {
    const auto* const its = groups.find(alert.stated->key);
    if (group && (its == nullptr || its->machine != group->machine || its->begin_us != group->begin_us)) return false;
    return !first_out || (its != nullptr && its->first_out() == with_kind(alert.stated->key, {})) == *first_out;
  }
};

group_filter read_groups(query_reader& query) {
  group_filter filter;
  filter.window_us = read_group_window_us(query);
  filter.first_out = query.boolean("first_out");
  if (const auto text = query.text("group"); text && !parse_group_id(*text, filter.group.emplace()))
    query.fail_at("group", "the `group` of an alert, such as 1-1768816800000000");
  return filter;
}

expected<http_response> get_alerts(query_port& behind, const http_request& request, const path_argument&) {
  query_reader query(request);
  alert_query asked;
  asked.sensor = query.id("sensor_id");
  asked.active = query.boolean("active");
  asked.acknowledged = query.boolean("acknowledged");
  asked.range = read_range(query);
  auto filter = read_filter(behind, query);
  const auto wanted = read_groups(query);
  const auto sort = query.word("sort", orders);
  const std::size_t limit = query.integer("limit", 1, limits::page_readings).value_or(alerts_per_page);
  if (const auto text = query.text("cursor")) {
    const auto cursor = parse_cursor<std::uint64_t>(*text, true);
    if (!cursor) query.fail_at("cursor", "a next_cursor of this call");
    if (sort) query.fail_at("cursor", "absent with sort: a sorted list is one page");
    asked.before_sequence = cursor.value_or(0);
  }
  if (query.fault()) return fail_with(*query.fault());

  if (only_open(filter.states)) asked.active = true;
  if (wanted.group) {
    if (filter.machine && *filter.machine != wanted.group->machine)
      return fail(errc::invalid, "group is of another machine", "group");
    filter.machine = wanted.group->machine;
    asked.range.begin_us = std::max(asked.range.begin_us, wanted.group->begin_us);
    asked.range.end_us = std::min(asked.range.end_us, wanted.group->begin_us + wanted.window_us);
  }
  asked.among = [&](const event_key& key) {
    return may_see_alerts_of(behind, request, key.sensor) && is_asked_for(behind, filter, key);
  };
  asked.like = [&](const finding& alert) { return is_asked_for(behind, filter, alert); };
  auto page = sort ? sorted(behind, asked, limit, orders[*sort]) : in_order(behind, asked, limit);
  if (!page) return fail_with(page.error());
  auto groups = shown_groups::of(behind, page->rows, wanted.window_us);
  if (!groups) return fail_with(groups.error());
  std::erase_if(page->rows, [&](const finding& each) { return !wanted.matches(*groups, each); });
  return page_of(behind, *page, *groups);
}

expected<http_response> get_alert(query_port& behind, const http_request& request, const path_argument& path) {
  query_reader query(request);
  const auto window_us = read_group_window_us(query);
  if (query.fault()) return fail_with(*query.fault());
  const auto alert = find_alert(behind, request, path.text);
  return alert ? expected<http_response>(alert_json(behind, *alert, window_us)) : fail_with(alert.error());
}

}  // namespace

void add_alert_calls(api_table& table) {
  table.push_back({http_method::get,
                   "/api/alerts",
                   "Alerts and what became of them, newest first",
                   get_alerts,
                   {"sensor_id", "machine_id", "factory_id", "label", "rule_id", "state", "priority", "text", "active",
                    "acknowledged", "from", "to", "group", "first_out", "group_window_ms", "sort", "limit", "cursor"},
                   {},
                   "alert_page"});
  table.back().limited = factory_limit::handled;
  table.push_back({http_method::get, "/api/alerts/{name}", "One alert by its id", get_alert, {"group_window_ms"}, {}, "alert"});
  table.back().limited = factory_limit::handled;
  add_operator_calls(table);
  add_performance_call(table);
}

}  // namespace factory
