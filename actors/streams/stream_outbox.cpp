#include "actors/streams/stream_outbox.hpp"

#include "pipelines/model/coding.hpp"

namespace factory {

reading_batch stream_outbox::take() {
  under_way_ = std::move(waiting_);
  waiting_.clear();
  reading_batch batch;
  batch.event_time_us.reserve(under_way_.size());
  batch.value.reserve(under_way_.size());
  for (const auto& [place, value] : under_way_) {
    const auto row = static_cast<std::uint32_t>(batch.size());
    if (batch.slices.empty() || batch.slices.back().sensor != place.first) batch.slices.push_back({place.first, row, row});
    batch.event_time_us.push_back(place.second);
    batch.value.push_back(value);
    batch.slices.back().end = row + 1;
  }
  return batch;
}

void stream_outbox::done(bool committed) {
  if (!committed) waiting_.merge(under_way_);  // keeps what was put since
  under_way_.clear();
}

void stream_outbox::encode(std::string& out) const {
  auto all = waiting_;
  all.insert(under_way_.begin(), under_way_.end());
  put_varint(out, all.size());
  for (const auto& [place, value] : all) {
    put_varint(out, place.first);
    put_zigzag(out, place.second);
    put_double(out, value);
  }
}

bool stream_outbox::decode(std::string_view& in) {
  std::uint64_t count = 0;
  if (!get_varint(in, count) || count > in.size()) return false;
  waiting_.clear();
  under_way_.clear();
  for (; count > 0; --count) {
    sensor_id sensor = 0;
    std::int64_t time_us = 0;
    double value = 0;
    if (!get_varint_as(in, sensor) || !get_zigzag(in, time_us) || !get_double(in, value)) return false;
    put(sensor, time_us, value);
  }
  return true;
}

}  // namespace factory
