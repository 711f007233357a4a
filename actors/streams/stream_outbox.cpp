#include "actors/streams/stream_outbox.hpp"

#include <algorithm>

#include "pipelines/model/coding.hpp"

namespace factory {

reading_batch stream_outbox::take() {
  under_way_ = std::move(waiting_);
  waiting_.clear();
  reading_batch batch;
  batch.event_time_us.reserve(under_way_.size());
  batch.value.reserve(under_way_.size());
  for (const auto& [place, said] : under_way_) {
    const auto row = static_cast<std::uint32_t>(batch.size());
    if (batch.slices.empty() || batch.slices.back().sensor != place.first) batch.slices.push_back({place.first, row, row});
    batch.event_time_us.push_back(place.second);
    batch.value.push_back(said.value);
    batch.slices.back().end = row + 1;
  }
  if (std::ranges::none_of(under_way_, [](const auto& each) { return each.second.is_gone; })) return batch;
  for (const auto& [place, said] : under_way_) batch.flags.push_back(said.is_gone ? flag_excluded : flag_none);
  return batch;
}

void stream_outbox::done(bool committed) {
  if (!committed) waiting_.merge(under_way_);  // keeps what was put since
  under_way_.clear();
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
  all.insert(under_way_.begin(), under_way_.end());
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
  under_way_.clear();
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
