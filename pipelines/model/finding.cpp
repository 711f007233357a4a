#include "pipelines/model/finding.hpp"

#include <algorithm>
#include <array>
#include <type_traits>
#include <utility>

#include "pipelines/model/coding.hpp"

namespace factory {
namespace {

std::optional<event>* part_of(finding& it, event_kind kind) {
  switch (role_of(kind)) {
    case event_role::states: return &it.stated;
    case event_role::ends: return &it.ended;
    case event_role::notes:
      if (kind == event_kind::anomaly_feedback) return &it.feedback;
      return kind == event_kind::alert_acknowledged ? &it.acknowledged : nullptr;
    case event_role::repeats:
    case event_role::corrects: break;
  }
  return nullptr;
}

template <class Detail>
struct is_revision : std::false_type {};
template <class Figures>
struct is_revision<revision_of<Figures>> : std::true_type {};

/// Kinds whose events say whether anybody is told: each tells how that stands from then on.
bool tells_of_hush(event_kind kind) { return kind >= event_kind::alert_shelved && kind <= event_kind::alert_put_back; }

/// A correction of what may be repeated is of the event of that kind at its time. Logs have older ones that say another time: of escalations
/// with a level, when there was one to a level at most, and of updates, when only the newest one counted.
std::vector<event>::iterator corrected_among(finding& it, event_kind kind, const event& correction) {
  const auto at =
      std::ranges::find_if(it.repeated, [&](const event& e) { return e.key.kind == kind && e.at_us == correction.at_us; });
  if (at != it.repeated.end()) return at;
  if (kind == event_kind::alert_escalated)
    return std::ranges::find_if(it.repeated, [&](const event& e) { return e.key.kind == kind && e.level == correction.level; });
  return kind == event_kind::anomaly_updated && !it.repeated.empty() ? std::prev(it.repeated.end()) : it.repeated.end();
}

/// What a correction is about.
std::optional<event_kind> corrected_by(const event& e) {
  return std::visit(
      []<class Detail>(const Detail& it) -> std::optional<event_kind> {
        if constexpr (is_revision<Detail>::value || std::is_same_v<Detail, withdrawal_detail>)
          return it.corrected;
        else
          return std::nullopt;
      },
      e.detail);
}

/// The corrected part takes the figures of the revision, and stays what it was.
void revise(event& part, const event& revision) {
  std::visit(
      [&]<class Detail>(const Detail& it) {
        if constexpr (is_revision<Detail>::value) {
          event said = revision;
          said.key = part.key;
          said.sequence = part.sequence;
          said.detail = it.figures;
          part = std::move(said);
        }
      },
      revision.detail);
}

void revise(finding& to, const event& e) {
  const auto corrected = corrected_by(e);
  if (!corrected) return;
  if (role_of(*corrected) == event_role::repeats) {
    const auto at = corrected_among(to, *corrected, e);
    if (at == to.repeated.end()) return;
    revise(*at, e);
    std::ranges::stable_sort(to.repeated, {}, &event::at_us);
  } else if (auto* const part = part_of(to, *corrected); part != nullptr && *part) {
    revise(**part, e);
  }
}

void withdraw(finding& from, const event& e) {
  const auto* const withdrawal = std::get_if<withdrawal_detail>(&e.detail);
  if (withdrawal == nullptr || role_of(withdrawal->corrected) == event_role::states) {
    from.withdrawn = true;
    return;
  }
  if (role_of(withdrawal->corrected) == event_role::repeats) {
    const auto at = corrected_among(from, withdrawal->corrected, e);
    if (at != from.repeated.end()) from.repeated.erase(at);
  } else if (auto* const part = part_of(from, withdrawal->corrected)) {
    part->reset();
  }
}

}  // namespace

void apply(finding& to, const event& e) {
  if (e.key.kind == event_kind::revised) return revise(to, e);
  if (e.key.kind == event_kind::withdrawn) return withdraw(to, e);
  const auto role = role_of(e.key.kind);
  if (role == event_role::repeats) {
    to.repeated.insert(std::ranges::upper_bound(to.repeated, e.at_us, {}, &event::at_us), e);
    return;
  }
  auto* const part = part_of(to, e.key.kind);
  if (part == nullptr) return;
  if (e.key.kind == event_kind::alert_acknowledged && *part) return;  // the first one stays
  if (e.key.kind == event_kind::anomaly_feedback) to.times_judged = std::max(to.times_judged, e.key.revision + 1);
  if (role == event_role::states && to.stated) {  // stated again, after it was withdrawn
    to.ended.reset();
    to.repeated.clear();
    to.withdrawn = false;
  }
  if (role == event_role::ends) to.times_ended = std::max(to.times_ended, e.key.revision + 1);
  *part = e;
}

namespace {

void put_part(std::string& out, const std::optional<event>& part) {
  put_byte(out, part ? 1 : 0);
  if (!part) return;
  put_byte(out, static_cast<std::uint8_t>(part->key.kind));
  put_fixed64(out, static_cast<std::uint64_t>(part->at_us));
  put_double(out, part->value);
  put_byte(out, static_cast<std::uint8_t>(part->level));
  put_detail(out, part->detail);
}

}  // namespace

const event& finding::worst() const {
  for (const auto kind : {event_kind::anomaly_updated, event_kind::alert_escalated})
    if (const auto* const newest = newest_of(kind)) return *newest;
  return *stated;
}

const event* finding::newest_of(event_kind kind) const {
  const auto found = std::find_if(repeated.rbegin(), repeated.rend(), [kind](const event& e) { return e.key.kind == kind; });
  return found == repeated.rend() ? nullptr : &*found;
}

namespace {

constexpr std::array state_names{
    std::pair(alert_state::active_unacknowledged, std::string_view("active_unacknowledged")),
    std::pair(alert_state::active_acknowledged, std::string_view("active_acknowledged")),
    std::pair(alert_state::latched_unacknowledged, std::string_view("latched_unacknowledged")),
    std::pair(alert_state::latched_acknowledged, std::string_view("latched_acknowledged")),
    std::pair(alert_state::returned_unacknowledged, std::string_view("returned_unacknowledged")),
    std::pair(alert_state::cleared, std::string_view("cleared")),
    std::pair(alert_state::shelved, std::string_view("shelved")),
    std::pair(alert_state::suppressed, std::string_view("suppressed")),
    std::pair(alert_state::out_of_service, std::string_view("out_of_service")),
};
constexpr auto states = [] {
  std::array<alert_state, state_names.size()> all{};
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = state_names[i].first;
  return all;
}();

}  // namespace

std::span<const alert_state> alert_states() { return states; }
std::string_view to_text(alert_state state) { return state_names.at(static_cast<std::size_t>(state)).second; }

const alarm_detail* hush_of(const finding& alert) {
  if (!alert.open()) return nullptr;
  const auto newest =
      std::find_if(alert.repeated.rbegin(), alert.repeated.rend(), [](const event& e) { return tells_of_hush(e.key.kind); });
  const auto* const said = newest == alert.repeated.rend() ? alert.stated->alarm() : newest->alarm();
  return said == nullptr || said->hushed.empty() ? nullptr : said;
}

alert_state state_of(const finding& alert) {
  const bool seen = alert.acknowledged.has_value();
  if (!alert.open()) return seen ? alert_state::cleared : alert_state::returned_unacknowledged;
  if (const auto* const hush = hush_of(alert))
    for (const auto state : {alert_state::shelved, alert_state::suppressed, alert_state::out_of_service})
      if (hush->hushed == to_text(state)) return state;
  if (alert.latched()) return seen ? alert_state::latched_acknowledged : alert_state::latched_unacknowledged;
  return seen ? alert_state::active_acknowledged : alert_state::active_unacknowledged;
}

severity level_of(const finding& alert) {
  const auto* const step = alert.newest_of(event_kind::alert_stepped);
  return step != nullptr ? step->level : alert.worst().level;
}

alert_peak peak_of(const finding& alert) {
  if (alert.ended)
    if (const auto* const end = std::get_if<alarm_end_detail>(&alert.ended->detail)) return {end->peak, end->peak_us};
  return {alert.worst().value, alert.worst().at_us};
}

finding fold_finding(std::span<const event> events) {
  finding it;
  for (const event& e : events) apply(it, e);
  return it;
}

void put_for_digest(std::string& out, const finding& it) {
  if (!it.holds()) return;
  const event_key& key = it.stated->key;
  put_key32(out, key.sensor);
  put_key_time(out, key.event_time_us);
  put_byte(out, static_cast<std::uint8_t>(key.source));
  put_key32(out, key.rule);
  put_part(out, it.stated);
  // A closing tells all of its episode; how often it was updated on the way depends on how its readings came in.
  const bool told_at_end = it.ended && it.ended->key.kind == event_kind::anomaly_closed;
  put_part(out, it.ended);
  if (told_at_end) return;
  // What readings make of it; what people do at their time is no part of it.
  for (const event& each : it.repeated)
    if (each.who.empty()) put_part(out, each);
}

}  // namespace factory
