#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actors/engine/engine_impl.hpp"
#include "storage/base/limits.hpp"

namespace factory {

namespace {

tl::unexpected<error> takes_no_annotations_now() {
  return fail(errc::stopping, "the engine is stopping; send it again after its restart");
}

/// What a correction needs that keeps readings out of the baseline, and takes such a correction back.
class exclusion_change {
 public:
  explicit exclusion_change(engine::impl& parts) : parts_(parts), next_step_(parts.corrections->next_step()) {}

  void revert(const annotation& it, std::string reason, const std::string& by, std::int64_t now_us) {
    if (it.correction == 0) return;
    auto made = parts_.corrections->find(it.correction);
    if (!made || !made->in_force()) return;
    made->reverted = correction::reversion{now_us, by, std::move(reason), next_step_++};
    entries_.push_back(std::move(*made));
  }
  /// Of all sensors that it is about now.
  expected<void> make(annotation& it, std::int64_t now_us) {
    it.correction = 0;
    correction made;
    if (it.sensor != 0)
      made.sensors = {it.sensor};
    else
      for (const auto& each : parts_.entities->sensors(it.machine)) made.sensors.push_back(each.id);
    if (made.sensors.empty()) return {};
    std::ranges::sort(made.sensors);
    for (const auto sensor : made.sensors)
      if (parts_.corrections->count_in_force(sensor) >= limits::corrections_in_force)
        return fail(errc::conflict, "sensor " + std::to_string(sensor) + " has " + std::to_string(limits::corrections_in_force) +
                                        " corrections in force; revert one that is not needed");
    made.begin_us = it.begin_us;
    made.end_us = it.end_us;
    made.change.action = correction_action::rest;
    made.reason = std::string(to_text(it.kind)) + ": " + it.text;
    made.by = it.by;
    made.made_at_us = now_us;
    made.id = it.correction = parts_.corrections->next_id();
    made.step = next_step_++;
    entries_.push_back(std::move(made));
    return {};
  }
  std::vector<catalog_write> writes() const {
    std::vector<catalog_write> all;
    for (const auto& each : entries_)
      for (auto& write : correction_store::writes_of(each)) all.push_back(std::move(write));
    return all;
  }
  /// When they are committed.
  void put() const {
    for (const auto& each : entries_) parts_.corrections->put(each);
    if (!entries_.empty()) parts_.past->wake();
  }

 private:
  engine::impl& parts_;
  std::uint64_t next_step_;
  std::vector<correction> entries_;
};

/// One entry of the journal with what it does to detectors. `before`: as it was.
expected<annotation> put_annotation(engine::impl& parts, annotation wanted, std::optional<annotation> before) {
  auto& known = *parts.annotations;
  exclusion_change change(parts);
  const auto same_span = [&] { return before->begin_us == wanted.begin_us && before->end_us == wanted.end_us; };
  const bool stays =
      before && before->exclude_from_baseline == wanted.exclude_from_baseline && (!wanted.exclude_from_baseline || same_span());
  if (before && !stays) change.revert(*before, "the annotation was changed", wanted.by, wanted.changed_at_us);
  if (!stays) {
    wanted.correction = 0;
    if (wanted.exclude_from_baseline)
      if (auto made = change.make(wanted, wanted.changed_at_us); !made) return tl::unexpected(std::move(made.error()));
  }
  auto writes = change.writes();
  for (auto& each : known.writes_of(wanted)) writes.push_back(std::move(each));
  auto done = parts.commit(std::nullopt, std::move(writes), [&known, wanted, change] {
    known.put(wanted);
    change.put();
  });
  if (!done) return tl::unexpected(std::move(done.error()));
  return wanted;
}

}  // namespace

const annotation_store& engine::annotations() const { return *impl_->annotations; }

expected<annotation> engine::annotate(annotation wanted) {
  if (impl_->stopping) return takes_no_annotations_now();
  const std::lock_guard one(impl_->changes);
  auto& known = *impl_->annotations;
  if (known.size() >= limits::annotations)
    return fail(errc::conflict, "there are " + std::to_string(limits::annotations) + " annotations; delete old ones");
  wanted.id = known.next_id();
  wanted.created_at_us = wanted.changed_at_us = wall_clock_us();
  return put_annotation(*impl_, std::move(wanted), std::nullopt);
}

expected<annotation> engine::change_annotation(annotation wanted) {
  if (impl_->stopping) return takes_no_annotations_now();
  const std::lock_guard one(impl_->changes);
  auto there = impl_->annotations->find(wanted.id);
  if (!there) return there;
  wanted.changed_at_us = wall_clock_us();
  wanted.correction = there->correction;
  return put_annotation(*impl_, std::move(wanted), std::move(*there));
}

expected<void> engine::remove_annotation(annotation_id id) {
  if (impl_->stopping) return takes_no_annotations_now();
  const std::lock_guard one(impl_->changes);
  auto& known = *impl_->annotations;
  auto there = known.find(id);
  if (!there) return tl::unexpected(std::move(there.error()));
  exclusion_change change(*impl_);
  change.revert(*there, "the annotation was deleted", there->by, wall_clock_us());
  auto writes = change.writes();
  for (auto& each : annotation_store::writes_of_removal(id)) writes.push_back(std::move(each));
  return impl_->commit(std::nullopt, std::move(writes), [&known, id, change] {
    known.erase(id);
    change.put();
  });
}

}  // namespace factory
