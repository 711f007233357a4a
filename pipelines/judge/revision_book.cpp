#include "pipelines/judge/revision_book.hpp"

#include <algorithm>
#include <variant>

#include "pipelines/correct/historical.hpp"
#include "pipelines/model/coding.hpp"
#include "pipelines/model/finding.hpp"

namespace factory {

namespace {

event_key finding_of(const event_key& key) { return with_kind(key, {}); }
bool states(const event& e) { return role_of(e.key.kind) == event_role::states; }

/// The figures of an event as a correction of the event of kind `corrected`.
struct as_correction {
  event_kind corrected;
  std::string_view reason;

  event_detail operator()(const z_score_detail& figures) const { return of(figures); }
  event_detail operator()(const limit_detail& figures) const { return of(figures); }
  event_detail operator()(const alarm_detail& figures) const { return of(figures); }
  event_detail operator()(const alarm_end_detail& figures) const { return of(figures); }
  event_detail operator()(const episode_detail& figures) const { return of(figures); }
  event_detail operator()(const result_detail& figures) const { return of(figures); }
  template <class Other>
  event_detail operator()(const Other&) const {
    return no_detail{};
  }
  template <class Figures>
  event_detail of(const Figures& figures) const {
    return revision_of<Figures>{corrected, std::string(reason), figures};
  }
};

/// While a finding goes on, such an event may be told of it again at any time.
bool may_come_again(event_role role) { return role == event_role::repeats; }

}  // namespace

/// While a finding goes on, what repeats may be told again at any time; behind its end it is not, unless the end is taken back.
void revision_book::await_repeats(const event& end, bool goes_on) {
  for (auto& each : gone_) {
    if (!may_come_again(role_of(each.key.kind)) || finding_of(each.key) != finding_of(end.key)) continue;
    each.is_awaited = goes_on;
    each.at_us = std::max(each.at_us, end.at_us);
  }
}

/// A finding that went as a whole is there again: its end is still to come, whenever, and what repeats may.
void revision_book::await_again(const event& stated) {
  for (auto& each : gone_) {
    const auto role = role_of(each.key.kind);
    if (finding_of(each.key) == finding_of(stated.key) && (role == event_role::ends || may_come_again(role)))
      each.is_awaited = true;
  }
}

void revision_book::number(event& e) {
  if (role_of(e.key.kind) == event_role::ends) await_repeats(e, false);
  if (states(e)) await_again(e);
  const auto told_before = std::ranges::find(gone_, e.key, &gone_event::key);
  if (told_before == gone_.end()) return;
  gone_.erase(told_before);
  e.key.revision = next_++;
}

void revision_book::note_gone(const event& e, bool with_finding) {
  const auto role = role_of(e.key.kind);
  if (role == event_role::ends && !with_finding) await_repeats(e, true);
  gone_.push_back({e.key, e.at_us, !with_finding && (role == event_role::ends || may_come_again(role))});
  if (!with_finding) return;
  for (auto& each : gone_)
    if (finding_of(each.key) == finding_of(e.key)) each.is_awaited = false;
}

event revision_book::correction(const event& of, const event& said, event_kind kind, event_detail detail,
                                std::int64_t received_at_us) {
  event made = said;
  made.key = with_kind(of.key, kind, next_++);
  made.recorded_at_us = received_at_us;
  made.detail = std::move(detail);
  return made;
}

void revision_book::tell(const std::vector<difference<event>>& differences, std::string_view reason, std::int64_t received_at_us,
                         std::vector<event>& out) {
  std::vector<event_key> gone;  // as a whole: with them goes all that was said of them
  for (const auto& [before, after] : differences)
    if (before && !after && states(*before)) gone.push_back(finding_of(before->key));
  for (const auto& [before, after] : differences) {
    if (before && after) {
      auto figures = std::visit(as_correction{after->key.kind, reason}, after->detail);
      out.push_back(correction(*before, *after, event_kind::revised, std::move(figures), received_at_us));
    } else if (after) {
      number(out.emplace_back(*after));
    } else {
      const bool with_finding = std::ranges::find(gone, finding_of(before->key)) != gone.end();
      note_gone(*before, with_finding);
      if (with_finding && !states(*before)) continue;
      out.push_back(correction(*before, *before, event_kind::withdrawn, withdrawal_detail{before->key.kind, std::string(reason)},
                               received_at_us));
    }
  }
}

void revision_book::tell_of_past(const std::vector<difference<event>>& differences, std::string_view reason,
                                 std::int64_t received_at_us, std::vector<event>& out) {
  const auto told = out.size();
  tell(differences, reason, received_at_us, out);
  for (auto i = told; i < out.size(); ++i) {
    auto& revision = out[i].key.revision;
    revision = live_historical_revision + (revision < first_revision ? next_++ : revision) - first_revision;
  }
}

void revision_book::forget_before(std::int64_t floor_us) {
  std::erase_if(gone_, [floor_us](const gone_event& each) { return each.at_us < floor_us && !each.is_awaited; });
}

void revision_book::encode(std::string& out) const {
  put_varint(out, next_ - first_revision);
  put_varint(out, gone_.size());
  for (const auto& each : gone_) {
    put_varint(out, each.key.sensor);
    put_zigzag(out, each.key.event_time_us);
    put_byte(out, static_cast<std::uint8_t>(each.key.source));
    put_varint(out, each.key.rule);
    put_byte(out, static_cast<std::uint8_t>(each.key.kind));
    put_varint(out, each.key.revision);
    put_zigzag(out, each.at_us);
    put_byte(out, each.is_awaited ? 1 : 0);
  }
}

bool revision_book::decode(std::string_view& in) {
  std::uint64_t count = 0;
  std::uint32_t given = 0;
  if (!get_varint_as(in, given) || !get_varint(in, count) || count > in.size()) return false;
  next_ = first_revision + given;
  gone_.resize(count);
  for (auto& each : gone_) {
    std::uint8_t source = 0, kind = 0, is_awaited = 0;
    if (!get_varint_as(in, each.key.sensor) || !get_zigzag(in, each.key.event_time_us) || !get_byte(in, source) ||
        !get_varint_as(in, each.key.rule) || !get_byte(in, kind) || !get_varint_as(in, each.key.revision) ||
        !get_zigzag(in, each.at_us) || !get_byte(in, is_awaited))
      return false;
    each.key.source = static_cast<event_source>(source);
    each.key.kind = static_cast<event_kind>(kind);
    each.is_awaited = is_awaited != 0;
  }
  return true;
}

}  // namespace factory
