#include "http/text/channel_json.hpp"

#include <fmt/format.h>

#include <utility>

#include "http/text/json_body.hpp"
#include "http/text/rule_template_json.hpp"
#include "pipelines/alarm/thresholds.hpp"
#include "pipelines/select/selector_json.hpp"
#include "storage/base/limits.hpp"

namespace factory {

namespace {

using simdjson::dom::element;

template <class T, class Member>
expected<bool> keep(Member& member, expected<T> value) {
  if (!value) return tl::unexpected(value.error());
  member = std::move(*value);
  return true;
}

tl::unexpected<error> wrong(std::string_view name, std::string_view what) {
  return fail(errc::invalid, fmt::format("{} must be {}", name, what), std::string(name));
}

expected<bool> keep_time(std::int64_t& member_us, std::string_view name, element value, std::int64_t lowest_ms,
                         std::int64_t highest_ms) {
  std::int64_t time_ms = 0;
  if (value.get(time_ms) || time_ms < lowest_ms || time_ms > highest_ms)
    return wrong(name, fmt::format("an integer from {} to {}", lowest_ms, highest_ms));
  member_us = time_ms * 1'000;
  return true;
}

expected<bool> keep_texts(std::vector<std::string>& member, std::string_view name, element value) {
  simdjson::dom::array texts;
  if (value.get(texts)) return wrong(name, "an array of texts");
  member.clear();
  for (const element each : texts) {
    std::string_view text;
    if (each.get(text)) return wrong(name, "an array of texts");
    member.emplace_back(text);
  }
  return true;
}

expected<bool> keep_channels(std::vector<channel_id>& member, std::string_view name, element value) {
  simdjson::dom::array ids;
  if (value.get(ids)) return wrong(name, "an array of ids of channels");
  member.clear();
  for (const element each : ids) {
    const auto id = read_id(name, each);
    if (!id) return wrong(name, "an array of ids of channels");
    member.push_back(*id);
  }
  return true;
}

expected<escalation_step> read_step(element value) {
  escalation_step step;
  const auto taken = for_each_member(value, [&](std::string_view name, element member) -> expected<bool> {
    if (name == "after_ms") return keep_time(step.after_us, name, member, 1, limits::alarm_delay_ms);
    if (name == "channels") return keep_channels(step.channels, name, member);
    if (name != "severity") return false;
    std::string_view text;
    const auto level = member.get(text) ? std::nullopt : parse_rule_severity(text);
    if (!level) return wrong(name, "INFO, WARNING or CRITICAL");
    step.level = *level;
    return true;
  });
  if (!taken) return fail(errc::invalid, "escalation: " + taken.error().message, "escalation");
  return step;
}

expected<bool> keep_steps(std::vector<escalation_step>& member, std::string_view name, element value) {
  simdjson::dom::array steps;
  if (value.get(steps)) return wrong(name, "an array of steps");
  member.clear();
  for (const element each : steps) {
    auto step = read_step(each);
    if (!step) return tl::unexpected(step.error());
    member.push_back(std::move(*step));
  }
  return true;
}

expected<bool> keep_selector(std::optional<selector>& member, std::string_view name, element value) {
  member.reset();
  if (value.is_null()) return true;
  auto which = read_selector(name, value);
  if (!which) return tl::unexpected(std::move(which.error()));
  member = std::move(*which);
  return true;
}

void write_channels(json_writer& out, const std::vector<channel_id>& channels) {
  out.key("channels").begin_array();
  for (const auto id : channels) out.value(id);
  out.end_array();
}

}  // namespace

expected<bool> set_member(channel_entry& entry, std::string_view name, element value) {
  if (name == "name") return keep(entry.name, read_text(name, value));
  if (name == "type") {
    std::string_view text;
    const auto type = value.get(text) ? std::nullopt : parse_channel_type(text);
    if (!type) return wrong(name, "webhook, alertmanager or email");
    entry.type = *type;
    return true;
  }
  if (name == "url") return keep(entry.url, read_text(name, value));
  if (name == "secret") return keep(entry.secret, read_text(name, value));
  if (name == "username") return keep(entry.username, read_text(name, value));
  if (name == "from") return keep(entry.from, read_text(name, value));
  if (name == "to") return keep_texts(entry.to, name, value);
  if (name == "enabled") return keep(entry.enabled, read_boolean(name, value));
  if (name == "allow_private") return keep(entry.allow_private, read_boolean(name, value));
  if (name == "allow_plaintext") return keep(entry.allow_plaintext, read_boolean(name, value));
  if (name == "timeout_ms") return keep_time(entry.timeout_us, name, value, 1, limits::channel_timeout_ms);
  if (name == "give_up_after_ms") return keep_time(entry.give_up_after_us, name, value, 0, limits::give_up_after_ms);
  if (name == "digest_every_ms") return keep_time(entry.digest_every_us, name, value, 1, limits::alarm_delay_ms);
  if (name == "group_every_ms") return keep_time(entry.group_every_us, name, value, 0, limits::alarm_delay_ms);
  if (name == "damp_chatter") return keep(entry.damp_chatter, read_boolean(name, value));
  if (name == "selector") return keep_selector(entry.sensors, name, value);
  if (name == "digest_above") {
    std::uint64_t above = 0;
    if (value.get(above) || above > limits::digest_above)
      return wrong(name, fmt::format("an integer from 0 to {}", limits::digest_above));
    entry.digest_above = static_cast<std::uint32_t>(above);
    return true;
  }
  if (name == "id" || name == "created_at" || name == "has_secret")
    return fail(errc::invalid, std::string(name) + " is given by the server", std::string(name));
  return false;
}

void write_json(json_writer& out, const channel_entry& entry) {
  out.begin_object().member("id", entry.id).member("name", entry.name).member("type", to_text(entry.type));
  out.member("url", entry.url).member("has_secret", !entry.secret.empty()).member("username", entry.username);
  out.member("from", entry.from).key("to").begin_array();
  for (const auto& address : entry.to) out.value(address);
  out.end_array().member("enabled", entry.enabled).member("allow_private", entry.allow_private);
  out.member("allow_plaintext", entry.allow_plaintext).member("timeout_ms", entry.timeout_us / 1'000);
  out.member("give_up_after_ms", entry.give_up_after_us / 1'000).member("digest_above", entry.digest_above);
  out.member("digest_every_ms", entry.digest_every_us / 1'000).member("group_every_ms", entry.group_every_us / 1'000);
  out.member("damp_chatter", entry.damp_chatter).key("selector");
  if (entry.sensors)
    write_json(out, *entry.sensors);
  else
    out.value(nullptr);
  out.time_member("created_at", entry.created_at_us).end_object();
}

std::optional<expected<bool>> set_routing(alert_routing& routing, std::string_view name, element value) {
  if (name == "channels") return keep_channels(routing.channels, name, value);
  if (name == "escalation") return keep_steps(routing.escalation, name, value);
  return std::nullopt;
}

void write_routing(json_writer& out, const alert_routing& routing) {
  write_channels(out, routing.channels);
  out.key("escalation").begin_array();
  for (const auto& step : routing.escalation) {
    out.begin_object().member("after_ms", step.after_us / 1'000).member("severity", to_text(step.level));
    write_channels(out, step.channels);
    out.end_object();
  }
  out.end_array();
}

}  // namespace factory
