#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "actors/backtest/limits.hpp"
#include "http/api/api_call.hpp"
#include "http/edge/accept.hpp"
#include "http/edge/access.hpp"
#include "http/text/backtest_text.hpp"
#include "http/text/catalog_json.hpp"
#include "http/text/json_body.hpp"
#include "http/text/rule_template_json.hpp"
#include "http/text/stream_rules_json.hpp"
#include "pipelines/select/selector_json.hpp"

namespace factory {

namespace {

using element = simdjson::dom::element;

std::int64_t now_us() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

tl::unexpected<error> must_be(std::string_view field, std::string_view what) {
  return fail(errc::invalid, std::string(field) + " must be " + std::string(what), std::string(field));
}

/// A time as text, or an integer in milliseconds.
expected<std::int64_t> read_time(std::string_view field, element value) {
  std::string_view text;
  std::int64_t ms = 0;
  const auto time_us = !value.get(text) ? parse_time_us(text) : !value.get(ms) ? to_time_us(ms, precision::ms) : std::nullopt;
  if (!time_us) return must_be(field, "a time such as \"2026-01-19T10:00:00Z\", or milliseconds since 1970");
  return *time_us;
}

expected<bool> put_time(std::int64_t& to, std::string_view field, element value) {
  return read_time(field, value).map([&](std::int64_t time_us) {
    to = time_us;
    return true;
  });
}

expected<void> check_order(const time_range& range) {
  if (range.begin_us < range.end_us) return {};
  return fail(errc::invalid, "from must be before to", "from");
}

std::string name_of(const query_port& behind, sensor_id id) {
  const auto sensor = behind.entities().find_sensor(id);
  if (!sensor) return "sensor " + std::to_string(id);
  const auto machine = behind.entities().find_machine(sensor->machine);
  return machine ? machine->name + "/" + sensor->name : sensor->name;
}

/// With an `id`, the rule in force of that id as the other members change it; else a new rule.
expected<draft_rule> read_draft(const query_port& behind, factory_id within, const std::string& field, element object) {
  draft_rule out;
  element id;
  if (object.is_object() && !object["id"].get(id)) {
    const auto given = read_id(field + ".id", id);
    if (!given) return tl::unexpected(given.error());
    auto before = behind.entities().find_rule(*given);
    if (!before || !lies_in(behind, within, *before)) return fail(errc::invalid, field + ".id: Rule not found", field + ".id");
    out = {std::move(*before), *given};
    open_limits(out.rule);
  } else {
    out.rule.low = out.rule.high = unset_limit();
  }
  auto set = for_each_member(object, [&](std::string_view name, element value) -> expected<bool> {
    if (name == "id") return true;
    return set_member(out.rule, name, value);
  });
  if (set) set = close_template(out.rule);
  if (set) set = close_limits(out.rule);
  if (!set) return fail(set.error().code, field + ": " + set.error().message, field + "." + set.error().field);
  if (!out.rule.as_template && !behind.known_sensors()->contains(out.rule.sensor))
    return fail(errc::invalid, field + ".sensor_id: Sensor not found", field + ".sensor_id");
  if (!lies_in(behind, within, out.rule))
    return fail(errc::invalid, field + ": this token is limited to factory " + std::to_string(within), field);
  return out;
}

expected<bool> read_drafts(const query_port& behind, factory_id within, element value, std::vector<draft_rule>& out) {
  simdjson::dom::array all;
  if (value.get(all) || all.size() > limits::backtest_drafts)
    return must_be("rules", "an array of at most " + std::to_string(limits::backtest_drafts) + " rules");
  for (const element each : all) {
    auto draft = read_draft(behind, within, "rules[" + std::to_string(out.size()) + "]", each);
    if (!draft) return tl::unexpected(std::move(draft.error()));
    out.push_back(std::move(*draft));
  }
  return true;
}

expected<fault_window> read_fault(const std::string& field, element object) {
  fault_window out{0, INT64_MAX, INT64_MIN};
  const auto set =
      for_each_member(field, object, [&](std::string_view name, const std::string& path, element value) -> expected<bool> {
        if (name == "from") return put_time(out.begin_us, path, value);
        if (name == "to") return put_time(out.end_us, path, value);
        if (name == "name") return read_text(path, value).map([&](std::string text) { return out.name = std::move(text), true; });
        if (name == "sensor_id") return read_id(path, value).map([&](sensor_id id) { return out.sensor = id, true; });
        return false;
      });
  if (!set) return tl::unexpected(set.error());
  if (out.begin_us >= out.end_us) return must_be(field, "an object whose from is before its to");
  return out;
}

expected<bool> read_faults(element value, std::vector<fault_window>& out) {
  simdjson::dom::array all;
  if (value.get(all) || all.size() > limits::backtest_faults)
    return must_be("labels", "an array of at most " + std::to_string(limits::backtest_faults) + " windows");
  for (const element each : all) {
    auto fault = read_fault("labels[" + std::to_string(out.size()) + "]", each);
    if (!fault) return tl::unexpected(std::move(fault.error()));
    out.push_back(std::move(*fault));
  }
  return true;
}

/// Of each sensor, its own settings as these members change them.
expected<bool> read_detectors(element value, backtest_request& out) {
  stream_settings drafted;
  if (auto good = change_detectors(drafted, settings_owner::sensor, "detectors", value); !good)
    return tl::unexpected(good.error());
  out.detection = [drafted = std::move(drafted)](stream_rules& rules) -> expected<void> {
    drafted.apply_to(rules);
    return {};
  };
  return true;
}

expected<backtest_request> read_request(const query_port& behind, const http_request& request) {
  json_body body;
  const auto root = body.parse(request.body);
  if (!root) return tl::unexpected(root.error());
  backtest_request out;
  const auto set = for_each_member(*root, [&](std::string_view name, element value) -> expected<bool> {
    if (name == "from") return put_time(out.range.begin_us, name, value);
    if (name == "to") return put_time(out.range.end_us, name, value);
    if (name == "selector") {
      auto chosen = read_selector(name, value);
      if (!chosen) return tl::unexpected(std::move(chosen.error()));
      out.sensors = std::move(*chosen);
      return true;
    }
    if (name == "rules") return read_drafts(behind, request.factory, value, out.rules);
    if (name == "detectors") return read_detectors(value, out);
    if (name == "labels") return read_faults(value, out.faults);
    if (name == "pipelines")
      return fail(errc::invalid,
                  "pipelines are not tried in a backtest: create the pipeline disabled, or try its rule on a sensor",
                  "pipelines");
    return false;
  });
  if (!set) return tl::unexpected(set.error());
  if (auto good = check_order(out.range); !good) return tl::unexpected(good.error());
  if (request.factory != 0) out.among = sensors_of(behind, request.factory);
  return out;
}

void write_info(json_writer& out, const query_port& behind, const backtest_info& info) {
  out.begin_object().member("id", info.id).member("state", to_text(info.state)).time_member("created_at", info.created_at_us);
  out.member("progress", info.share).member("readings", info.readings).member("left_s", info.left_seconds).key("error");
  info.failure.empty() ? out.value(nullptr) : out.value(std::string_view(info.failure));
  out.key("result");
  if (info.result)
    write_json(out, *info.result, [&](sensor_id id) { return name_of(behind, id); });
  else
    out.value(nullptr);
  out.end_object();
}

http_response info_json(const query_port& behind, const backtest_info& info, unsigned status = 200) {
  json_writer out(4'096);
  write_info(out, behind, info);
  return json_response(out, status);
}

expected<http_response> begin_backtest(ports& behind, const http_request& request, const path_argument&) {
  const auto asked = read_request(behind, request);
  if (!asked) return fail_with(asked.error());
  const auto begun = behind.backtests().begin(*asked, request.factory);
  return begun ? expected<http_response>(info_json(behind, *begun, 201)) : fail_with(begun.error());
}

/// One of another factory looks as if it did not exist.
expected<backtest_info> find_backtest(ports& behind, const http_request& request, std::uint64_t id) {
  auto found = behind.backtests().find(id);
  if (found && request.factory != 0 && found->within != request.factory) return fail(errc::not_found, "Backtest not found");
  return found;
}

expected<http_response> backtest_page(ports& behind, const http_request& request, const path_argument& path) {
  const auto found = find_backtest(behind, request, path.id);
  if (!found) return fail_with(found.error());
  const auto names = [&](sensor_id id) { return name_of(behind, id); };
  return http_response{
      200, "text/html; charset=utf-8",
      found->result ? backtest_html(*found->result, names) : backtest_html(to_text(found->state), found->share, found->failure)};
}

expected<http_response> get_backtest(ports& behind, const http_request& request, const path_argument& path) {
  constexpr std::string_view types[] = {"application/json", "text/html"};
  if (preferred(request.accept, types) == 1) return backtest_page(behind, request, path);
  const auto found = find_backtest(behind, request, path.id);
  return found ? expected<http_response>(info_json(behind, *found)) : fail_with(found.error());
}

expected<http_response> list_backtests(ports& behind, const http_request& request, const path_argument&) {
  json_writer out(4'096);
  out.begin_array();
  for (backtest_info& each : behind.backtests().all()) {
    if (request.factory != 0 && each.within != request.factory) continue;
    each.result = nullptr;
    write_info(out, behind, each);
  }
  out.end_array();
  return json_response(out);
}

expected<http_response> remove_backtest(ports& behind, const http_request& request, const path_argument& path) {
  if (const auto found = find_backtest(behind, request, path.id); !found) return fail_with(found.error());
  if (auto removed = behind.backtests().remove(path.id); !removed) return fail_with(removed.error());
  return http_response{204, "", ""};
}

struct preview_request {
  draft_rule draft;
  sensor_id sensor = 0;
  time_range range;
};

expected<preview_request> read_preview(const query_port& behind, const http_request& request) {
  json_body body;
  const auto root = body.parse(request.body);
  if (!root) return tl::unexpected(root.error());
  preview_request out;
  bool drafted = false;
  const auto set = for_each_member(*root, [&](std::string_view name, element value) -> expected<bool> {
    if (name == "from") return put_time(out.range.begin_us, name, value);
    if (name == "to") return put_time(out.range.end_us, name, value);
    if (name == "sensor_id") return read_id(name, value).map([&](sensor_id id) { return out.sensor = id, true; });
    if (name != "rule") return false;
    auto draft = read_draft(behind, request.factory, "rule", value);
    if (!draft) return tl::unexpected(std::move(draft.error()));
    out.draft = std::move(*draft);
    drafted = true;
    return true;
  });
  if (!set) return tl::unexpected(set.error());
  if (!drafted) return fail(errc::invalid, "rule is required", "rule");
  if (out.sensor == 0) out.sensor = out.draft.rule.sensor;
  if (out.sensor == 0) return fail(errc::invalid, "sensor_id is required: the rule is for many sensors", "sensor_id");
  if (auto good = check_order(out.range); !good) return tl::unexpected(good.error());
  if (!sensors_of(behind, request.factory)->contains(out.sensor))
    return fail(errc::invalid, "sensor_id: Sensor not found", "sensor_id");
  return out;
}

expected<reading_run> rows_of(query_port& behind, const preview_request& asked) {
  reading_run rows;
  bool many = false;
  const auto read = behind.scan(asked.sensor, asked.range, [&](const reading_run& run) {
    for (std::size_t row = 0; row < run.size(); ++row)
      if ((run.flags[row] & (flag_future | left_out_flags)) == 0)
        rows.push_back(run.event_time_us[row], run.value[row], run.flags[row]);
    many = rows.size() > limits::preview_rows;
    return !many;
  });
  if (!read) return tl::unexpected(read.error());
  if (many)
    return fail(errc::invalid,
                "the range holds more than " + std::to_string(limits::preview_rows) + " readings; narrow from and to", "from");
  return rows;
}

expected<http_response> preview(query_port& behind, const http_request& request, const path_argument&) {
  const auto asked = read_preview(behind, request);
  if (!asked) return fail_with(asked.error());
  static std::mutex one_at_a_time;  // its rows are in memory
  const std::unique_lock one(one_at_a_time, std::try_to_lock);
  if (!one.owns_lock()) return fail(errc::overloaded, "Another preview is being made; ask again at once");
  const auto rows = rows_of(behind, *asked);
  if (!rows) return fail_with(rows.error());
  json_writer out(4'096);
  write_json(out, preview_rule(on_sensor(asked->draft.rule, asked->sensor), asked->sensor, *rows,
                               std::min(now_us(), asked->range.end_us)));
  return json_response(out);
}

}  // namespace

void add_backtest_calls(api_table& table) {
  constexpr auto all = "/api/backtests", each = "/api/backtests/{id}";
  const auto first = static_cast<std::ptrdiff_t>(table.size());
  table.push_back(
      {http_method::get, all, "Backtests, the newest first, without their results", list_backtests, {}, {}, "backtests"});
  table.push_back({http_method::post,
                   all,
                   "Try rules and detectors on past readings: what would have fired",
                   begin_backtest,
                   {},
                   "new_backtest",
                   "backtest",
                   201,
                   limits::small_body_bytes,
                   json_only});
  table.push_back({http_method::get,
                   each,
                   "A backtest: how far it is, and what it came to; HTML with Accept: text/html",
                   get_backtest,
                   {},
                   {},
                   "backtest"});
  table.back().other_types = {"text/html"};
  table.push_back({http_method::get, "/api/backtests/{id}.html", "What a backtest came to, as a page", backtest_page});
  table.back().other_types = {"text/html"};
  table.push_back({http_method::delete_, each, "End a backtest, and forget it", remove_backtest, {}, {}, {}, 204});
  table.push_back({http_method::post,
                   "/api/rules/preview",
                   "What a rule would have done on one sensor, and limits that its history proposes",
                   preview,
                   {},
                   "preview_request",
                   "preview",
                   200,
                   limits::small_body_bytes,
                   json_only});
  table.back().scope = access_scope::read;
  for (auto added = table.begin() + first; added != table.end(); ++added) added->limited = factory_limit::handled;
}

}  // namespace factory
