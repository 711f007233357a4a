#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace factory {

/// Both vocabularies of the contract: findings of the detectors, and of alert rules. On disk: append only.
enum class severity : std::uint8_t {
  medium,
  high,
  critical,  ///< text "medium" "high" "critical"
  rule_info,
  rule_warning,
  rule_critical  ///< text "INFO" "WARNING" "CRITICAL"
};

inline constexpr std::array<std::string_view, 6> severity_texts = {"medium", "high", "critical", "INFO", "WARNING", "CRITICAL"};

constexpr std::string_view to_text(severity s) { return severity_texts.at(static_cast<std::size_t>(s)); }
constexpr bool is_severity(std::uint8_t stored) { return stored < severity_texts.size(); }

}  // namespace factory
