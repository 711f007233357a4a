#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace factory {

/// Patterns of names: `*` stands for any text, also none, `?` for one character; `\` takes the meaning from the character behind it. All
/// else stands for itself, case counts.

/// False when it ends in a lone `\`.
bool is_pattern(std::string_view pattern);
/// REQUIRES is_pattern(pattern); text in UTF-8. Takes at most pattern times text steps.
bool matches_pattern(std::string_view pattern, std::string_view text);
/// The only text that the pattern matches; nullopt where there are more.
std::optional<std::string> only_match(std::string_view pattern);
/// A pattern that matches this text and no other.
std::string pattern_of(std::string_view text);

}  // namespace factory
