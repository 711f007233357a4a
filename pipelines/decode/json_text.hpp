#pragma once

#include <simdjson.h>

#include <memory>
#include <string_view>

#include "pipelines/model/result.hpp"

/// Shared by the JSON decoders. simdjson On-Demand skips values that are not read, so every value is either read or check()ed here.
/// Together with simdjson's first stage (UTF-8, closed strings, control characters) and finish() this checks the whole text.
namespace factory::json_text {

namespace ondemand = simdjson::ondemand;
using simdjson::error_code;

/// A parser with a padded copy of the text. close() frees the memory of a large text.
class body {
 public:
  /// The document of `text`; runs simdjson's first stage.
  expected<ondemand::document> open(std::string_view text);
  /// SUCCESS when nothing but white space follows the root value that was read.
  static error_code finish(ondemand::document& document);
  /// The error and its byte position.
  error damage(error_code code, ondemand::document& document) const;
  void close();

 private:
  ondemand::parser parser_;
  std::unique_ptr<char[]> padded_;
  std::size_t capacity_ = 0;
};

/// A value's own text. For arrays and objects only the bracket.
inline std::string_view token_of(ondemand::value& value) {
  std::string_view token = value.raw_json_token();
  while (!token.empty() && (token.back() == ' ' || token.back() == '\n' || token.back() == '\r' || token.back() == '\t')) {
    token.remove_suffix(1);
  }
  return token;
}

/// The number grammar of RFC 8259, whatever the magnitude.
bool is_number(std::string_view token);

/// Whether a number's token is more than an integer that `value`, which was read from it, does not hold exactly.
bool holds_exactly(std::string_view token, double value);

/// Skips a value of any kind and checks it, nested values included. REQUIRES: nothing of the value was read yet.
error_code check(ondemand::value value, unsigned depth = 0);

/// A member's name without quotes; unescaped (and checked) if it has escapes.
error_code read_key(ondemand::field& field, std::string_view& out);

}  // namespace factory::json_text
