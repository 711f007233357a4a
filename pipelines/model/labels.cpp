#include "pipelines/model/labels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "pipelines/model/coding.hpp"
#include "pipelines/model/limits.hpp"
#include "pipelines/model/text_rules.hpp"

namespace factory {
namespace {

bool is_key_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '-' || c == '.' ||
         c == '/';
}

auto place_of(auto& labels, std::string_view key) {
  return std::lower_bound(labels.begin(), labels.end(), key, [](const label& one, std::string_view k) { return one.key < k; });
}

}  // namespace

std::optional<label> parse_label(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  return label{std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
}

std::optional<std::string> fault_of(const label& one) {
  if (one.key.empty() || one.key.size() > limits::label_key_bytes ||
      !std::all_of(one.key.begin(), one.key.end(), is_key_character))
    return fmt::format("has a key that is not 1 to {} of A-Z, a-z, 0-9, '_', '-', '.' and '/'", limits::label_key_bytes);
  if (one.value.empty() || one.value.size() > limits::label_value_bytes)
    return fmt::format("must have a value of 1 to {} bytes", limits::label_value_bytes);
  if (!is_utf8(one.value) || holds_control(one.value)) return "has a value that is no UTF-8 text, or holds a control character";
  return std::nullopt;
}

const std::string* label_set::find(std::string_view key) const {
  const auto at = place_of(labels_, key);
  return at != labels_.end() && at->key == key ? &at->value : nullptr;
}

bool label_set::has(const label& one) const {
  const auto* const value = find(one.key);
  return value != nullptr && *value == one.value;
}

void label_set::put(label one) {
  const auto at = place_of(labels_, one.key);
  if (at != labels_.end() && at->key == one.key)
    at->value = std::move(one.value);
  else
    labels_.insert(at, std::move(one));
}

void label_set::erase(std::string_view key) {
  const auto at = place_of(labels_, key);
  if (at != labels_.end() && at->key == key) labels_.erase(at);
}

std::optional<std::string> fault_of(const label_set& labels) {
  if (labels.size() > limits::labels_per_entity) return fmt::format("must be at most {}", limits::labels_per_entity);
  for (const label& one : labels)
    if (auto fault = fault_of(one)) return fmt::format("'{}' {}", one.key, *fault);
  return std::nullopt;
}

void put_labels(std::string& out, const label_set& labels) {
  put_varint(out, labels.size());
  for (const label& one : labels) {
    put_text(out, one.key);
    put_text(out, one.value);
  }
}

bool get_labels(std::string_view& in, label_set& labels) {
  labels.clear();
  std::uint64_t count = 0;
  if (!get_varint(in, count)) return false;
  for (; count > 0; --count) {
    label one;
    if (!get_text(in, one.key) || !get_text(in, one.value)) return false;
    labels.put(std::move(one));
  }
  return true;
}

}  // namespace factory
