#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "pipelines/model/event_kind.hpp"
#include "pipelines/model/reading.hpp"

/// The figures of an event beside those that all have. A detail is a struct that names its members once, in `members`; its record, its
/// place in the digest and its JSON follow from that (event_detail.cpp, http/text/event_json.hpp). `members` gives each to the visitor
/// as visit(name, member), and times as visit.time(name, member), or visit.time_or_none where 0 stands for none. A new detail is a struct and a line in `event_detail`.
namespace factory {

/// Nothing beside the common fields.
struct no_detail {
  template <class Self, class Visit>
  static void members(Self&, Visit&) {}
  bool operator==(const no_detail&) const = default;
};

/// A reading against the window before it.
struct z_score_detail {
  double z_score = 0;
  double mean = 0;     ///< of the window before the reading joined
  double std_dev = 0;  ///< likewise
  double threshold = 0;
  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit("z_score", self.z_score);
    visit("mean", self.mean);
    visit("std_dev", self.std_dev);
    visit("threshold", self.threshold);
  }
  bool operator==(const z_score_detail&) const = default;
};

/// An alert: the limit that is passed.
struct limit_detail {
  double limit = 0;
  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit("limit", self.limit);
  }
  bool operator==(const limit_detail&) const = default;
};

/// An alert of which there is more to say.
struct alarm_detail {
  double limit = 0;
  std::string hushed;  ///< why nobody is told: "shelved" "suppressed" "out_of_service", the strongest; empty: they are told
  std::int64_t until_us = 0;  ///< when the shelf ends; 0: it is on none
  std::string step;           ///< of a ladder: "high" "high_high" "low" "low_low"; else empty
  std::string comment;        ///< of a person
  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit("limit", self.limit);
    visit("hushed", self.hushed);
    visit.time_or_none("until", self.until_us);
    visit("step", self.step);
    visit("comment", self.comment);
  }
  bool operator==(const alarm_detail&) const = default;
};

/// The end of an alert that got worse behind its last escalation, or that never told of one.
struct alarm_end_detail : alarm_detail {
  double peak = 0;  ///< the reading that was furthest beyond the limit
  std::int64_t peak_us = 0;
  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    alarm_detail::members(self, visit);
    visit("peak", self.peak);
    visit.time("peak_at", self.peak_us);
  }
  bool operator==(const alarm_end_detail&) const = default;
};

/// What one sensor has to do with the anomaly of its machine.
struct contribution {
  sensor_id sensor = 0;
  double share = 0;  ///< of the score, 0 to 1
  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit("sensor_id", self.sensor);
    visit("share", self.share);
  }
  bool operator==(const contribution&) const = default;
};

/// An anomaly as it stands: begin, end, peak. The common `value` and `level` are those of the peak.
struct episode_detail {
  std::string what;  ///< "spike", "stuck" ...: the fault that the detector takes it for; the source names the detector
  std::uint32_t detector_version = 1;       ///< rises when the detector would say another thing of the same readings
  std::int64_t begin_us = 0;                ///< first reading of the episode
  std::int64_t end_us = 0;                  ///< its last one so far
  std::int64_t peak_us = 0;                 ///< the reading with the highest score
  double expected = 0;                      ///< at the peak
  double low = 0, high = 0;                 ///< the band at the peak: what counts as normal
  double score = 0;                         ///< of the peak; 1.0 is the boundary
  std::uint64_t count = 0;                  ///< readings of the episode beyond the boundary
  std::uint64_t window_count = 0;           ///< readings that `expected` rests on
  std::vector<contribution> contributions;  ///< of a machine's sensors, highest first
  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit("what", self.what);
    visit("detector_version", self.detector_version);
    visit.time("begin", self.begin_us);
    visit.time("end", self.end_us);
    visit.time("peak_at", self.peak_us);
    visit("expected", self.expected);
    visit("low", self.low);
    visit("high", self.high);
    visit("score", self.score);
    visit("count", self.count);
    visit("window_count", self.window_count);
    visit("contributions", self.contributions);
  }
  bool operator==(const episode_detail&) const = default;
};

/// An earlier event of the same finding does not hold any more.
struct withdrawal_detail {
  event_kind corrected{};  ///< the kind of that event; of the one that states the finding: the whole finding goes
  std::string reason;      ///< "a reading came late", "a reading was corrected" ...
  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit("corrected_kind", self.corrected);
    visit("reason", self.reason);
  }
  bool operator==(const withdrawal_detail&) const = default;
};

/// A sensor's watermark was set anew.
struct watermark_detail {
  std::int64_t from_us = 0, to_us = 0;
  std::uint64_t late_count = 0;  ///< readings in a row that came behind the old one
  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.time("from", self.from_us);
    visit.time("to", self.to_us);
    visit("late_count", self.late_count);
  }
  bool operator==(const watermark_detail&) const = default;
};

/// What came of judging the past of a sensor, or of a machine, again.
struct judged_again_detail {
  std::string what;              ///< "exclude", "revert of exclude" ..., "late readings"
  std::uint64_t correction = 0;  ///< 0 for late readings
  std::int64_t begin_us = 0, end_us = 0;
  std::uint64_t alerts_raised = 0, alerts_withdrawn = 0, alerts_revised = 0;
  std::uint64_t anomalies_raised = 0, anomalies_withdrawn = 0, anomalies_revised = 0;
  std::int64_t changed_from_us = 0, changed_to_us = 0;  ///< event times of what changed; 0: nothing did
  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit("what", self.what);
    visit("correction_id", self.correction);
    visit.time("from", self.begin_us);
    visit.time("to", self.end_us);
    visit("alerts_raised", self.alerts_raised);
    visit("alerts_withdrawn", self.alerts_withdrawn);
    visit("alerts_revised", self.alerts_revised);
    visit("anomalies_raised", self.anomalies_raised);
    visit("anomalies_withdrawn", self.anomalies_withdrawn);
    visit("anomalies_revised", self.anomalies_revised);
    visit.time_or_none("changed_from", self.changed_from_us);
    visit.time_or_none("changed_to", self.changed_to_us);
  }
  bool operator==(const judged_again_detail&) const = default;
};

/// What a person thinks of an anomaly.
struct feedback_detail {
  std::string verdict;  ///< "false_alarm" "confirmed" "planned"
  std::string comment;
  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit("verdict", self.verdict);
    visit("comment", self.comment);
  }
  bool operator==(const feedback_detail&) const = default;
};

/// A result of a pipeline.
struct result_detail {
  std::int64_t until_us = 0;  ///< the readings before this instant decide it: the end of its window
  std::uint64_t count = 0;    ///< results in a row for which the condition held, up to here
  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.time("until", self.until_us);
    visit("count", self.count);
  }
  bool operator==(const result_detail&) const = default;
};

/// An earlier event of the same finding, of kind `corrected`, said anew with other figures. The common fields are the new ones.
template <class Figures>
struct revision_of {
  event_kind corrected{};
  std::string reason;
  Figures figures;
  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit("corrected_kind", self.corrected);
    visit("reason", self.reason);
    Figures::members(self.figures, visit);
  }
  bool operator==(const revision_of&) const = default;
};

/// The place of a detail in this list is its number on disk: append only.
using event_detail =
    std::variant<no_detail, z_score_detail, limit_detail, episode_detail, withdrawal_detail, watermark_detail,
                 revision_of<z_score_detail>, revision_of<limit_detail>, revision_of<episode_detail>, feedback_detail,
                 alarm_detail, revision_of<alarm_detail>, result_detail, revision_of<result_detail>, alarm_end_detail,
                 revision_of<alarm_end_detail>, judged_again_detail>;

/// Appends number and members; get_ reads them from the front of `in` and advances it, and returns false when damaged.
void put_detail(std::string& out, const event_detail& detail);
bool get_detail(std::string_view& in, event_detail& detail);

}  // namespace factory
