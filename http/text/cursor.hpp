#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <string_view>

namespace factory {

// Where the next page begins, as opaque text that clients return: the order, then the last place of the page. "a1768816800000000"

template <class Place>
std::string format_cursor(Place last, bool descending) {
  return (descending ? 'd' : 'a') + std::to_string(last);
}

/// nullopt when the text is no cursor, or a cursor of the other order.
template <class Place>
std::optional<Place> parse_cursor(std::string_view text, bool descending) {
  if (text.size() < 2 || text.front() != (descending ? 'd' : 'a')) return std::nullopt;
  Place last{};
  const auto [end, failed] = std::from_chars(text.data() + 1, text.data() + text.size(), last);
  if (failed != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return last;
}

}  // namespace factory
