#pragma once

#include <simdjson.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "pipelines/model/result.hpp"
#include "pipelines/model/time.hpp"

namespace factory {

/// A time in a small body: RFC 3339 text, or an integer in milliseconds, of the years 1678 to 2261. `invalid` naming the member otherwise.
inline expected<std::int64_t> read_json_time(std::string_view name, simdjson::dom::element value) {
  constexpr std::int64_t first_ms = -9'214'560'000'000, last_ms = 9'214'646'399'999;
  std::string_view text;
  std::int64_t time_ms = 0;
  if (!value.get(text)) {
    if (const auto parsed = parse_time_us(text)) return *parsed;
  } else if (!value.get(time_ms) && time_ms >= first_ms && time_ms <= last_ms) {
    return time_ms * 1'000;
  }
  return fail(errc::invalid, std::string(name) + " must be a time such as \"2026-01-19T10:00:00Z\" or an integer in milliseconds",
              std::string(name));
}

}  // namespace factory
