#pragma once

#include <cstddef>

#include "actors/engine/engine.hpp"
#include "http/edge/message.hpp"
#include "http/text/reading_text.hpp"

namespace factory {

/// All readings of a range as text, made while it is sent. Each step asks the sensor anew, so nothing in the store is held while a client
/// reads slowly, and goes on behind the last reading: none comes twice, all in order. What arrives meanwhile is there when its time is
/// still ahead.
class reading_export final : public body_source {
 public:
  /// `behind` must outlive it.
  reading_export(engine& behind, sensor_id sensor, const time_range& range, bool descending, reading_text::form how)
      : behind_(behind), sensor_(sensor), range_(range), descending_(descending), text_(sensor, how) {}

  /// Ends the range behind the newest reading of now, so that an export never runs after its sensor, and reads the first step. To be
  /// called once, before next().
  expected<void> begin();
  /// After begin(): the first step has it all.
  bool is_short() const { return last_step_; }
  const char* content_type() const { return text_.content_type(); }
  expected<bool> next(std::string& out) override;

 private:
  expected<void> step();

  engine& behind_;
  sensor_id sensor_;
  time_range range_;  ///< what is left
  bool descending_;
  reading_text text_;
  reading_run rows_;  ///< of the step at hand
  std::size_t row_ = 0;
  bool last_step_ = false, begun_ = false;
};

}  // namespace factory
