#include <string>
#include <utility>

#include "actors/engine/engine_impl.hpp"
#include "storage/base/limits.hpp"

namespace factory {

namespace {

tl::unexpected<error> takes_no_annotations_now() {
  return fail(errc::stopping, "the engine is stopping; send it again after its restart");
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
  auto done = impl_->commit(std::nullopt, known.writes_of(wanted), [&known, wanted] { known.put(wanted); });
  if (!done) return tl::unexpected(std::move(done.error()));
  return wanted;
}

expected<annotation> engine::change_annotation(annotation wanted) {
  if (impl_->stopping) return takes_no_annotations_now();
  const std::lock_guard one(impl_->changes);
  auto& known = *impl_->annotations;
  if (auto there = known.find(wanted.id); !there) return there;
  wanted.changed_at_us = wall_clock_us();
  auto done = impl_->commit(std::nullopt, known.writes_of(wanted), [&known, wanted] { known.put(wanted); });
  if (!done) return tl::unexpected(std::move(done.error()));
  return wanted;
}

expected<void> engine::remove_annotation(annotation_id id) {
  if (impl_->stopping) return takes_no_annotations_now();
  const std::lock_guard one(impl_->changes);
  auto& known = *impl_->annotations;
  if (auto there = known.find(id); !there) return tl::unexpected(std::move(there.error()));
  return impl_->commit(std::nullopt, annotation_store::writes_of_removal(id), [&known, id] { known.erase(id); });
}

}  // namespace factory
