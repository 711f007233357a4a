#pragma once

#include <span>
#include <string_view>

namespace factory::json_text {

/// A name that a decoder knows, and what collectors write for it, in small letters.
struct known_name {
  std::string_view name;
  std::span<const std::string_view> synonyms = {};
};

/// The known name that an unknown one is a near miss of: the same but for case, `_` and `-`; a synonym of it; a letter off, or two in
/// a name of eight letters and more, where neighbours that are swapped are one. Empty when it is none: such members are ignored.
std::string_view meant_name(std::string_view key, std::span<const known_name> known);

/// The members of a reading, and those of columns.
std::span<const known_name> reading_names();
std::span<const known_name> column_names();

}  // namespace factory::json_text
