#include <algorithm>
#include <array>

#include "pipelines/model/event_kind.hpp"
#include "pipelines/model/event_source.hpp"

namespace factory {
namespace {

struct named_kind {
  event_kind kind;
  std::string_view name;
  event_role role;
};
struct named_source {
  event_source source;
  std::string_view name;
  source_group group;
};

constexpr std::array kind_table{
#define FACTORY_KIND(name, number, role) named_kind{event_kind::name, #name, event_role::role},
    FACTORY_EVENT_KINDS(FACTORY_KIND)
#undef FACTORY_KIND
};
constexpr std::array source_table{
#define FACTORY_SOURCE(name, number, group) named_source{event_source::name, #name, source_group::group},
    FACTORY_EVENT_SOURCES(FACTORY_SOURCE)
#undef FACTORY_SOURCE
};

constexpr auto kinds = [] {
  std::array<event_kind, kind_table.size()> all{};
  std::ranges::transform(kind_table, all.begin(), &named_kind::kind);
  return all;
}();
constexpr auto sources = [] {
  std::array<event_source, source_table.size()> all{};
  std::ranges::transform(source_table, all.begin(), &named_source::source);
  return all;
}();
static_assert(std::ranges::is_sorted(kinds) && std::ranges::adjacent_find(kinds) == kinds.end());
static_assert(std::ranges::is_sorted(sources) && std::ranges::adjacent_find(sources) == sources.end());

const named_kind* find(event_kind kind) {
  const auto* const at = std::ranges::find(kind_table, kind, &named_kind::kind);
  return at == kind_table.end() ? nullptr : at;
}
const named_source* find(event_source source) {
  const auto* const at = std::ranges::find(source_table, source, &named_source::source);
  return at == source_table.end() ? nullptr : at;
}

}  // namespace

std::span<const event_kind> event_kinds() { return kinds; }
std::span<const event_source> event_sources() { return sources; }

std::string_view to_text(event_kind kind) {
  const auto* const known = find(kind);
  return known != nullptr ? known->name : "unknown";
}
std::string_view to_text(event_source source) {
  const auto* const known = find(source);
  return known != nullptr ? known->name : "unknown";
}

std::optional<event_kind> parse_event_kind(std::string_view text) {
  const auto* const at = std::ranges::find(kind_table, text, &named_kind::name);
  return at == kind_table.end() ? std::nullopt : std::optional(at->kind);
}
std::optional<event_source> parse_event_source(std::string_view text) {
  const auto* const at = std::ranges::find(source_table, text, &named_source::name);
  return at == source_table.end() ? std::nullopt : std::optional(at->source);
}

bool is_event_kind(std::uint8_t stored) { return find(static_cast<event_kind>(stored)) != nullptr; }
bool is_event_source(std::uint8_t stored) { return find(static_cast<event_source>(stored)) != nullptr; }

event_role role_of(event_kind kind) {
  const auto* const known = find(kind);
  return known != nullptr ? known->role : event_role::notes;
}

source_group group_of(event_source source) {
  const auto* const known = find(source);
  return known != nullptr ? known->group : source_group::sensor;
}

}  // namespace factory
