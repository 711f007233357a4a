#include <chrono>
#include <functional>
#include <utility>

#include "http/api/api_call.hpp"
#include "http/api/shown_things.hpp"
#include "http/calls/alert_view.hpp"
#include "http/edge/access.hpp"
#include "http/edge/query.hpp"
#include "http/text/json_body.hpp"
#include "pipelines/model/time.hpp"
#include "storage/base/limits.hpp"

namespace factory {

namespace {

using action = limit_order::action;
using element = simdjson::dom::element;

std::int64_t clock_us() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

tl::unexpected<error> refuse(std::string_view field, std::string what) {
  return fail(errc::invalid, std::string(field) + " " + what, std::string(field));
}

/// The body of an operator's call.
struct operator_words {
  std::string by, comment;
  std::optional<std::int64_t> for_ms, until_us;
  bool once = false;
  std::optional<sensor_id> sensor;
};

template <class T, class Member>
expected<bool> take(Member& member, expected<T> value) {
  if (!value) return tl::unexpected(value.error());
  member = std::move(*value);
  return true;
}

expected<bool> take_for(operator_words& words, element value) {
  std::int64_t for_ms = 0;
  if (value.get(for_ms) || for_ms < 1 || for_ms > limits::shelf_ms)
    return refuse("for_ms", "must be an integer from 1 to " + std::to_string(limits::shelf_ms));
  words.for_ms = for_ms;
  return true;
}

expected<bool> take_until(operator_words& words, element value) {
  std::string_view text;
  const auto time_us = value.get(text) ? std::nullopt : parse_time_us(text);
  if (!time_us) return refuse("until", "must be a time such as \"2026-01-19T10:00:00Z\"");
  words.until_us = *time_us;
  return true;
}

/// Members that a call may have beside `by`.
struct word_set {
  std::string_view comment = {};  ///< the name of the text in this call; empty: it takes none
  bool shelf = false, sensor = false;
};

expected<operator_words> read_words(std::string_view text, const word_set& allowed) {
  json_body body;
  const auto root = body.parse(text);
  if (!root) return tl::unexpected(root.error());
  operator_words words;
  const auto read = for_each_member(*root, [&](std::string_view name, element value) -> expected<bool> {
    if (name == "by") return take(words.by, read_text(name, value));
    if (!allowed.comment.empty() && name == allowed.comment) return take(words.comment, read_text(name, value));
    if (allowed.sensor && name == "sensor_id") return take(words.sensor, read_id(name, value));
    if (!allowed.shelf) return false;
    if (name == "for_ms") return take_for(words, value);
    if (name == "until") return take_until(words, value);
    if (name == "once") return take(words.once, read_boolean(name, value));
    return false;
  });
  if (!read) return tl::unexpected(read.error());
  if (words.by.empty() || words.by.size() > limits::name_bytes) return refuse("by", "must be a name of 1 to 256 bytes");
  if (words.comment.size() > limits::comment_bytes)
    return refuse(allowed.comment, "must be at most " + std::to_string(limits::comment_bytes) + " bytes");
  return words;
}

/// When the shelf ends: one of for_ms, until and once says so.
expected<std::int64_t> end_of_shelf(const operator_words& words, std::int64_t now_us) {
  if ((words.for_ms ? 1 : 0) + (words.until_us ? 1 : 0) + (words.once ? 1 : 0) != 1)
    return fail(errc::invalid, "One of for_ms, until and once must say when the shelf ends", "for_ms");
  const auto latest_us = now_us + limits::shelf_ms * 1'000;
  if (words.for_ms) return now_us + *words.for_ms * 1'000;
  if (words.once) return latest_us;
  if (*words.until_us <= now_us || *words.until_us > latest_us)
    return refuse("until", "must be later than now, by seven days at most");
  return *words.until_us;
}

limit_order order_of(action what, operator_words words) {
  limit_order order;
  order.what = what;
  order.once = words.once;
  order.who = std::move(words.by);
  order.comment = std::move(words.comment);
  return order;
}

expected<http_response> carry_out(ports& behind, const http_request& request, const path_argument& path, limit_order order) {
  const auto alert = find_alert(behind, request, path.text);
  if (!alert) return fail_with(alert.error());
  const auto done = behind.order(alert->stated->key, std::move(order));
  return done ? expected<http_response>(alert_json(behind, *done)) : fail_with(done.error());
}

expected<http_response> acknowledge(ports& behind, const http_request& request, const path_argument& path) {
  auto words = read_words(request.body, {"comment"});
  if (!words) return fail_with(words.error());
  const auto alert = find_alert(behind, request, path.text);
  if (!alert) return fail_with(alert.error());
  const auto done = behind.acknowledge(alert->stated->key, std::move(words->by), std::move(words->comment));
  return done ? expected<http_response>(alert_json(behind, *done)) : fail_with(done.error());
}

expected<http_response> shelve(ports& behind, const http_request& request, const path_argument& path) {
  auto words = read_words(request.body, {"reason", true});
  if (!words) return fail_with(words.error());
  const auto until_us = end_of_shelf(*words, clock_us());
  if (!until_us) return fail_with(until_us.error());
  if (words->comment.empty()) return refuse("reason", "must say why nobody is to be told");
  auto order = order_of(action::shelve, std::move(*words));
  order.until_us = *until_us;
  return carry_out(behind, request, path, std::move(order));
}

template <action What>
expected<http_response> end_alert(ports& behind, const http_request& request, const path_argument& path) {
  auto words = read_words(request.body, {"comment"});
  if (!words) return fail_with(words.error());
  return carry_out(behind, request, path, order_of(What, std::move(*words)));
}

/// A rule that the caller may not see looks as if it did not exist.
expected<alert_rule> find_rule_of(const query_port& behind, const http_request& request, rule_id id) {
  auto rule = behind.entities().find_rule(id);
  if (rule && !lies_in(behind, request.factory, *rule)) return behind.entities().find_rule(0);
  return rule;
}

/// On which sensors the rule is out of service now.
http_response service_json(const query_port& behind, const alert_rule& rule) {
  json_writer out;
  out.begin_object().member("rule_id", rule.id).key("out_of_service").begin_array();
  for (const auto& [sensor, on] : behind.shelves()) {
    if (!on.out_of_service || on.source != event_source::alert_rule || on.rule != rule.id) continue;
    out.begin_object().member("sensor_id", sensor).key("shelf");
    write_shelf(out, on);
    out.end_object();
  }
  out.end_array().end_object();
  return json_response(out);
}

template <action What>
expected<http_response> change_service(ports& behind, const http_request& request, const path_argument& path) {
  auto words = read_words(request.body, {What == action::take_out ? "reason" : "comment", false, true});
  if (!words) return fail_with(words.error());
  if (What == action::take_out && words->comment.empty()) return refuse("reason", "must say why the rule is out of service");
  const auto rule = find_rule_of(behind, request, path.id);
  if (!rule) return fail_with(rule.error());
  const auto on = words->sensor;
  const auto done = behind.order_rule(*rule, on, order_of(What, std::move(*words)));
  return done ? expected<http_response>(service_json(behind, *rule)) : fail_with(done.error());
}

expected<http_response> get_shelved(query_port& behind, const http_request& request, const path_argument&) {
  query_reader query(request);
  const label_set labels = query.labels();
  if (query.fault()) return fail_with(*query.fault());
  const auto labelled = labels.empty() ? nullptr : set_of(sensors_with(behind, labels));
  json_writer out(4'096);
  out.begin_object().key("shelved").begin_array();
  for (const auto& [sensor, on] : behind.shelves()) {
    if (!may_see_alerts_of(behind, request, sensor) || (labelled && !labelled->contains(sensor))) continue;
    out.begin_object().member("sensor_id", sensor).member("source", to_text(on.source));
    out.member("rule_id", on.rule != 0 ? std::optional(on.rule) : std::nullopt);
    out.member("state", on.out_of_service ? "out_of_service" : "shelved").key("shelf");
    write_shelf(out, on);
    out.end_object();
  }
  out.end_array().end_object();
  return json_response(out);
}

}  // namespace

void add_operator_calls(api_table& table) {
  const auto post = [&](std::string pattern, std::string_view summary, api_handler handler, std::string_view body,
                        std::string_view answer) {
    table.push_back({http_method::post,
                     std::move(pattern),
                     summary,
                     std::move(handler),
                     {},
                     body,
                     answer,
                     200,
                     limits::small_body_bytes,
                     json_only});
    table.back().limited = factory_limit::handled;
  };
  post("/api/alerts/{name}/acknowledge", "Say that a person has seen the alert; the first one stays", acknowledge,
       "acknowledgement", "alert");
  post("/api/alerts/{name}/shelve", "Tell nobody of the alerts of this limit for a time", shelve, "shelving", "alert");
  post("/api/alerts/{name}/unshelve", "End that before its time", end_alert<action::unshelve>, "operator_words", "alert");
  post("/api/alerts/{name}/reset", "End a latched alert that is acknowledged", end_alert<action::reset>, "operator_words",
       "alert");
  post("/api/rules/{id}/out_of_service", "Take a rule out of service: its alerts are told to nobody until it is put back",
       change_service<action::take_out>, "taking_out", "rule_service");
  post("/api/rules/{id}/in_service", "Put a rule back into service", change_service<action::put_back>, "putting_back",
       "rule_service");
  table.push_back({http_method::get,
                   "/api/alarms/shelved",
                   "Limits that are shelved or out of service",
                   get_shelved,
                   {"label"},
                   {},
                   "shelved_limits"});
  table.back().limited = factory_limit::handled;
}

}  // namespace factory
