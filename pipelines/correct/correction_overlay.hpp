#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/correct/correction.hpp"
#include "pipelines/correct/revised_points.hpp"
#include "pipelines/model/intervals.hpp"
#include "pipelines/model/reading.hpp"
#include "pipelines/model/time_range.hpp"

namespace factory {

/// A change of the readings with begin_us <= time < end_us.
struct changed_range {
  std::int64_t begin_us = 0, end_us = 0;
  reading_change change = {};
  bool operator==(const changed_range&) const = default;
};

/// Appended (coding.hpp); get_ reads from the front of `in` and advances it, and returns false, leaving both anywhere, when damaged.
void put_ranges(std::string& out, const std::vector<changed_range>& ranges);
bool get_ranges(std::string_view& in, std::vector<changed_range>& ranges);

/// The corrections of one sensor that are in force: makes stored readings effective ones. Of a derived sensor also the single readings that its pipeline
/// would have made otherwise; corrections are of these. Immutable, so any number of threads may use it.
class correction_overlay {
 public:
  /// In the order in which they were made: where ranges overlap, a later one changes what the earlier one left.
  explicit correction_overlay(std::vector<changed_range> in_order, std::shared_ptr<const revised_points> points = nullptr);

  /// Rows stay where they are, an excluded one gets its flag. A value that would leave the range of double stays at its end.
  void apply(reading_run& rows) const;
  bool changes(std::int64_t time_us) const;
  /// What is corrected behind this time, in order; without single readings.
  std::vector<changed_range> ranges_behind(std::int64_t time_us) const;
  /// Where detectors neither judge nor learn, joined and in order.
  std::vector<time_range> rests() const { return rests_of(in_order_); }
  bool is_at_rest(std::int64_t time_us) const;
  std::vector<changed_range> rest_ranges() const;  ///< likewise, as they were made
  static std::vector<time_range> rests_of(const std::vector<changed_range>& in_order);
  /// All time that is corrected, joined; single readings that lie near each other with what is between them.
  const interval_set& spans() const { return spans_; }

 private:
  void apply_points(reading_run& rows) const;

  std::vector<changed_range> in_order_;
  std::shared_ptr<const revised_points> points_;
  interval_set spans_, rests_;
};

}  // namespace factory
