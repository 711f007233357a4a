#include "storage/block/block.hpp"

#include <xxhash.h>

#include <algorithm>
#include <cassert>

#include "pipelines/model/coding.hpp"
#include "storage/block/columns.hpp"

namespace factory {
namespace {

constexpr std::uint32_t block_version = 2;
constexpr std::uint32_t with_left_out = 3;  // likewise, but some of its rows are left out of what is computed; its sums have all
constexpr std::uint32_t sums_without_unit = 1;  // its sums are those of the plain values, and may lie beyond the range of double
constexpr std::size_t checked_header_bytes = 88;  // all but the header's own checksum
constexpr std::size_t header_bytes = checked_header_bytes + 8;

tl::unexpected<error> damaged(const char* what) { return fail(errc::corrupt, std::string("a stored block is damaged: ") + what); }

struct header {
  std::uint32_t version = block_version;
  summary values;
  std::uint64_t payload_checksum = 0;
};

void put_header(std::string& out, const header& h) {
  put_fixed32(out, h.version);
  put_fixed32(out, static_cast<std::uint32_t>(h.values.count));
  put_fixed64(out, static_cast<std::uint64_t>(h.values.first_us));
  put_fixed64(out, static_cast<std::uint64_t>(h.values.last_us));
  for (const double v :
       {h.values.first, h.values.last, h.values.min, h.values.max, h.values.sum, h.values.sum_error, h.values.m2})
    put_double(out, v);
  put_fixed64(out, h.payload_checksum);
  put_fixed64(out, XXH3_64bits(out.data(), out.size()));
}

expected<header> get_header(std::string_view& in) {
  if (in.size() < header_bytes) return damaged("it is shorter than its header");
  const std::uint64_t computed = XXH3_64bits(in.data(), checked_header_bytes);
  std::uint32_t count = 0;
  std::uint64_t first_us = 0, last_us = 0, stored = 0;
  header h;
  get_fixed32(in, h.version);
  get_fixed32(in, count);
  get_fixed64(in, first_us);
  get_fixed64(in, last_us);
  for (double* v :
       {&h.values.first, &h.values.last, &h.values.min, &h.values.max, &h.values.sum, &h.values.sum_error, &h.values.m2})
    get_double(in, *v);
  get_fixed64(in, h.payload_checksum);
  get_fixed64(in, stored);
  if (stored != computed) return damaged("the checksum of its header does not match");
  if (h.version < sums_without_unit || h.version > with_left_out)
    return fail(errc::corrupt, "a stored block has version " + std::to_string(h.version) +
                                   ", which this program does not know; use the newer one, or restore the newest snapshot");
  h.values.count = count;
  h.values.first_us = static_cast<std::int64_t>(first_us);
  h.values.last_us = static_cast<std::int64_t>(last_us);
  return h;
}

}  // namespace

block seal(sensor_id sensor, std::uint32_t number, const reading_run& rows, effort how) {
  assert(!rows.empty() && rows.size() <= most_rows);
  block sealed{sensor, number, summarize(rows.event_time_us, rows.value), {}};
  thread_local std::string payload;
  payload.clear();
  put_columns(payload, rows, how);
  sealed.bytes.reserve(header_bytes + payload.size());
  const auto version = std::ranges::any_of(rows.flags, is_left_out) ? with_left_out : block_version;
  put_header(sealed.bytes, {version, sealed.values, XXH3_64bits(payload.data(), payload.size())});
  sealed.bytes += payload;
  return sealed;
}

expected<summary> read_header(std::string_view bytes) {
  std::string_view in = bytes;
  const auto h = get_header(in);
  if (!h) return tl::unexpected(h.error());
  if (h->version != sums_without_unit || h->values.unit() == 1) return h->values;
  return open_block(bytes).map([](const reading_run& rows) { return summarize(rows.event_time_us, rows.value); });
}

bool has_left_out(std::string_view bytes) {
  std::uint32_t version = 0;
  get_fixed32(bytes, version);
  return version == with_left_out;
}

std::uint64_t columns_checksum(std::string_view bytes) {
  std::uint64_t checksum = 0;
  bytes.remove_prefix(checked_header_bytes - sizeof checksum);
  get_fixed64(bytes, checksum);
  return checksum;
}

expected<reading_run> open_block(std::string_view bytes) {
  const auto h = get_header(bytes);
  if (!h) return tl::unexpected(h.error());
  if (XXH3_64bits(bytes.data(), bytes.size()) != h->payload_checksum)
    return damaged("the checksum of its columns does not match");
  reading_run rows;
  if (!get_columns(bytes, h->values.count, rows) || !bytes.empty()) return damaged("its columns cannot be decoded");
  return rows;
}

}  // namespace factory
