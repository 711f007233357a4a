#pragma once

#include <string>
#include <string_view>

namespace factory {

/// For the text of a page and for attributes in double quotes.
inline std::string html_escaped(std::string_view raw) {
  std::string safe;
  for (const char c : raw) {
    switch (c) {
      case '&': safe += "&amp;"; break;
      case '<': safe += "&lt;"; break;
      case '>': safe += "&gt;"; break;
      case '"': safe += "&quot;"; break;
      default: safe += c;
    }
  }
  return safe;
}

}  // namespace factory
