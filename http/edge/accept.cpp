#include "http/edge/accept.hpp"

#include "http/gate/gate_head.hpp"

namespace factory {

namespace {

constexpr unsigned full_weight = 1'000;

std::string_view without_blanks(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

/// Takes the text before the next `mark` outside of quotes off `rest`, and the mark.
std::string_view take_until(std::string_view& rest, char mark) {
  bool quoted = false;
  std::size_t end = 0;
  for (; end < rest.size() && (quoted || rest[end] != mark); ++end) {
    if (rest[end] == '"') quoted = !quoted;
    if (quoted && rest[end] == '\\' && end + 1 < rest.size()) ++end;
  }
  const std::string_view taken = without_blanks(rest.substr(0, end));
  rest.remove_prefix(end < rest.size() ? end + 1 : end);
  return taken;
}

/// `0`, `1`, and up to three digits behind a point.
std::optional<unsigned> read_weight(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1') || (text.size() > 1 && text[1] != '.')) return {};
  unsigned weight = text[0] == '1' ? full_weight : 0, step = full_weight / 10;
  for (const char c : text.substr(text.size() < 2 ? 1 : 2)) {
    if (c < '0' || c > '9') return {};
    weight += static_cast<unsigned>(c - '0') * step;
    step /= 10;
  }
  return weight <= full_weight ? std::optional(weight) : std::nullopt;
}

struct item {
  std::string_view name;
  std::optional<unsigned> weight = full_weight;
};

item take_item(std::string_view& list) {
  std::string_view rest = take_until(list, ',');
  item taken{take_until(rest, ';')};
  while (!rest.empty()) {
    const std::string_view parameter = take_until(rest, ';');
    if (same_text(parameter.substr(0, 2), "q=")) taken.weight = read_weight(parameter.substr(2));
  }
  return taken;
}

enum class closeness : std::uint8_t { none, anything, same_type, same };

closeness match(std::string_view name, std::string_view offer) {
  if (same_text(name, offer)) return closeness::same;
  if (name == "*" || name == "*/*") return closeness::anything;
  const bool range = name.ends_with("/*") && same_text(name.substr(0, name.size() - 1), offer.substr(0, name.size() - 1));
  return range ? closeness::same_type : closeness::none;
}

struct wish {
  closeness how = closeness::none;
  unsigned weight = 0;
  std::size_t place = 0;
};

wish wish_for(std::string_view list, std::string_view offer) {
  wish closest;
  for (std::size_t place = 0; !list.empty(); ++place) {
    const item next = take_item(list);
    const closeness how = match(next.name, offer);
    if (next.weight && how > closest.how) closest = {how, *next.weight, place};
  }
  return closest;
}

}  // namespace

std::optional<unsigned> quality(std::string_view list, std::string_view offer) {
  const wish found = wish_for(list, offer);
  return found.how == closeness::none ? std::nullopt : std::optional(found.weight);
}

std::size_t preferred(std::string_view list, std::span<const std::string_view> offers) {
  std::size_t best = 0;
  wish most;
  for (std::size_t i = 0; i < offers.size(); ++i) {
    const wish next = wish_for(list, offers[i]);
    if (next.weight == 0) continue;
    const auto better = [&] {
      if (next.weight != most.weight) return next.weight > most.weight;
      return next.how != most.how ? next.how > most.how : next.place < most.place;
    };
    if (!better()) continue;
    best = i;
    most = next;
  }
  return best;
}

}  // namespace factory
