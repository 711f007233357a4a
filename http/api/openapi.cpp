#include "http/api/openapi.hpp"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <span>

#include "http/edge/problem.hpp"
#include "http/web/embedded.hpp"
#include "pipelines/model/event_kind.hpp"
#include "pipelines/model/event_source.hpp"

namespace factory {

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

/// "get_api_sensors_id_stats"
std::string operation_id(const api_call& call) {
  std::string id = lower(to_text(call.method));
  for (const char c : call.pattern) {
    const bool word = std::isalnum(static_cast<unsigned char>(c)) != 0;
    if (word)
      id += c;
    else if (id.back() != '_')
      id += '_';
  }
  while (id.back() == '_') id.pop_back();
  return id;
}

void write_ref(json_writer& out, std::string_view kind, std::string_view name) {
  out.begin_object().member("$ref", "#/components/" + std::string(kind) + "/" + std::string(name)).end_object();
}

void write_content(json_writer& out, const std::vector<std::string>& media_types, std::string_view schema) {
  out.key("content").begin_object();
  for (const std::string& type : media_types) {
    out.key(type).begin_object().key("schema");
    write_ref(out, "schemas", schema);
    out.end_object();
  }
  out.end_object();
}

void write_limit(json_writer& out, std::size_t most) {
  out.begin_object().member("name", "limit").member("in", "query").member("required", false);
  out.member("description", "At most so many; for anomalies and alerts of a sensor: look at so many of the newest readings");
  out.key("schema")
      .begin_object()
      .member("type", "integer")
      .member("minimum", 1)
      .member("maximum", most)
      .end_object()
      .end_object();
}

/// JSON by its schema, other types as text.
void write_answer(json_writer& out, const api_call& call) {
  out.key("content").begin_object();
  if (!call.answer_schema.empty()) {
    out.key("application/json").begin_object().key("schema");
    write_ref(out, "schemas", call.answer_schema);
    out.end_object();
  }
  for (const std::string_view type : call.other_types) {
    out.key(type).begin_object().key("schema").begin_object().member("type", "string").end_object().end_object();
  }
  out.end_object();
}

void write_parameters(json_writer& out, const api_call& call) {
  out.key("parameters").begin_array();
  if (call.pattern.find("{id}") != std::string::npos) write_ref(out, "parameters", "id");
  if (call.pattern.find("{name}") != std::string::npos) write_ref(out, "parameters", "name");
  for (const std::string_view name : call.query)
    name == "limit" && call.limit_most > 0 ? write_limit(out, call.limit_most) : write_ref(out, "parameters", name);
  out.end_array();
}

void write_call(json_writer& out, const api_call& call) {
  out.key(lower(to_text(call.method))).begin_object();
  out.member("summary", call.summary).member("operationId", operation_id(call));
  write_parameters(out, call);
  out.key("security").begin_array();
  if (call.needs() != access_scope::none) {
    out.begin_object().key("bearer").begin_array().value(to_text(call.needs())).end_array().end_object();
  }
  out.end_array();
  if (!call.body_schema.empty()) {
    out.key("requestBody").begin_object().member("required", true);
    write_content(out, call.media_types, call.body_schema);
    out.end_object();
  }
  out.key("responses").begin_object().key(std::to_string(call.success)).begin_object();
  out.member("description", reason_phrase(call.success));
  if (!call.answer_schema.empty() || !call.other_types.empty()) write_answer(out, call);
  out.end_object();
  if (!call.partial_schema.empty()) {
    out.key("200").begin_object().member("description", call.partial_when);
    write_content(out, json_only, call.partial_schema);
    out.end_object();
  }
  out.key("default");
  write_ref(out, "responses", "problem");
  out.end_object().end_object();
}

template <class Word>
std::string quoted_list(std::span<const Word> words) {
  std::string list;
  for (const Word word : words) {
    list += list.empty() ? "\"" : ", \"";
    list += to_text(word);
    list += '"';
  }
  return list;
}

void replace_all(std::string& text, std::string_view mark, std::string_view with) {
  for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, at + with.size()))
    text.replace(at, mark.size(), with);
}

/// The schemas with what registries list in place of their marks.
std::string components() {
  std::string text(openapi_components);
  replace_all(text, "\"@event_kinds\"", quoted_list(event_kinds()));
  replace_all(text, "\"@event_sources\"", quoted_list(event_sources()));
  std::vector<event_source> detectors;
  std::ranges::copy_if(event_sources(), std::back_inserter(detectors), is_detector);
  replace_all(text, "\"@detectors\"", quoted_list(std::span<const event_source>(detectors)));
  return text;
}

}  // namespace

std::string openapi_document(const api_table& calls) {
  std::vector<std::string_view> patterns;
  for (const api_call& call : calls) {
    if (std::ranges::count(patterns, call.pattern) == 0) patterns.push_back(call.pattern);
  }
  json_writer out(64UL << 10);
  out.begin_object().member("openapi", "3.1.0").key("info").begin_object();
  out.member("title", "Factory Monitor").member("version", "1");
  out.member(
      "description",
      "Times are RFC 3339 text in UTC. Ranges are half-open: from is in, to is not. Unknown query parameters are refused.");
  out.end_object().key("paths").begin_object();
  for (const std::string_view pattern : patterns) {
    out.key(pattern).begin_object();
    for (const api_call& call : calls) {
      if (call.pattern == pattern) write_call(out, call);
    }
    out.end_object();
  }
  out.end_object().key("components").raw(components()).end_object();
  return out.text();
}

}  // namespace factory
