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
#include "http/text/backtest_json.hpp"
#include "http/text/backtest_text.hpp"

namespace factory {

namespace {

std::int64_t now_us() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

std::string name_of(const query_port& behind, sensor_id id) {
  const auto sensor = behind.entities().find_sensor(id);
  if (!sensor) return "sensor " + std::to_string(id);
  const auto machine = behind.entities().find_machine(sensor->machine);
  return machine ? machine->name + "/" + sensor->name : sensor->name;
}

/// Reads a body, which may name what the request's token is for.
template <class Read>
auto read_for(const ports& behind, const http_request& request, Read read) {
  const auto pipelines = behind.pipelines();
  return read(request.body, backtest_scope{behind.entities(), pipelines,
                                           [&](const alert_rule& rule) { return lies_in(behind, request.factory, rule); }});
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
  auto asked = read_for(behind, request, read_backtest);
  if (!asked) return fail_with(asked.error());
  if (request.factory != 0) asked->among = sensors_of(behind, request.factory);
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

expected<http_response> preview(ports& behind, const http_request& request, const path_argument&) {
  const auto asked = read_for(behind, request, read_preview);
  if (!asked) return fail_with(asked.error());
  if (!sensors_of(behind, request.factory)->contains(asked->sensor))
    return fail(errc::invalid, "sensor_id: Sensor not found", "sensor_id");
  const auto condition = asked->draft.rule.condition;
  if (condition == rule_condition::anomaly || condition == rule_condition::stale_quality)
    return fail(errc::invalid,
                "a preview looks at values alone, and knows neither anomalies nor qualities: try the rule in POST /api/backtests",
                "rule.condition");
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
