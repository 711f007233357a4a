#include "http/text/correction_json.hpp"

#include <optional>
#include <utility>

#include "http/text/json_body.hpp"
#include "http/text/json_time.hpp"
#include "http/text/rule_template_json.hpp"
#include "pipelines/model/reading_flags.hpp"
#include "pipelines/model/text_rules.hpp"
#include "pipelines/select/selector_json.hpp"
#include "storage/base/limits.hpp"

namespace factory {

namespace {

using element = simdjson::dom::element;

tl::unexpected<error> refuse(std::string_view field, std::string what) {
  return fail(errc::invalid, std::string(field) + " " + what, std::string(field));
}

template <class T, class Member>
expected<bool> take(Member& member, expected<T> value) {
  if (!value) return tl::unexpected(std::move(value.error()));
  member = std::move(*value);
  return true;
}

expected<std::string> read_words(std::string_view name, element value, std::size_t most_bytes) {
  auto text = read_text(name, value);
  if (!text) return text;
  if (text->empty() || text->size() > most_bytes || holds_control(*text))
    return refuse(name, "must be a text of 1 to " + std::to_string(most_bytes) + " bytes without control characters");
  return text;
}
expected<std::string> read_by(element value) { return read_words("by", value, limits::name_bytes); }
expected<std::string> read_reason(element value) { return read_words("reason", value, limits::comment_bytes); }

expected<std::uint8_t> read_flag(element value) {
  const auto text = read_text("flag", value);
  if (!text) return tl::unexpected(text.error());
  const auto bits = quality_of(*text);
  if (!bits || *bits == flag_none) return refuse("flag", "must be uncertain or bad");
  return *bits;
}

/// The member that says how much, of each action.
std::string_view amount_of(correction_action action) {
  switch (action) {
    case correction_action::exclude:
    case correction_action::rest: return {};
    case correction_action::scale: return "factor";
    case correction_action::offset: return "offset";
    case correction_action::replace: return "value";
    case correction_action::flag: return "flag";
  }
  return {};
}

/// As the members come, in any order.
struct members_read {
  std::optional<sensor_id> sensor;
  std::optional<selector> which;
  std::optional<std::int64_t> begin_us, end_us;
  std::optional<correction_action> action;
  std::optional<double> number;
  std::optional<std::uint8_t> flags;
  std::string amount;  ///< the member that was there: "factor" ...
  std::string reason, by;
};

expected<bool> set_amount(members_read& read, std::string_view name, element value) {
  if (!read.amount.empty()) return refuse(name, "stands beside " + read.amount + ": one of them says what is done");
  read.amount = name;
  if (name == "flag") return take(read.flags, read_flag(value));
  return take(read.number, read_number(name, value));
}

expected<bool> set_action(members_read& read, element value) {
  const auto text = read_text("action", value);
  if (!text) return tl::unexpected(text.error());
  read.action = parse_correction_action(*text);
  if (!read.action || *read.action == correction_action::rest)
    return refuse("action", "must be exclude, scale, offset, replace or flag");
  return true;
}

expected<bool> set_member(members_read& read, std::string_view name, element value) {
  if (name == "sensor_id") return take(read.sensor, read_id(name, value));
  if (name == "selector") return take(read.which, read_selector(name, value));
  if (name == "from") return take(read.begin_us, read_json_time(name, value));
  if (name == "to") return take(read.end_us, read_json_time(name, value));
  if (name == "action") return set_action(read, value);
  if (name == "factor" || name == "offset" || name == "value" || name == "flag") return set_amount(read, name, value);
  if (name == "reason") return take(read.reason, read_reason(value));
  if (name == "by") return take(read.by, read_by(value));
  return false;
}

expected<void> check_whole(const members_read& read) {
  if (read.sensor.has_value() == read.which.has_value())
    return refuse("sensor_id", "or selector is required, and only one of them");
  if (!read.begin_us) return refuse("from", "is required");
  if (!read.end_us) return refuse("to", "is required");
  if (!read.action) return refuse("action", "is required");
  const auto amount = amount_of(*read.action);
  if (read.amount != amount) {
    if (amount.empty()) return refuse(read.amount, "has no meaning with exclude");
    return refuse(amount, "is required with " + std::string(to_text(*read.action)) + ", and no other amount");
  }
  if (read.action == correction_action::scale && *read.number == 0) return refuse("factor", "must not be 0");
  if (read.reason.empty()) return refuse("reason", "is required");
  if (read.by.empty()) return refuse("by", "is required");
  return {};
}

}  // namespace

expected<correction_request> read_correction(std::string_view text) {
  json_body body;
  const auto root = body.parse(text);
  if (!root) return tl::unexpected(root.error());
  members_read read;
  auto done = for_each_member(*root, [&](std::string_view name, element value) { return set_member(read, name, value); });
  if (!done) return tl::unexpected(std::move(done.error()));
  if (auto good = check_whole(read); !good) return tl::unexpected(std::move(good.error()));
  correction_request asked;
  if (read.sensor)
    asked.sensors = *read.sensor;
  else
    asked.sensors = *read.which;
  asked.wanted.which = std::move(read.which);
  asked.wanted.begin_us = *read.begin_us;
  asked.wanted.end_us = *read.end_us;
  asked.wanted.change = {*read.action, read.number.value_or(0), read.flags.value_or(0)};
  asked.wanted.reason = std::move(read.reason);
  asked.wanted.by = std::move(read.by);
  return asked;
}

expected<reversal_words> read_reversal(std::string_view text) {
  json_body body;
  const auto root = body.parse(text);
  if (!root) return tl::unexpected(root.error());
  reversal_words words;
  auto done = for_each_member(*root, [&](std::string_view name, element value) -> expected<bool> {
    if (name == "by") return take(words.by, read_by(value));
    if (name == "reason") return take(words.reason, read_reason(value));
    return false;
  });
  if (!done) return tl::unexpected(std::move(done.error()));
  if (words.by.empty()) return refuse("by", "is required");
  if (words.reason.empty()) return refuse("reason", "is required");
  return words;
}

void write_consequences(json_writer& out, const consequences& all) {
  const auto counts = [&](std::string_view name, const finding_counts& of) {
    out.key(name).begin_object().member("raised", of.raised).member("withdrawn", of.withdrawn);
    out.member("revised", of.revised).end_object();
  };
  out.begin_object().member("summary", to_text(all));
  counts("alerts", all.alerts);
  counts("anomalies", all.anomalies);
  out.key("reports").begin_array();
  for (const auto day_us : all.reported_days) out.time(day_us);
  out.end_array().key("derived").begin_array();
  for (const auto& [sensor, each] : all.derived) {
    out.begin_object().member("sensor", sensor).member("replaced", each.replaced);
    out.member("removed", each.removed).member("added", each.added).end_object();
  }
  out.end_array();
  counts("events", all.events);
  out.member("sensors_not_judged", all.sensors_not_judged);
  out.member("pipelines_not_followed", all.pipelines_not_followed);
  out.member("machines_not_followed", all.machines_not_followed).end_object();
}

void write_correction(json_writer& out, const correction& it, const consequences* followed) {
  out.begin_object().member("id", it.id).key("sensor_ids").begin_array();
  for (const auto sensor : it.sensors) out.value(sensor);
  out.end_array().key("selector");
  if (it.which)
    write_json(out, *it.which);
  else
    out.value(nullptr);
  out.time_member("from", it.begin_us).time_member("to", it.end_us).member("action", to_text(it.change.action));
  if (it.change.action == correction_action::flag)
    out.member("flag", quality_text(it.change.flags));
  else if (const auto amount = amount_of(it.change.action); !amount.empty())
    out.member(amount, it.change.number);
  out.member("reason", it.reason).member("by", it.by).time_member("created_at", it.made_at_us);
  out.member("state", it.in_force() ? "in_force" : "reverted").key("reverted");
  if (it.reverted) {
    out.begin_object().time_member("at", it.reverted->at_us).member("by", it.reverted->by);
    out.member("reason", it.reverted->reason).end_object();
  } else {
    out.value(nullptr);
  }
  out.key("consequences");
  if (followed != nullptr)
    write_consequences(out, *followed);
  else
    out.value(nullptr);
  out.end_object();
}

}  // namespace factory
