#include "pipelines/decode/json_text.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>

#include "pipelines/model/limits.hpp"

namespace factory::json_text {

namespace {

constexpr std::size_t kept_bytes = 8UL << 20;

std::string explain(error_code code) {
  switch (code) {
    case simdjson::EMPTY: return "the body is empty";
    case simdjson::UTF8_ERROR: return "the body is not valid UTF-8";
    case simdjson::UNCLOSED_STRING: return "a string is not closed";
    case simdjson::UNESCAPED_CHARS: return "a control character in a string must be escaped";
    case simdjson::STRING_ERROR: return "a string holds a bad escape";
    case simdjson::NUMBER_ERROR: return "a number is not written as JSON asks";
    case simdjson::DEPTH_ERROR: return "values are nested deeper than " + std::to_string(limits::json_depth);
    case simdjson::TRAILING_CONTENT: return "something follows the end of the value";
    case simdjson::INCOMPLETE_ARRAY_OR_OBJECT: return "an array or object is not closed";
    default: return "the body is not valid JSON";
  }
}

error_code check_string(ondemand::value& value, std::string_view token) {
  if (std::memchr(token.data(), '\\', token.size()) == nullptr) return value.get_raw_json_string().error();
  return value.get_string().error();
}

error_code check_array(ondemand::value& value, unsigned depth) {
  ondemand::array array;
  if (const error_code code = value.get_array().get(array)) return code;
  for (auto element : array) {
    ondemand::value item;
    if (const error_code code = std::move(element).get(item)) return code;
    if (const error_code code = check(item, depth + 1)) return code;
  }
  return simdjson::SUCCESS;
}

error_code check_object(ondemand::value& value, unsigned depth) {
  ondemand::object object;
  if (const error_code code = value.get_object().get(object)) return code;
  for (auto member : object) {
    ondemand::field field;
    std::string_view key;
    if (const error_code code = std::move(member).get(field)) return code;
    if (const error_code code = read_key(field, key)) return code;
    if (const error_code code = check(field.value(), depth + 1)) return code;
  }
  return simdjson::SUCCESS;
}

}  // namespace

expected<ondemand::document> body::open(std::string_view text) {
  // RFC 8259 lets a reader ignore a byte order mark, and some collectors send one.
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (capacity_ < text.size() || !padded_) {
    close();
    capacity_ = std::bit_ceil(std::max<std::size_t>(text.size(), 4096));
    padded_ = std::make_unique_for_overwrite<char[]>(capacity_ + simdjson::SIMDJSON_PADDING);
    if (const error_code code = parser_.allocate(capacity_)) {
      close();
      return fail(errc::too_large, std::string("the body cannot be parsed: ") + simdjson::error_message(code));
    }
  }
  if (!text.empty()) std::memcpy(padded_.get(), text.data(), text.size());
  std::memset(padded_.get() + text.size(), 0, simdjson::SIMDJSON_PADDING);
  ondemand::document document;
  const error_code code = parser_.iterate(padded_.get(), text.size(), text.size() + simdjson::SIMDJSON_PADDING).get(document);
  if (code) return fail(errc::malformed, explain(code));
  return document;
}

error_code body::finish(ondemand::document& document) {
  return document.current_location().error() == simdjson::OUT_OF_BOUNDS ? simdjson::SUCCESS : simdjson::TRAILING_CONTENT;
}

error body::damage(error_code code, ondemand::document& document) const {
  const char* at = nullptr;
  std::string message = explain(code);
  if (document.current_location().get(at) == simdjson::SUCCESS) {
    message += ", near byte " + std::to_string(at - padded_.get());
  }
  return {errc::malformed, std::move(message)};
}

void body::close() {
  if (capacity_ <= kept_bytes) return;
  parser_ = ondemand::parser{};
  padded_.reset();
  capacity_ = 0;
}

bool is_number(std::string_view token) {
  const char* at = token.data();
  const char* const end = at + token.size();
  const auto digits = [&] {
    const char* const begin = at;
    while (at != end && *at >= '0' && *at <= '9') ++at;
    return at - begin;
  };
  if (at != end && *at == '-') ++at;
  const char* const whole = at;
  if (digits() == 0 || (*whole == '0' && at - whole > 1)) return false;
  if (at != end && *at == '.') {
    ++at;
    if (digits() == 0) return false;
  }
  if (at != end && (*at == 'e' || *at == 'E')) {
    ++at;
    if (at != end && (*at == '+' || *at == '-')) ++at;
    if (digits() == 0) return false;
  }
  return at == end;
}

bool holds_exactly(std::string_view token, double value) {
  constexpr std::size_t safe_digits = 15;
  if (token.size() <= safe_digits || token.find_first_of(".eE") != std::string_view::npos) return true;
  char digits[320];
  const auto end = std::to_chars(digits, digits + sizeof digits, value, std::chars_format::fixed).ptr;
  return token == std::string_view(digits, static_cast<std::size_t>(end - digits));
}

error_code check(ondemand::value value, unsigned depth) {
  if (depth >= limits::json_depth) return simdjson::DEPTH_ERROR;
  const std::string_view token = token_of(value);
  switch (token.empty() ? '\0' : token.front()) {
    case '"': return check_string(value, token);
    case '[': return check_array(value, depth);
    case '{': return check_object(value, depth);
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9': return is_number(token) ? simdjson::SUCCESS : simdjson::NUMBER_ERROR;
    default: return token == "true" || token == "false" || token == "null" ? simdjson::SUCCESS : simdjson::TAPE_ERROR;
  }
}

error_code read_key(ondemand::field& field, std::string_view& out) {
  const char* const begin = field.key().raw();
  const char* end = begin;
  // The first stage has checked that the string is closed.
  while (*end != '"' && *end != '\\') ++end;
  if (*end == '\\') return field.unescaped_key().get(out);
  out = {begin, static_cast<std::size_t>(end - begin)};
  return simdjson::SUCCESS;
}

}  // namespace factory::json_text
