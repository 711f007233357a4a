#include "pipelines/correct/historical.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "pipelines/model/finding.hpp"

namespace factory {

namespace {

/// What an event says, but when it came and under which revision.
bool says_the_same(const event& a, const event& b) {
  return a.key.kind == b.key.kind && a.at_us == b.at_us && a.value == b.value && a.level == b.level && a.detail == b.detail;
}
bool says_the_same(const std::optional<event>& a, const std::optional<event>& b) {
  return a.has_value() == b.has_value() && (!a || says_the_same(*a, *b));
}

/// What readings make of an alert while it stands, without what people do.
std::vector<event> repeated_by_readings(const finding& it) {
  std::vector<event> found;
  std::ranges::copy_if(it.repeated, std::back_inserter(found), [](const event& each) { return each.who.empty(); });
  return found;
}

/// How an anomaly went on is of no interest once its end tells all of it.
bool went_the_same_way(const finding& a, const finding& b) {
  const bool told_at_end = a.ended && b.ended && a.ended->key.kind == event_kind::anomaly_closed;
  return told_at_end || std::ranges::equal(repeated_by_readings(a), repeated_by_readings(b),
                                           [](const event& x, const event& y) { return says_the_same(x, y); });
}

std::vector<event> until(std::span<const event> all, std::int64_t time_us) {
  std::vector<event> out;
  std::ranges::copy_if(all, std::back_inserter(out), [time_us](const event& each) { return each.at_us <= time_us; });
  return out;
}

class teller {
 public:
  teller(std::span<const event> stored, std::string_view reason, std::int64_t recorded_at_us)
      : reason_(reason), recorded_at_us_(recorded_at_us) {
    for (const auto& each : stored)
      if (is_historical(each.key) && each.key.revision < live_historical_revision) next_ = std::max(next_, each.key.revision + 1);
  }
  void withdraw(const event& said) {
    event& made = add(said, event_kind::withdrawn);
    made.detail = withdrawal_detail{said.key.kind, std::string(reason_)};
  }
  void revise(const event& said, const event& anew) {
    event& made = add(anew, event_kind::revised);
    made.detail = std::visit([&](const auto& figures) { return revision(said.key.kind, figures); }, anew.detail);
  }
  void tell(const event& anew) { add(anew, anew.key.kind); }
  std::vector<event> take() { return std::move(out_); }

 private:
  event& add(const event& like, event_kind kind) {
    event& made = out_.emplace_back(like);
    made.key = with_kind(like.key, kind, next_++);
    made.sequence = 0;
    made.recorded_at_us = recorded_at_us_;
    return made;
  }
  template <class Figures>
  event_detail revision(event_kind corrected, const Figures& figures) const {
    if constexpr (std::is_constructible_v<event_detail, revision_of<Figures>>)
      return revision_of<Figures>{corrected, std::string(reason_), figures};
    else
      return figures;
  }

  std::string_view reason_;
  std::int64_t recorded_at_us_;
  std::uint32_t next_ = historical_revision;
  std::vector<event> out_;
};

}  // namespace

std::vector<event> told_again(std::span<const event> stored, std::span<const event> all_wanted, std::string_view reason,
                              std::int64_t recorded_at_us, std::int64_t until_us) {
  const auto wanted = until(all_wanted, until_us);
  const finding is = fold_finding(until(stored, until_us)), should_be = fold_finding(wanted);
  teller say(stored, reason, recorded_at_us);
  if (!should_be.holds()) {
    if (is.holds()) say.withdraw(*is.stated);
    return say.take();
  }
  const bool begins_the_same = is.holds() && is.stated->key.kind == should_be.stated->key.kind &&
                               is.stated->detail.index() == should_be.stated->detail.index();
  if (!begins_the_same || !went_the_same_way(is, should_be)) {
    if (is.holds()) say.withdraw(*is.stated);
    for (const auto& each : wanted) say.tell(each);
    return say.take();
  }
  if (!says_the_same(is.stated, should_be.stated)) say.revise(*is.stated, *should_be.stated);
  if (says_the_same(is.ended, should_be.ended)) return say.take();
  if (is.ended) say.withdraw(*is.ended);
  if (should_be.ended) say.tell(*should_be.ended);
  return say.take();
}

}  // namespace factory
