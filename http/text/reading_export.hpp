#pragma once

#include <cstddef>

#include "actors/ports/query_port.hpp"
#include "http/edge/message.hpp"
#include "http/text/reading_text.hpp"

namespace factory {

/// All readings of a range as text, produced while it is sent. Each step asks the sensor anew, so a slow client holds nothing in the store.
/// A step continues after the last reading, so none comes twice and all are in order. Readings that arrive meanwhile appear if their time is
/// still ahead.
class reading_export final : public body_source {
 public:
  /// `behind` must outlive it.
  reading_export(query_port& behind, sensor_id sensor, const time_range& range, bool descending, reading_text::form how,
                 reading_form as = reading_form::effective)
      : behind_(behind), sensor_(sensor), range_(range), descending_(descending), as_(as), text_(sensor, how) {}

  /// Ends the range at the newest reading of this moment, so that an export never chases its sensor, and reads the first step. Call it
  /// once, before next().
  expected<void> begin();
  /// After begin(): true when the first step has the whole range.
  bool is_short() const { return last_step_; }
  const char* content_type() const { return text_.content_type(); }
  expected<bool> next(std::string& out) override;

 private:
  expected<void> step();

  query_port& behind_;
  sensor_id sensor_;
  time_range range_;  ///< the rest of the range
  bool descending_;
  reading_form as_;
  reading_text text_;
  reading_run rows_;  ///< of the current step
  std::size_t row_ = 0;
  bool last_step_ = false, begun_ = false;
};

}  // namespace factory
