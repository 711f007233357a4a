#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "pipelines/model/event.hpp"

namespace factory {

/// A finding as its events leave it: an anomaly or an alert. Corrections are worked in: each part says what holds now.
struct finding {
  std::optional<event> stated;        ///< raised, opened; nullopt when that event is not known
  std::optional<event> grown;         ///< newest escalation or update
  std::optional<event> ended;         ///< cleared, closed
  std::optional<event> acknowledged;  ///< the first
  std::optional<event> feedback;      ///< the newest
  std::uint32_t times_judged = 0;     ///< feedbacks so far: the revision of the next one
  std::uint32_t times_ended = 0;      ///< endings said so far, also those taken back: the revision of the next one
  bool withdrawn = false;             ///< it would not be found in the readings as they are now

  bool holds() const { return stated && !withdrawn; }
  /// An anomaly of one reading (event_kind::anomaly) is never open.
  bool open() const { return holds() && !ended && stated->key.kind != event_kind::anomaly; }
  /// Newest figures: those at its end, else where it has grown to, else as it was stated. REQUIRES `stated`.
  const event& newest() const { return ended ? *ended : grown ? *grown : *stated; }
  /// Level and value at its worst so far. REQUIRES `stated`.
  const event& worst() const { return grown ? *grown : *stated; }
};

/// Folds events of one finding, in the order of their sequences.
finding fold_finding(std::span<const event> events);

/// Appends what readings and rules alone decide of a finding that holds: no sequence, no revision, no time of arrival, no
/// acknowledgement, no wording. Nothing for one that does not hold.
void put_for_digest(std::string& out, const finding& it);

}  // namespace factory
