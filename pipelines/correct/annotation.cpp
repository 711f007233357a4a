#include "pipelines/correct/annotation.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace factory {

namespace {

constexpr std::array<std::pair<annotation_kind, std::string_view>, 4> kind_texts{{{annotation_kind::planned_stop, "planned_stop"},
                                                                                  {annotation_kind::tool_change, "tool_change"},
                                                                                  {annotation_kind::maintenance, "maintenance"},
                                                                                  {annotation_kind::note, "note"}}};

}  // namespace

std::string_view to_text(annotation_kind kind) { return kind_texts[static_cast<std::size_t>(kind) - 1].second; }

std::optional<annotation_kind> parse_annotation_kind(std::string_view text) {
  const auto* const at = std::ranges::find(kind_texts, text, [](const auto& each) { return each.second; });
  if (at == kind_texts.end()) return std::nullopt;
  return at->first;
}

bool is_annotation_kind(std::uint8_t stored) { return stored >= 1 && stored <= kind_texts.size(); }

}  // namespace factory
