#include "storage/block/block_key.hpp"

#include "pipelines/model/coding.hpp"

#include <bit>
#include <limits>

namespace factory {

std::string encode(const block_key& key) {
  std::string out;
  put_key32(out, key.sensor);
  put_byte(out, key.lane);
  put_key_time(out, key.first_us);
  put_key32(out, key.number);
  return out;
}

bool decode(std::string_view in, block_key& key) {
  return get_key32(in, key.sensor) && get_byte(in, key.lane) && get_key_time(in, key.first_us) && get_key32(in, key.number) &&
         in.empty();
}

block_key key_of(const block& b) {
  const std::uint64_t span = static_cast<std::uint64_t>(b.values.last_us) - static_cast<std::uint64_t>(b.values.first_us);
  return {b.sensor, static_cast<std::uint8_t>(std::bit_width(span)), b.values.first_us, b.number};
}

std::int64_t earliest_start(std::uint8_t lane, std::int64_t time_us) {
  const std::uint64_t from_the_first = static_cast<std::uint64_t>(time_us) ^ (std::uint64_t{1} << 63U);
  const std::uint64_t longest = lane >= last_lane ? ~std::uint64_t{0} : (std::uint64_t{1} << lane) - 1;
  return from_the_first < longest ? std::numeric_limits<std::int64_t>::min()
                                  : static_cast<std::int64_t>(static_cast<std::uint64_t>(time_us) - longest);
}

}  // namespace factory
