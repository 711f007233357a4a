#include "pipelines/correct/correction.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace factory {

namespace {

constexpr std::array<std::pair<correction_action, std::string_view>, 6> action_texts{
    {{correction_action::exclude, "exclude"},
     {correction_action::scale, "scale"},
     {correction_action::offset, "offset"},
     {correction_action::replace, "replace"},
     {correction_action::flag, "flag"},
     {correction_action::rest, "exclude_from_baseline"}}};

}  // namespace

std::string_view to_text(correction_action action) { return action_texts[static_cast<std::size_t>(action) - 1].second; }

std::optional<correction_action> parse_correction_action(std::string_view text) {
  const auto* const at = std::ranges::find(action_texts, text, [](const auto& each) { return each.second; });
  if (at == action_texts.end()) return std::nullopt;
  return at->first;
}

bool correction::asks_the_same(const correction& other) const {
  return sensors == other.sensors && begin_us == other.begin_us && end_us == other.end_us && change == other.change &&
         reason == other.reason && by == other.by;
}

}  // namespace factory
