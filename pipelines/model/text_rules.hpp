#pragma once

#include <cstddef>
#include <string_view>

namespace factory {

/// Well-formed UTF-8 (RFC 3629: shortest form, no surrogates, up to U+10FFFF).
bool is_utf8(std::string_view text);

/// U+0000 to U+001F, U+007F to U+009F. They can forge lines in logs and exports, and SQL tools cut texts at NUL.
bool holds_control(std::string_view text);

/// Bytes of the character that begins with `lead`, in well-formed UTF-8.
constexpr std::size_t bytes_of_character(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  return byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

}  // namespace factory
