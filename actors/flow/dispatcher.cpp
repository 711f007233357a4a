#include "actors/flow/dispatcher.hpp"

#include <algorithm>
#include <utility>

#include "actors/engine/limits.hpp"

namespace factory {

namespace {

bool has_one_of(const reading_batch& readings, const std::vector<slice>& wanted) {
  const auto before = [](const slice& a, const slice& b) { return a.sensor < b.sensor; };
  const auto& slices = readings.slices;
  return std::any_of(wanted.begin(), wanted.end(),
                     [&](const slice& each) { return std::binary_search(slices.begin(), slices.end(), each, before); });
}

}  // namespace

void dispatcher::put(const journal_entry& entry, progress& counts) {
  const std::lock_guard lock(mutex_);
  if (in_line_.empty() || in_line_.back()->reading_count >= limits::group_readings)
    in_line_.push_back(std::make_shared<batch_group>());
  in_line_.back()->add(entry, counts);
  put_entries_.fetch_add(1);
}

/// Waits while another thread sends a group: until that thread is done, some of its messages are in no mailbox and no longer in line.
bool dispatcher::overtakes(const journal_entry& entry, progress& counts) {
  if (entry.readings->size() > limits::overtaking_readings) return false;
  const std::lock_guard one(sending_);
  if (!run_ || is_in_line(entry.readings->slices)) return false;
  const auto* const alone = &entry;
  run_(group_of({&alone, 1}, counts));
  return true;
}

/// Also true when the line is too long to search.
bool dispatcher::is_in_line(const std::vector<slice>& of_sensors) {
  const std::lock_guard lock(mutex_);
  std::size_t entries = 0;
  for (const auto& group : in_line_) entries += group->flows.size();
  if (entries > limits::overtaken_entries) return true;
  const auto concerns = [&](const batch_flow& flow) { return has_one_of(*flow.readings, of_sensors); };
  return std::any_of(in_line_.begin(), in_line_.end(),
                     [&](const auto& group) { return std::any_of(group->flows.begin(), group->flows.end(), concerns); });
}

bool dispatcher::has_room_for_more() {
  const std::lock_guard lock(mutex_);
  return !in_line_.empty() && under_way_.load() < limits::groups_under_way;
}

/// Returns when another thread is sending: that thread checks for more work after it has sent.
void dispatcher::send_where_room() {
  while (has_room_for_more()) {
    sent_group sent;
    std::unique_lock one(sending_, std::try_to_lock);
    if (!one.owns_lock()) return;
    if (has_room_for_more()) sent = send_first();
    const bool closed = !send_;
    one.unlock();
    if (closed) return;
  }
}

void dispatcher::pass_on() {
  const auto wanted = put_entries_.load();
  while (sent_entries_.load() < wanted) {
    sent_group sent;
    std::unique_lock one(sending_);
    if (!send_) return;
    if (sent_entries_.load() < wanted) sent = send_first();
    one.unlock();
  }
  send_where_room();
}

/// REQUIRES: the caller holds sending_, and the line is not empty.
dispatcher::sent_group dispatcher::send_first() {
  std::shared_ptr<batch_group> group;
  {
    const std::lock_guard lock(mutex_);
    group = std::move(in_line_.front());
    in_line_.pop_front();
  }
  if (!send_) return {};
  group->arrange();
  under_way_.fetch_add(1);
  turn its_turn(nullptr, [line = weak_from_this()](void*) {
    const auto still = line.lock();
    if (!still) return;
    still->under_way_.fetch_sub(1);
    still->send_where_room();
  });
  send_(group, its_turn);
  sent_entries_.fetch_add(group->flows.size());
  return {std::move(group), std::move(its_turn)};
}

void dispatcher::close() {
  std::deque<std::shared_ptr<batch_group>> dropped;
  const std::lock_guard one(sending_);
  send_ = nullptr;
  run_ = nullptr;
  const std::lock_guard lock(mutex_);
  dropped.swap(in_line_);
}

}  // namespace factory
