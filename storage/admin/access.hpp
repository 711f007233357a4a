#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace factory {

/// What a token allows. `admin` includes everything; each other scope allows only its own calls.
enum class access_scope : std::uint8_t { none = 0, ingest = 1, read = 2, operate = 4, admin = 8 };

inline constexpr std::array<std::pair<std::string_view, access_scope>, 4> scope_names{{{"ingest", access_scope::ingest},
                                                                                       {"read", access_scope::read},
                                                                                       {"operate", access_scope::operate},
                                                                                       {"admin", access_scope::admin}}};

/// A set of scopes, as bits.
using access_scopes = std::uint8_t;

constexpr access_scopes operator|(access_scopes all, access_scope one) {
  return static_cast<access_scopes>(all | static_cast<access_scopes>(one));
}
constexpr bool has(access_scopes all, access_scope one) { return (all & static_cast<access_scopes>(one)) != 0; }
constexpr bool allows(access_scopes all, access_scope needed) {
  return needed == access_scope::none || has(all, needed) || has(all, access_scope::admin);
}

constexpr std::string_view to_text(access_scope scope) {
  for (const auto& [name, each] : scope_names) {
    if (each == scope) return name;
  }
  return "none";
}
constexpr std::optional<access_scope> parse_scope(std::string_view text) {
  for (const auto& [name, each] : scope_names) {
    if (name == text) return each;
  }
  return std::nullopt;
}
/// "ingest,read"
inline std::string to_text(access_scopes all) {
  std::string text;
  for (const auto& [name, each] : scope_names) {
    if (has(all, each)) text.append(text.empty() ? "" : ",").append(name);
  }
  return text;
}

}  // namespace factory
