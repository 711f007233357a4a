#include "pipelines/correct/taken_over.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <variant>

namespace factory {

namespace {

event_key finding_of(const event& e) { return with_kind(e.key, {}); }

event_kind said_of(const event& e) {
  const auto* const withdrawal = std::get_if<withdrawal_detail>(&e.detail);
  return withdrawal != nullptr ? withdrawal->corrected : e.key.kind;
}

/// What the events up to the edge do to findings that happen behind it, too.
struct settled_findings {
  std::set<event_key> anew;   ///< withdrawn, or told from their begin
  std::set<event_key> ended;  ///< up to the edge, as they are told now

  explicit settled_findings(const std::vector<event>& events) {
    for (const auto& each : events) {
      const auto of = finding_of(each);
      const auto role = role_of(said_of(each));
      if (role == event_role::states && each.key.kind != event_kind::revised) anew.insert(of);
      const bool is_gone = each.key.kind == event_kind::withdrawn;
      if (role == event_role::ends) is_gone ? void(ended.erase(of)) : void(ended.insert(of));
    }
  }
  bool has_another(const event& gone) const {
    return role_of(gone.key.kind) == event_role::ends && ended.contains(finding_of(gone));
  }
};

}  // namespace

std::vector<event> taken_over(const hand_over& past, std::vector<event> settled,
                              const std::vector<difference<event>>& differences, std::span<const event> made,
                              std::int64_t received_at_us, revision_book& book) {
  const settled_findings known(settled);
  for (const auto& each : past.told) book.has_gone(each.key, each.at_us, true);
  const auto is_behind = [&](const std::optional<event>& e) { return e && e->at_us > past.edge_us; };
  std::vector<difference<event>> behind;
  for (const auto& each : differences) {
    difference<event> part;
    if (is_behind(each.before) && !known.anew.contains(finding_of(*each.before))) part.before = each.before;
    if (is_behind(each.after) && !known.anew.contains(finding_of(*each.after))) part.after = each.after;
    if (part.before && !part.after && known.has_another(*part.before)) part.before.reset();
    if (each.before && !part.before) book.has_gone(each.before->key, each.before->at_us, false);
    if (part.before || part.after) behind.push_back(std::move(part));
  }
  for (const auto& each : made)
    if (is_behind(each) && known.anew.contains(finding_of(each))) behind.push_back({std::nullopt, each});
  book.tell_of_past(behind, past.reason, received_at_us, settled);
  return settled;
}

}  // namespace factory
