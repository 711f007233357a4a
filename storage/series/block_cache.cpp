#include "storage/series/block_cache.hpp"

#include <utility>

namespace factory {

namespace {

std::size_t size_of(const reading_run& rows) {
  constexpr std::size_t bookkeeping = 256;
  return bookkeeping + rows.size() * (sizeof(std::int64_t) + sizeof(double) + sizeof(std::uint8_t));
}

}  // namespace

block_cache::rows block_cache::find(const block_key& key, std::uint64_t checksum) {
  shard& in = shard_of(key.sensor);
  const std::lock_guard lock(in.mutex);
  const auto place = in.places.find({key.sensor, key.number, checksum});
  if (place == in.places.end()) return nullptr;
  in.newest_first.splice(in.newest_first.begin(), in.newest_first, place->second);
  return place->second->content;
}

expected<block_cache::rows> block_cache::open(const block_key& key, std::string_view bytes, asker who) {
  const auto checksum = columns_checksum(bytes);
  if (auto known = find(key, checksum)) return known;
  auto decoded = open_block(bytes);
  if (!decoded) return tl::unexpected(std::move(decoded.error()));
  rows content = std::make_shared<const reading_run>(std::move(*decoded));
  if (who == asker::query) keep({key.sensor, key.number, checksum}, content);
  return content;
}

void block_cache::keep(const identity& of, const rows& content) {
  shard& in = shard_of(of.sensor);
  const std::lock_guard lock(in.mutex);
  if (in.places.contains(of)) return;
  in.newest_first.push_front({of, content});
  in.places.emplace(of, in.newest_first.begin());
  in.bytes += size_of(*content);
  while (in.bytes > bytes_per_shard_) {
    const entry& oldest = in.newest_first.back();
    in.bytes -= size_of(*oldest.content);
    in.places.erase(oldest.of);
    in.newest_first.pop_back();
  }
}

std::size_t block_cache::bytes() const {
  std::size_t sum = 0;
  for (const shard& each : shards_) {
    const std::lock_guard lock(each.mutex);
    sum += each.bytes;
  }
  return sum;
}

}  // namespace factory
