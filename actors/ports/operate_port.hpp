#pragma once

#include <optional>
#include <string>

#include "actors/backtest/backtest_service.hpp"
#include "pipelines/alarm/limit_order.hpp"
#include "pipelines/correct/annotation.hpp"
#include "pipelines/correct/consequences.hpp"
#include "pipelines/correct/correction.hpp"
#include "pipelines/model/finding.hpp"
#include "pipelines/model/result.hpp"
#include "storage/catalog/catalog.hpp"
#include "storage/spc/spc_limit_store.hpp"

namespace factory {

/// What people say about findings and readings. A command goes through the journal, so a restart does not forget it; the call returns when what came of
/// it can be read.
class operate_port {
 public:
  virtual ~operate_port() = default;

  /// not_found for an unknown alert; acknowledging twice keeps the first.
  virtual expected<finding> acknowledge(const event_key& raised, std::string who, std::string comment = {}) = 0;
  /// What an operator asks of the limit that raised an alert; `what` has the action, its terms, who and comment. conflict where there is
  /// nothing to take off or to reset; a reset comes behind the acknowledgement.
  virtual expected<finding> order(const event_key& raised, limit_order what) = 0;
  /// take_out or put_back of a rule, on all its sensors or on one of them; conflict when it is out of service on none.
  virtual expected<void> order_rule(const alert_rule& rule, std::optional<sensor_id> on, limit_order what) = 0;
  /// What a person thinks of an anomaly. not_found for an unknown one; the newest counts.
  virtual expected<finding> give_feedback(const event_key& anomaly, std::string verdict, std::string comment,
                                          std::string who) = 0;
  /// Makes control limits those that the sensor's readings are held against; durable when it returns.
  virtual expected<frozen_limits> freeze(sensor_id sensor, frozen_limits wanted) = 0;
  /// What rules and detectors would have said of the past.
  virtual backtest_service& backtests() = 0;

  /// Notes a span of time of a machine or a sensor; id and times are given here. conflict at limits::annotations.
  virtual expected<annotation> annotate(annotation wanted) = 0;
  virtual expected<annotation> change_annotation(annotation wanted) = 0;  ///< not_found "Annotation not found"
  virtual expected<void> remove_annotation(annotation_id id) = 0;         ///< likewise

  /// Puts a correction into force: of `wanted` its sensors, range, change and words. Asked again with the same words it gives the one that is
  /// in force: a retry changes nothing. invalid where its range reaches into the time that is still being judged.
  virtual expected<correction> correct(correction wanted) = 0;
  /// Takes it out of force; reverting twice keeps the first. not_found "Correction not found".
  virtual expected<correction> revert_correction(correction_id id, std::string by, std::string reason) = 0;
  /// What would follow from either, without doing it. too_large for more than limits::sensors_a_preview sensors.
  virtual expected<consequences> preview(correction wanted) = 0;
  virtual expected<consequences> preview_revert(correction_id id) = 0;
  /// What followed from a step of a correction (correction::step), which is judged in the background; nullopt when that is not done yet after
  /// `wait_ms`.
  virtual std::optional<consequences> consequences_of(std::uint64_t step, std::int64_t wait_ms) = 0;
};

}  // namespace factory
