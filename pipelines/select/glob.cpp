#include "pipelines/select/glob.hpp"

#include <algorithm>
#include <cstddef>

#include "pipelines/model/text_rules.hpp"

namespace factory {

bool is_pattern(std::string_view pattern) {
  for (std::size_t i = 0; i < pattern.size(); ++i)
    if (pattern[i] == '\\' && ++i == pattern.size()) return false;
  return true;
}

/// Goes back to the last `*` only: what an earlier one takes more, the last one could take as well.
bool matches_pattern(std::string_view pattern, std::string_view text) {
  constexpr auto none = std::string_view::npos;
  std::size_t p = 0, t = 0, behind_star = none, star_took = 0;
  while (t < text.size() || p < pattern.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      behind_star = ++p;
      star_took = t;
      continue;
    }
    if (p < pattern.size() && t < text.size()) {
      if (pattern[p] == '?') {
        t = std::min(t + bytes_of_character(text[t]), text.size());
        ++p;
        continue;
      }
      const std::size_t meant = p + (pattern[p] == '\\' ? 1 : 0);
      if (pattern[meant] == text[t]) {
        p = meant + 1;
        ++t;
        continue;
      }
    }
    if (behind_star == none || star_took >= text.size()) return false;
    star_took += bytes_of_character(text[star_took]);
    t = std::min(star_took, text.size());
    p = behind_star;
  }
  return true;
}

std::optional<std::string> only_match(std::string_view pattern) {
  std::string text;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '*' || pattern[i] == '?') return std::nullopt;
    if (pattern[i] == '\\') ++i;
    text += pattern[i];
  }
  return text;
}

std::string pattern_of(std::string_view text) {
  std::string pattern;
  for (const char c : text) {
    if (c == '*' || c == '?' || c == '\\') pattern += '\\';
    pattern += c;
  }
  return pattern;
}

}  // namespace factory
