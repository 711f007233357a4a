#include "actors/streams/stream_outbox.hpp"

#include <algorithm>
#include <utility>

#include "pipelines/model/coding.hpp"

namespace factory {

std::size_t stream_outbox::size() const {
  auto count = waiting_.size();
  for (const auto& [number, all] : handed_) count += all.size();
  return count;
}

std::vector<derived_reading> stream_outbox::take(std::uint64_t number) {
  const auto& taken = handed_.emplace_back(number, std::exchange(waiting_, {})).second;
  std::vector<derived_reading> all;
  all.reserve(taken.size());
  for (const auto& [place, said] : taken)
    all.push_back({place.first, place.second, said.value, said.is_gone ? flag_excluded : flag_none});
  return all;
}

void stream_outbox::committed(std::uint64_t number) {
  const auto later = std::ranges::find_if(handed_, [number](const auto& each) { return each.first > number; });
  handed_.erase(handed_.begin(), later);
}

namespace {

void put_place(std::string& out, const std::pair<sensor_id, std::int64_t>& place, double value) {
  put_varint(out, place.first);
  put_zigzag(out, place.second);
  put_double(out, value);
}

}  // namespace

/// Readings, then those that are taken back, which older states do not have.
void stream_outbox::encode(std::string& out) const {
  auto all = waiting_;
  for (auto each = handed_.rbegin(); each != handed_.rend(); ++each) all.insert(each->second.begin(), each->second.end());
  const auto gone = static_cast<std::size_t>(std::ranges::count_if(all, [](const auto& each) { return each.second.is_gone; }));
  put_varint(out, all.size() - gone);
  for (const auto& [place, said] : all)
    if (!said.is_gone) put_place(out, place, said.value);
  if (gone == 0) return;
  put_varint(out, gone);
  for (const auto& [place, said] : all)
    if (said.is_gone) put_place(out, place, said.value);
}

bool stream_outbox::decode(std::string_view& in) {
  waiting_.clear();
  handed_.clear();
  for (const bool is_gone : {false, true}) {
    std::uint64_t count = 0;
    if (is_gone && in.empty()) return true;
    if (!get_varint(in, count) || count > in.size()) return false;
    for (; count > 0; --count) {
      std::pair<sensor_id, std::int64_t> place;
      double value = 0;
      if (!get_varint_as(in, place.first) || !get_zigzag(in, place.second) || !get_double(in, value)) return false;
      waiting_[place] = {value, is_gone};
    }
  }
  return true;
}

}  // namespace factory
