#include "http/notify/delivery_line.hpp"

#include <algorithm>
#include <functional>

#include "http/edge/limits.hpp"

namespace factory {

void delivery_line::add(std::uint64_t id, std::string_view finding, std::int64_t due_us) {
  const std::size_t hash = std::hash<std::string_view>()(finding);
  open_[id] = {hash, due_us, false};
  auto& line = of_finding_[hash];
  const auto place = std::ranges::upper_bound(line, id);
  const bool first = place == line.begin();
  if (first && !line.empty()) waiting_.erase({open_.at(line.front()).due_us, line.front()});  // a dead letter that is sent again
  line.insert(place, id);
  if (first) waiting_.emplace(due_us, id);
}

std::size_t delivery_line::most_under_way() const { return failures_ == 0 ? limits::channel_transfers : 1; }

std::optional<std::uint64_t> delivery_line::begin(std::int64_t now_us) {
  if (due_us() > now_us) return std::nullopt;
  const std::uint64_t id = waiting_.begin()->second;
  waiting_.erase(waiting_.begin());
  open_.at(id).under_way = true;
  ++under_way_;
  return id;
}

std::int64_t delivery_line::due_us() const {
  if (waiting_.empty() || under_way_ >= most_under_way()) return INT64_MAX;
  return std::max(waiting_.begin()->first, paused_until_us_);
}

void delivery_line::end(std::uint64_t id) {
  const auto it = open_.find(id);
  auto& line = of_finding_.at(it->second.finding);
  line.erase(std::ranges::find(line, id));
  if (line.empty()) {
    of_finding_.erase(it->second.finding);
  } else if (auto& next = open_.at(line.front()); !next.under_way) {
    waiting_.emplace(next.due_us, line.front());
  }
  open_.erase(it);
  --under_way_;
}

void delivery_line::sent(std::uint64_t id) {
  end(id);
  failures_ = 0;
  paused_until_us_ = INT64_MIN;
}

void delivery_line::pause(std::int64_t until_us) {
  ++failures_;
  paused_until_us_ = std::max(paused_until_us_, until_us);
}

void delivery_line::given_up(std::uint64_t id, std::optional<std::int64_t> pause_until_us) {
  end(id);
  if (pause_until_us) pause(*pause_until_us);
}

void delivery_line::failed(std::uint64_t id, std::int64_t again_us, std::int64_t pause_until_us) {
  auto& it = open_.at(id);
  it.under_way = false;
  it.due_us = again_us;
  --under_way_;
  pause(pause_until_us);
  if (of_finding_.at(it.finding).front() == id) waiting_.emplace(again_us, id);
}

std::int64_t retry_delay_us(std::uint32_t failures, double chance) {
  const auto doublings = std::min(failures == 0 ? 0U : failures - 1, 20U);
  const auto whole_ms = std::min(limits::first_retry_ms << doublings, limits::longest_retry_ms);
  return static_cast<std::int64_t>(static_cast<double>(whole_ms) * 1'000 * (0.5 + chance / 2));
}

}  // namespace factory
