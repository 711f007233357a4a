#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/model/event.hpp"

namespace factory {

/// A finding as its events leave it: an anomaly or an alert. Corrections are worked in: each part says what holds now.
struct finding {
  std::optional<event> stated;        ///< raised, opened; nullopt when that event is not known
  std::optional<event> ended;         ///< cleared, closed
  std::optional<event> acknowledged;  ///< the first
  std::optional<event> feedback;      ///< the newest
  std::vector<event> repeated;        ///< what may happen more than once, by at_us: updated, shelved, escalated ...
  std::uint32_t times_judged = 0;     ///< feedbacks so far: the revision of the next one
  std::uint32_t times_ended = 0;      ///< endings said so far, also those taken back: the revision of the next one
  bool withdrawn = false;             ///< it would not be found in the readings as they are now

  bool holds() const { return stated && !withdrawn; }
  /// An anomaly of one reading (event_kind::anomaly) is never open.
  bool open() const { return holds() && !ended && stated->key.kind != event_kind::anomaly; }
  /// Newest figures: those at its end, else where it has grown to, else as it was stated. REQUIRES `stated`.
  const event& newest() const { return ended ? *ended : worst(); }
  /// The event that told last that it got worse, or stated it. REQUIRES `stated`.
  const event& worst() const;
  /// The newest event of this kind among `repeated`; null when there is none.
  const event* newest_of(event_kind kind) const;
  /// Back in range, and waiting for a reset.
  bool latched() const { return open() && newest_of(event_kind::alert_returned) != nullptr; }
};

/// Where an alert stands, after ISA-18.2. The table of docs/reference/alarms.md has what leads from one to the other.
enum class alert_state : std::uint8_t {
  active_unacknowledged,
  active_acknowledged,
  latched_unacknowledged,
  latched_acknowledged,
  returned_unacknowledged,  ///< over, and nobody has seen it
  cleared,                  ///< over and seen
  shelved,                  ///< of an open alert, as the next two: somebody wants no notice of it for a time
  suppressed,               ///< its machine is not in operation, or another rule tells enough
  out_of_service,           ///< somebody took its rule out of service
};
std::span<const alert_state> alert_states();
std::string_view to_text(alert_state state);  ///< "active_unacknowledged" ...
/// REQUIRES `stated`.
alert_state state_of(const finding& alert);
/// Why nobody is told of an open alert, as of its newest event that says so; null when it is no secret, or over.
const alarm_detail* hush_of(const finding& alert);
/// As it stands: on a ladder the step's.
severity level_of(const finding& alert);
/// The reading that was furthest beyond the limit: of an alert that is over, of all its readings; else as its newest escalation says.
struct alert_peak {
  double value = 0;
  std::int64_t at_us = 0;
};
/// REQUIRES `stated`.
alert_peak peak_of(const finding& alert);

/// Folds events of one finding, in the order of their sequences.
finding fold_finding(std::span<const event> events);
/// One more event.
void apply(finding& to, const event& e);

/// Appends what readings and rules alone decide of a finding that holds: no sequence, no revision, no time of arrival, no
/// acknowledgement, no wording. Nothing for one that does not hold.
void put_for_digest(std::string& out, const finding& it);

}  // namespace factory
