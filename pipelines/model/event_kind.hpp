#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

/// What an event says. One line is one kind: name, number on disk (never changed, never given again), and what it does to its finding.
/// The text in answers is the name. A kind whose figures no detail has yet adds one to event_detail.hpp; nothing else lists kinds.
#define FACTORY_EVENT_KINDS(KIND)                                                                              \
  KIND(anomaly, 1, states)              /* one reading stands out: an episode of one reading, over at once */  \
  KIND(alert_raised, 2, states)         /* a limit is passed */                                                \
  KIND(alert_cleared, 3, ends)          /* back in range, or the limit, the rule or the sensor is gone */      \
  KIND(alert_acknowledged, 4, notes)    /* `who` has seen it */                                                \
  KIND(alert_escalated, 5, repeats)     /* it got worse: level and value are those of its peak */              \
  KIND(revised, 6, corrects)            /* after a late or corrected reading, an earlier event is said anew */ \
  KIND(withdrawn, 7, corrects)          /* likewise, it would not be said any more */                          \
  KIND(anomaly_opened, 8, states)       /* an episode begins */                                                \
  KIND(anomaly_updated, 9, repeats)     /* it goes on: new end, count, peak */                                 \
  KIND(anomaly_closed, 10, ends)        /* it is over */                                                       \
  KIND(watermark_reanchored, 11, notes) /* arrival contradicted a sensor's watermark, which was set anew */    \
  KIND(anomaly_feedback, 12, notes)     /* `who` said what to think of it; the newest counts */                \
  KIND(alert_returned, 13, repeats)     /* back in range; the rule latches, so it waits for a reset */         \
  KIND(alert_shelved, 14, repeats)      /* `who` wants no notice of it until a time */                         \
  KIND(alert_unshelved, 15, repeats)    /* that is over: by `who`, or the time has come */                     \
  KIND(alert_suppressed, 16, repeats)   /* its machine or another rule makes it no news */                     \
  KIND(alert_unsuppressed, 17, repeats) /* that is over */                                                     \
  KIND(alert_taken_out, 18, repeats)    /* `who` took its rule out of service */                               \
  KIND(alert_put_back, 19, repeats)     /* and put it back */                                                  \
  KIND(alert_stepped, 20, repeats)      /* another step of its ladder */                                       \
  KIND(alert_reminded, 21, repeats)     /* it stands, and nobody has seen it: told once more */                \
  KIND(readings_corrected, 25, notes)   /* `who` corrected the past, or took that back: what came of it */     \
  KIND(backlog_judged, 26, notes)       /* readings that came too late to be judged at once were judged */     \
  KIND(pipeline_raised, 30, states)     /* what a pipeline computes meets a condition */                       \
  KIND(pipeline_cleared, 31, ends)      /* it does so no more, or the pipeline is gone */

namespace factory {

enum class event_kind : std::uint8_t {
#define FACTORY_KIND(name, number, role) name = number,
  FACTORY_EVENT_KINDS(FACTORY_KIND)
#undef FACTORY_KIND
};

/// What an event does to the finding that it is about (finding.hpp).
enum class event_role : std::uint8_t {
  states,    ///< the finding is there from now on
  ends,      ///< it is over
  notes,     ///< somebody saw it or said something of it; its figures stay
  repeats,   ///< it goes on, with these figures, and that may happen again: each stays, told apart by its time
  corrects,  ///< an earlier event of the finding is said anew or taken back
};

/// All kinds, in the order of their numbers.
std::span<const event_kind> event_kinds();
std::string_view to_text(event_kind kind);
std::optional<event_kind> parse_event_kind(std::string_view text);
bool is_event_kind(std::uint8_t stored);
event_role role_of(event_kind kind);

}  // namespace factory
