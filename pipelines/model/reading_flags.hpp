#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "pipelines/model/reading.hpp"

namespace factory {

/// A word that answers say of a reading. docs/reference/flags.md is this table with its meanings; a test holds them together.
struct named_flag {
  reading_flag bit;
  std::string_view name;
};
inline constexpr std::array flag_names{
    named_flag{flag_late, "late"}, named_flag{flag_future, "future"},     named_flag{flag_uncertain, "uncertain"},
    named_flag{flag_bad, "bad"},   named_flag{flag_excluded, "excluded"},
};

/// `good`, `uncertain` or `bad`: the part of the flags that comes with a reading.
constexpr std::string_view quality_text(std::uint8_t flags) {
  return (flags & flag_bad) != 0 ? "bad" : (flags & flag_uncertain) != 0 ? "uncertain" : "good";
}
/// The bits of a quality; nothing when the text is none.
constexpr std::optional<std::uint8_t> quality_of(std::string_view text) {
  if (text == "good") return flag_none;
  if (text == "uncertain") return flag_uncertain;
  if (text == "bad") return flag_bad;
  return std::nullopt;
}

}  // namespace factory
