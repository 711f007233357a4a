#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "pipelines/correct/correction.hpp"
#include "pipelines/correct/revised_points.hpp"
#include "pipelines/model/intervals.hpp"
#include "pipelines/model/reading.hpp"

namespace factory {

/// A change of the readings with begin_us <= time < end_us.
struct changed_range {
  std::int64_t begin_us = 0, end_us = 0;
  reading_change change = {};
};

/// The corrections of one sensor that are in force: makes stored readings effective ones. Of a derived sensor also the single readings that its pipeline
/// would have made otherwise; corrections are of these. Immutable, so any number of threads may use it.
class correction_overlay {
 public:
  /// In the order in which they were made: where ranges overlap, a later one changes what the earlier one left.
  explicit correction_overlay(std::vector<changed_range> in_order, std::shared_ptr<const revised_points> points = nullptr);

  /// Rows stay where they are, an excluded one gets its flag. A value that would leave the range of double stays at its end.
  void apply(reading_run& rows) const;
  bool changes(std::int64_t time_us) const;
  /// All time that is corrected, joined; single readings that lie near each other with what is between them.
  const interval_set& spans() const { return spans_; }

 private:
  void apply_points(reading_run& rows) const;

  std::vector<changed_range> in_order_;
  std::shared_ptr<const revised_points> points_;
  interval_set spans_;
};

}  // namespace factory
