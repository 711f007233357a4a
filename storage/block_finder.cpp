#include "storage/block_finder.hpp"

#include <algorithm>
#include <limits>
#include <vector>

namespace factory {

namespace {

constexpr std::int64_t first_instant = std::numeric_limits<std::int64_t>::min();

}  // namespace

block_finder::block_finder(const database::impl& rocks, sensor_id sensor, std::uint32_t below, asker who)
    : sensor_(sensor),
      below_(below),
      begin_(encode(block_key{sensor, 0, first_instant, 0})),
      end_(encode(block_key{sensor + 1, 0, first_instant, 0})),
      begin_slice_(begin_),
      end_slice_(end_) {
  rocksdb::ReadOptions options;
  options.iterate_lower_bound = &begin_slice_;
  options.iterate_upper_bound = &end_slice_;
  options.fill_cache = who == asker::query;
  it_.reset(rocks.db->NewIterator(options, rocks.at(column::blocks)));
}

bool block_finder::at(block_key& key) const { return it_->Valid() && decode(to_view(it_->key()), key); }

expected<void> block_finder::status() const {
  if (!it_->status().ok()) return tl::unexpected(to_error(it_->status(), "reading blocks"));
  return {};
}

expected<void> block_finder::visit(const time_range& range, const visitor& each) {
  if (range.begin_us >= range.end_us) return {};
  block_key key;
  for (unsigned lane = 0; lane <= last_lane; ++lane) {
    const auto seek = [&](unsigned to) {
      const auto l = static_cast<std::uint8_t>(to);
      it_->Seek(encode(block_key{sensor_, l, earliest_start(l, range.begin_us), 0}));
    };
    seek(lane);
    if (!at(key)) break;
    if (key.lane != lane) seek(lane = key.lane);
    for (; at(key) && key.lane == lane && key.first_us < range.end_us; it_->Next()) {
      if (key.number >= below_) continue;
      const auto header = read_header(to_view(it_->value()));
      if (!header) return tl::unexpected(header.error());
      if (header->last_us < range.begin_us) continue;
      if (auto visited = each(key, *header, to_view(it_->value())); !visited) return visited;
    }
  }
  return status();
}

expected<std::int64_t> block_finder::start_after(std::int64_t time_us, std::size_t nth, std::int64_t otherwise) {
  if (time_us == std::numeric_limits<std::int64_t>::max()) return otherwise;
  std::vector<std::int64_t> starts;
  block_key key;
  for (unsigned lane = 0; lane <= last_lane; ++lane) {
    const auto seek = [&](unsigned to) { it_->Seek(encode(block_key{sensor_, static_cast<std::uint8_t>(to), time_us + 1, 0})); };
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
      it_->SeekForPrev(
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
