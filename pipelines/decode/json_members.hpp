#pragma once

#include <simdjson.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "pipelines/model/result.hpp"

namespace factory {

/// Calls `take` with each member of an object. If `take` returns false, the member is unknown: `invalid`, naming it. A member given
/// twice and a value that is no object are `invalid` too. `within` names the object where it is itself a member; what is wrong with one
/// of its members is then said of `within.member`, and `take` gets that as `path`.
expected<void> for_each_member(simdjson::dom::element object,
                               const std::function<expected<bool>(std::string_view name, simdjson::dom::element value)>& take);
expected<void> for_each_member(
    std::string_view within, simdjson::dom::element object,
    const std::function<expected<bool>(std::string_view name, const std::string& path, simdjson::dom::element value)>& take);

// Typed values of a member; `invalid` naming the member otherwise.
expected<std::string> read_text(std::string_view name, simdjson::dom::element value);
expected<std::uint32_t> read_id(std::string_view name, simdjson::dom::element value);
expected<double> read_number(std::string_view name, simdjson::dom::element value);
expected<std::optional<double>> read_number_or_null(std::string_view name, simdjson::dom::element value);
expected<bool> read_boolean(std::string_view name, simdjson::dom::element value);

}  // namespace factory
