#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/judge/revisable.hpp"
#include "pipelines/model/event.hpp"

namespace factory {

/// Says differences as events: what is gone is `withdrawn`, what has other figures is `revised`, what is new is told as if it had been
/// found in order. Gives events that correct others, and those that are told again after a withdrawal, numbers
/// (event_key::revision) from `first_revision` on that no event had before.
class revision_book {
 public:
  static constexpr std::uint32_t first_revision = 1U << 20U;  ///< a detector's own revisions of an episode are below it

  /// Findings of rows in order, on their way out. Nearly always nothing to do.
  void tell(std::span<event> found) {
    if (gone_.empty()) return;
    for (event& each : found) number(each);
  }
  /// `reason` says why, as half a sentence; `received_at_us` is that of the entry that made the difference. Appends to `out`.
  void tell(const std::vector<difference<event>>& differences, std::string_view reason, std::int64_t received_at_us,
            std::vector<event>& out);
  /// As tell(), of what reads otherwise since the past was judged again (correct/historical.hpp): these notify nobody.
  void tell_of_past(const std::vector<difference<event>>& differences, std::string_view reason, std::int64_t received_at_us,
                    std::vector<event>& out);
  /// No reading older than `floor_us` comes any more: what was withdrawn before that will not be told again.
  void settle(std::int64_t floor_us) {
    if (!gone_.empty()) forget_before(floor_us);
  }

  /// An event that the log has and that does not hold is told under another number if it is found again. `is_awaited`: as long as that takes.
  void has_gone(const event_key& key, std::int64_t at_us, bool is_awaited) {
    const auto is_it = [&](const gone_event& each) { return each.key == key; };
    if (std::ranges::none_of(gone_, is_it)) gone_.push_back({key, at_us, is_awaited});
  }

  bool is_fresh() const { return gone_.empty() && next_ == first_revision; }  ///< nothing was ever told otherwise

  void encode(std::string& out) const;  ///< appended
  bool decode(std::string_view& in);    ///< false, and anything in it, when damaged

 private:
  /// An event that was withdrawn, or went with its finding, and may be told again.
  struct gone_event {
    event_key key;
    std::int64_t at_us = 0;
    bool is_awaited = false;  ///< of a finding that goes on: another such event comes, or may come, whenever
  };

  void number(event& e);
  void await_repeats(const event& end, bool goes_on);
  void await_again(const event& stated);
  void note_gone(const event& e, bool with_finding);
  event correction(const event& of, const event& said, event_kind kind, event_detail detail, std::int64_t received_at_us);
  void forget_before(std::int64_t floor_us);

  std::uint32_t next_ = first_revision;
  std::vector<gone_event> gone_;  ///< few, and none where readings come in order
};

}  // namespace factory
