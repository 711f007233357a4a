#include "http/gate/gate_target.hpp"

#include <algorithm>

#include "http/gate/gate_head.hpp"

namespace factory {

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// "http://host/path?q" to "/path?q"; anything else as it is.
std::string_view origin_form(std::string_view target) {
  constexpr std::string_view scheme = "http://";
  if (!same_text(target.substr(0, scheme.size()), scheme)) return target;
  target.remove_prefix(scheme.size());
  const std::size_t end_of_host = target.find_first_of("/?");
  if (end_of_host == 0) return {};
  return end_of_host == std::string_view::npos ? std::string_view("/") : target.substr(end_of_host);
}

bool split_query(std::string_view text, std::vector<std::pair<std::string, std::string>>& query) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    auto& [name, value] = query.emplace_back();
    if (!percent_decode(pair.substr(0, equals), true, name)) return false;
    if (equals < pair.size() && !percent_decode(pair.substr(equals + 1), true, value)) return false;
  }
  return true;
}

}  // namespace

bool percent_decode(std::string_view text, bool plus_is_space, std::string& decoded) {
  decoded.clear();
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      decoded += ' ';
    } else if (text[i] == '%') {
      if (text.size() - i < 3) return false;
      const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0 || high + low == 0) return false;
      decoded += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return true;
}

bool split_target(std::string_view target, std::string& path, std::vector<std::pair<std::string, std::string>>& query) {
  query.clear();
  if (target == "*") return path = "*", true;
  target = origin_form(target);
  if (target.find('#') != std::string_view::npos) return false;
  const std::size_t mark = std::min(target.find('?'), target.size());
  if (!percent_decode(target.substr(0, mark), false, path)) return false;
  if (path.empty() && mark < target.size()) path = "/";  // "http://host?x=1"
  if (path.empty() || path.front() != '/') return false;
  return mark == target.size() || split_query(target.substr(mark + 1), query);
}

}  // namespace factory
