#include "storage/series/block_finder.hpp"

#include <algorithm>
#include <limits>
#include <vector>

namespace factory {

namespace {

constexpr std::int64_t first_instant = std::numeric_limits<std::int64_t>::min();

}  // namespace

block_finder::block_finder(const database::impl& rocks, sensor_id sensor, std::uint32_t below, asker who, std::int64_t until_us)
    : rocks_(rocks),
      sensor_(sensor),
      below_(below),
      who_(who),
      until_us_(until_us),
      begin_(encode(block_key{sensor, 0, first_instant, 0})),
      end_(encode(block_key{sensor + 1, 0, first_instant, 0})),
      begin_slice_(begin_),
      end_slice_(end_) {}

rocksdb::Iterator& block_finder::blocks() {
  if (it_) return *it_;
  rocksdb::ReadOptions options;
  options.iterate_lower_bound = &begin_slice_;
  options.iterate_upper_bound = &end_slice_;
  options.fill_cache = who_ == asker::query;
  it_.reset(rocks_.db->NewIterator(options, rocks_.at(column::blocks)));
  return *it_;
}

bool block_finder::at(block_key& key) const { return it_->Valid() && decode(to_view(it_->key()), key); }

expected<void> block_finder::status() const {
  if (!it_->status().ok()) return tl::unexpected(to_error(it_->status(), "reading blocks"));
  return {};
}

expected<void> block_finder::visit(const time_range& range, const visitor& each) {
  if (range.begin_us >= range.end_us || range.begin_us > until_us_) return {};
  const auto seek = [&](unsigned to) {
    const auto lane = static_cast<std::uint8_t>(to);
    blocks().Seek(encode(block_key{sensor_, lane, earliest_start(lane, range.begin_us), 0}));
  };
  block_key key;
  seek(0);
  while (at(key)) {
    const unsigned lane = key.lane;
    if (key.first_us < earliest_start(key.lane, range.begin_us)) seek(lane);
    for (; at(key) && key.lane == lane && key.first_us < range.end_us; it_->Next()) {
      if (key.number >= below_) continue;
      const auto header = read_header(to_view(it_->value()));
      if (!header) return tl::unexpected(header.error());
      if (header->last_us < range.begin_us) continue;
      if (auto visited = each(key, *header, to_view(it_->value())); !visited) return visited;
    }
    if (at(key) && key.lane == lane) {
      if (lane == last_lane) break;
      seek(lane + 1);
    }
  }
  return status();
}

expected<std::int64_t> block_finder::start_after(std::int64_t time_us, std::size_t nth, std::int64_t otherwise) {
  if (time_us == std::numeric_limits<std::int64_t>::max() || time_us >= until_us_) return otherwise;
  std::vector<std::int64_t> starts;
  block_key key;
  for (unsigned lane = 0; lane <= last_lane; ++lane) {
    const auto seek = [&](unsigned to) {
      blocks().Seek(encode(block_key{sensor_, static_cast<std::uint8_t>(to), time_us + 1, 0}));
    };
    seek(lane);
    if (!at(key)) break;
    if (key.lane != lane) seek(lane = key.lane);
    for (std::size_t taken = 0; taken < nth && at(key) && key.lane == lane; ++taken, it_->Next()) starts.push_back(key.first_us);
  }
  if (auto good = status(); !good) return tl::unexpected(good.error());
  if (starts.size() < nth) return otherwise;
  std::nth_element(starts.begin(), starts.begin() + static_cast<std::ptrdiff_t>(nth - 1), starts.end());
  return starts[nth - 1];
}

expected<std::int64_t> block_finder::start_before(std::int64_t time_us, std::size_t nth, std::int64_t otherwise) {
  if (time_us == first_instant) return otherwise;
  std::vector<std::int64_t> starts;
  block_key key;
  for (int lane = last_lane; lane >= 0; --lane) {
    const auto seek = [&](int to) {
      blocks().SeekForPrev(
          encode(block_key{sensor_, static_cast<std::uint8_t>(to), time_us - 1, std::numeric_limits<std::uint32_t>::max()}));
    };
    seek(lane);
    if (!at(key)) break;
    if (key.lane != lane) seek(lane = key.lane);
    for (std::size_t taken = 0; taken < nth && at(key) && key.lane == lane; ++taken, it_->Prev()) starts.push_back(key.first_us);
  }
  if (auto good = status(); !good) return tl::unexpected(good.error());
  if (starts.size() < nth) return otherwise;
  std::nth_element(starts.begin(), starts.begin() + static_cast<std::ptrdiff_t>(nth - 1), starts.end(), std::greater<>());
  return starts[nth - 1];
}

}  // namespace factory
