#pragma once

#include <simdjson.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipelines/model/result.hpp"

/// For pipeline_spec.cpp: members of JSON values, each named by its path.
namespace factory::spec_json {

using simdjson::dom::element;

inline tl::unexpected<error> refuse(std::string path, const std::string& why) {
  auto text = path + ": " + why;
  return fail(errc::invalid, std::move(text), std::move(path));
}
inline std::string within(const std::string& path, std::string_view name) {
  return path.empty() ? std::string(name) : path + "." + std::string(name);
}
inline std::string within(const std::string& path, std::size_t index) { return path + "[" + std::to_string(index) + "]"; }

/// Assigns what was read to `to`, or passes the error on.
template <class T, class U>
expected<bool> set(T& to, expected<U> from) {
  if (!from) return tl::unexpected(std::move(from.error()));
  to = std::move(*from);
  return true;
}

/// Takes a member's value; false where the object knows no such member.
using taker = std::function<expected<bool>(std::string_view name, const std::string& path, element value)>;
expected<void> for_each_member(const std::string& path, element object, const taker& take);
expected<void> for_each_entry(const std::string& path, element array, std::size_t most,
                              const std::function<expected<void>(const std::string& path, element value)>& take);

expected<std::string> text(const std::string& path, element value, std::size_t most_bytes);
expected<bool> flag(const std::string& path, element value);
expected<std::uint32_t> id(const std::string& path, element value);
expected<std::uint64_t> whole_number(const std::string& path, element value, std::uint64_t least, std::uint64_t most);
/// A whole number of milliseconds in [least, most], as microseconds.
expected<std::int64_t> span_us(const std::string& path, element value, std::int64_t least_ms, std::int64_t most_ms);

}  // namespace factory::spec_json
