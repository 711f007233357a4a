#pragma once

#include <charconv>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace factory {

// Where the next page begins, as opaque text that clients return: the order, then the last place of the page. "a1768816800000000"
// A place is the time of a reading, or a sequence from 1 up. The ends of its type are no places: a page behind them would begin again.

template <class Place>
std::string format_cursor(Place last, bool descending) {
  return (descending ? 'd' : 'a') + std::to_string(last);
}

/// nullopt when format_cursor() gives no such text, or the cursor is of the other order.
template <class Place>
std::optional<Place> parse_cursor(std::string_view text, bool descending) {
  if (text.size() < 2 || text.front() != (descending ? 'd' : 'a')) return std::nullopt;
  Place last{};
  const auto [end, failed] = std::from_chars(text.data() + 1, text.data() + text.size(), last);
  if (failed != std::errc{} || end != text.data() + text.size() || format_cursor(last, descending) != text) return std::nullopt;
  const bool is_end = last == std::numeric_limits<Place>::min() || last == std::numeric_limits<Place>::max();
  return is_end ? std::nullopt : std::optional(last);
}

}  // namespace factory
