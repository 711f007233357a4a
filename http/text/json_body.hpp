#pragma once

#include <simdjson.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "pipelines/model/result.hpp"

namespace factory {

/// A small JSON body, parsed and checked as a whole. For catalog calls; readings have their own decoder (pipelines/decode/decode.hpp).
class json_body {
 public:
  /// `malformed` with what is wrong.
  expected<simdjson::dom::element> parse(std::string_view text);

 private:
  simdjson::dom::parser parser_;
};

/// Calls `take` with each member of an object. If `take` returns false, the member is unknown: `invalid`, naming it. A member given
/// twice and a value that is no object are `invalid` too.
expected<void> for_each_member(simdjson::dom::element object,
                               const std::function<expected<bool>(std::string_view name, simdjson::dom::element value)>& take);

// Typed values of a member; `invalid` naming the member otherwise.
expected<std::string> read_text(std::string_view name, simdjson::dom::element value);
expected<std::uint32_t> read_id(std::string_view name, simdjson::dom::element value);
expected<double> read_number(std::string_view name, simdjson::dom::element value);
expected<std::optional<double>> read_number_or_null(std::string_view name, simdjson::dom::element value);
expected<bool> read_boolean(std::string_view name, simdjson::dom::element value);

}  // namespace factory
