#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pipelines/correct/consequences.hpp"
#include "pipelines/correct/correction.hpp"
#include "pipelines/correct/correction_overlay.hpp"
#include "pipelines/model/result.hpp"
#include "storage/base/database.hpp"
#include "storage/corrections/revision_store.hpp"
#include "storage/journal/journal.hpp"

namespace factory {

using shared_overlay = std::shared_ptr<const correction_overlay>;

/// The corrections, in the catalog's column family under 'k' and the id, and what came of them, under 'q' and the step; none is ever deleted. Beside them
/// the revisions of derived sensors (revision_store). Changing: the caller commits writes_of() through the journal, then calls put(). Thread-safe.
class correction_store {
 public:
  explicit correction_store(database& db) : db_(db), revisions_(db) {}
  expected<void> load();

  expected<correction> find(correction_id id) const;  ///< not_found "Correction not found"
  /// Newest first: those with id < `before` (0: all) that `like` takes, at most `limit`.
  std::vector<correction> newest(correction_id before, std::size_t limit,
                                 const std::function<bool(const correction&)>& like) const;
  /// Corrections in force of the sensor.
  std::size_t count_in_force(sensor_id sensor) const;

  /// A making or a revert, in the order in which they took force.
  struct step {
    std::uint64_t number = 0;
    correction of;
    bool is_revert() const { return of.step != number; }
  };
  /// The first step whose consequences are not known yet.
  std::optional<step> first_open_step() const;
  std::size_t open_steps() const;
  std::optional<consequences> consequences_of(std::uint64_t number) const;
  /// Known from now on, also after a restart.
  expected<void> put_consequences(std::uint64_t number, const consequences& all);
  /// What the sensor's readings counted as when step `at` had been taken and no later one; `more` is a correction on top of that.
  shared_overlay overlay_at(sensor_id sensor, std::uint64_t at, const correction* more = nullptr) const;
  /// As of now, but without one that is in force.
  shared_overlay overlay_without(sensor_id sensor, correction_id id) const;

  /// What the sensor's readings count as; null when they count as stored. Nearly free where no correction is in force.
  shared_overlay overlay_of(sensor_id sensor) const;

  /// Readings of derived sensors that count otherwise; every overlay has them as they are now.
  const revision_store& revisions() const { return revisions_; }
  void put_revision(sensor_id sensor, derived_revision now);
  /// As overlay_at(), with other revisions.
  shared_overlay overlay_with(sensor_id sensor, std::uint64_t at, std::shared_ptr<const revised_points> points) const;

  correction_id next_id() const;
  std::uint64_t next_step() const;
  static std::vector<catalog_write> writes_of(const correction& entry);
  void put(correction entry);

 private:
  using wanted = std::function<bool(const correction&)>;
  void place(correction entry);
  shared_overlay made_for(sensor_id sensor, const wanted& each, const correction* more = nullptr) const;
  shared_overlay made_for(sensor_id sensor, const wanted& each, const correction* more,
                          std::shared_ptr<const revised_points> points) const;

  void renew_overlay(sensor_id sensor);

  database& db_;
  revision_store revisions_;
  mutable std::mutex mutex_;
  std::map<correction_id, correction> entries_;
  std::unordered_map<sensor_id, std::vector<correction_id>> of_sensor_;  ///< ascending
  std::unordered_map<sensor_id, shared_overlay> overlays_;  ///< of sensors with a correction in force, or with a revision
  std::atomic<bool> any_in_force_{false};
  std::uint64_t steps_ = 0;
  std::map<std::uint64_t, correction_id> correction_of_;  ///< by step
  std::map<std::uint64_t, consequences> consequences_;    ///< by step
};

std::string encode(const correction& entry);
bool decode(std::string_view in, correction& entry);

}  // namespace factory
