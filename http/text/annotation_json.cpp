#include "http/text/annotation_json.hpp"

#include <optional>
#include <string>
#include <utility>

#include "http/text/json_body.hpp"
#include "http/text/json_time.hpp"
#include "pipelines/model/text_rules.hpp"
#include "storage/base/limits.hpp"

namespace factory {

namespace {

using annotation_member = simdjson::dom::element;

tl::unexpected<error> refuse_annotation(std::string_view field, std::string what) {
  return fail(errc::invalid, std::string(field) + " " + what, std::string(field));
}

template <class T>
expected<bool> set_annotation(T& member, expected<T> value) {
  if (!value) return tl::unexpected(std::move(value.error()));
  member = std::move(*value);
  return true;
}

expected<std::string> read_annotation_text(std::string_view name, annotation_member value, std::size_t most_bytes) {
  auto text = read_text(name, value);
  if (!text) return text;
  if (text->empty() || text->size() > most_bytes || holds_control(*text))
    return refuse_annotation(name, "must be a text of 1 to " + std::to_string(most_bytes) + " bytes without control characters");
  return text;
}

expected<bool> read_exclusion(std::string_view name, annotation_member value) {
  bool yes = false;
  if (value.get(yes)) return refuse_annotation(name, "must be true or false");
  return yes;
}

expected<annotation_kind> read_annotation_kind(annotation_member value) {
  const auto text = read_text("kind", value);
  if (!text) return tl::unexpected(text.error());
  const auto kind = parse_annotation_kind(*text);
  if (!kind) return refuse_annotation("kind", "must be planned_stop, tool_change, maintenance or note");
  return *kind;
}

expected<annotation> with_members(annotation entry, std::string_view text, bool is_new) {
  json_body body;
  const auto root = body.parse(text);
  if (!root) return tl::unexpected(root.error());
  auto done = for_each_member(*root, [&](std::string_view name, annotation_member value) -> expected<bool> {
    if (is_new && name == "machine_id") return set_annotation(entry.machine, read_id(name, value));
    if (is_new && name == "sensor_id") return set_annotation(entry.sensor, read_id(name, value));
    if (name == "kind") return set_annotation(entry.kind, read_annotation_kind(value));
    if (name == "from") return set_annotation(entry.begin_us, read_json_time(name, value));
    if (name == "to") return set_annotation(entry.end_us, read_json_time(name, value));
    if (name == "text") return set_annotation(entry.text, read_annotation_text(name, value, limits::comment_bytes));
    if (name == "exclude_from_baseline") return set_annotation(entry.exclude_from_baseline, read_exclusion(name, value));
    if (name == "by") return set_annotation(entry.by, read_annotation_text(name, value, limits::name_bytes));
    return false;
  });
  if (!done) return tl::unexpected(std::move(done.error()));
  if ((entry.machine == 0) == (entry.sensor == 0))
    return refuse_annotation("machine_id", "or sensor_id is required, and only one of them");
  if (entry.text.empty()) return refuse_annotation("text", "is required");
  if (entry.by.empty()) return refuse_annotation("by", "is required");
  if (entry.begin_us == INT64_MIN) return refuse_annotation("from", "is required");
  if (entry.end_us == INT64_MIN) return refuse_annotation("to", "is required");
  if (entry.begin_us >= entry.end_us) return refuse_annotation("to", "must be later than from");
  return entry;
}

}  // namespace

expected<annotation> read_annotation(std::string_view body) {
  annotation entry;
  entry.begin_us = entry.end_us = INT64_MIN;
  return with_members(std::move(entry), body, true);
}

expected<annotation> changed_annotation(annotation entry, std::string_view body) {
  return with_members(std::move(entry), body, false);
}

expected<void> check_annotation_changes(std::string_view body) {
  annotation any;
  any.sensor = 1;
  any.begin_us = INT64_MIN + 1;
  any.end_us = INT64_MAX;
  any.text = any.by = "x";
  return with_members(std::move(any), body, false).map([](const annotation&) {});
}

void write_annotation(json_writer& out, const annotation& it) {
  out.begin_object().member("id", it.id).member("machine_id", it.machine != 0 ? std::optional(it.machine) : std::nullopt);
  out.member("sensor_id", it.sensor != 0 ? std::optional(it.sensor) : std::nullopt).member("kind", to_text(it.kind));
  out.time_member("from", it.begin_us).time_member("to", it.end_us).member("text", it.text).member("by", it.by);
  out.member("exclude_from_baseline", it.exclude_from_baseline);
  out.member("correction_id", it.correction != 0 ? std::optional(it.correction) : std::nullopt);
  out.time_member("created_at", it.created_at_us).time_member("changed_at", it.changed_at_us).end_object();
}

}  // namespace factory
