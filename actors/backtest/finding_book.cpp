#include "actors/backtest/finding_book.hpp"

#include <algorithm>
#include <utility>

#include "storage/events/finding_digest.hpp"

namespace factory {

void finding_book::add(std::vector<event> found) {
  const std::lock_guard lock(mutex_);
  for (auto& each : found) {
    auto& of_one = events_[{each.key.sensor, each.key.event_time_us, each.key.source, each.key.rule}];
    if (std::ranges::any_of(of_one, [&](const event& known) { return known.key == each.key; })) continue;
    if (count_ == most_) {
      overflowed_ = true;
      return;
    }
    ++count_;
    each.sequence = of_one.size() + 1;
    each.explanation = {};  // nobody reads it
    of_one.push_back(std::move(each));
  }
}

bool finding_book::overflowed() const {
  const std::lock_guard lock(mutex_);
  return overflowed_;
}

void finding_book::visit(const std::function<void(const finding&)>& each) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [key, of_one] : events_)
    if (const auto folded = fold_finding(of_one); folded.holds()) each(folded);
}

std::uint64_t finding_book::digest(const std::function<bool(const event_key&)>& counts) const {
  const std::lock_guard lock(mutex_);
  finding_digest digest;
  for (const auto& [key, of_one] : events_)
    if (counts(of_one.front().key)) digest.add(fold_finding(of_one));
  return digest.value();
}

}  // namespace factory
