#include "storage/journal/journal_readings.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <span>
#include <vector>

#include "pipelines/model/coding.hpp"
#include "storage/block/decimal.hpp"
#include "storage/block/plane.hpp"

namespace factory {
namespace {

using u64 = std::uint64_t;
using i64 = std::int64_t;

/// What a slice begins with, in one byte: how its times and values follow.
struct slice_shape {
  unsigned digits = as_they_are;  ///< values are decimals with so many digits after the point
  unsigned width = 8;             ///< bytes of each value above the least of them; 1 to 8
  bool regular = false;           ///< one step between all times

  static constexpr unsigned as_they_are = 15;  ///< in the place of digits: the bits of the values
  bool decimal() const { return digits != as_they_are; }
  char to_byte() const { return static_cast<char>(digits | (width - 1) << 4U | (regular ? 0x80U : 0U)); }
};
slice_shape shape_from(std::uint8_t byte) { return {byte & 15U, (byte >> 4U & 7U) + 1, (byte & 0x80U) != 0}; }

constexpr unsigned most_digits = 9;
constexpr std::size_t longest_varint = 10;
constexpr std::size_t longest_slice_head = 1 + 2 * longest_varint, longest_row = longest_varint + 8;

i64 difference(i64 a, i64 b) { return static_cast<i64>(static_cast<u64>(a) - static_cast<u64>(b)); }
i64 sum(i64 a, i64 b) { return static_cast<i64>(static_cast<u64>(a) + static_cast<u64>(b)); }

/// The put_ of coding.hpp into memory that is there: the hot part of encoding.
char* put_zigzag_at(char* out, i64 number) {
  u64 v = to_zigzag(number);
  for (; v >= 0x80U; v >>= 7U) *out++ = static_cast<char>(v | 0x80U);
  *out++ = static_cast<char>(v);
  return out;
}
/// Writes eight bytes, of which the first `width` count.
char* put_low_bytes_at(char* out, u64 v, unsigned width) {
  if constexpr (std::endian::native == std::endian::big) v = detail::byte_swapped(v);
  std::memcpy(out, &v, sizeof v);
  return out + width;
}
u64 low_bytes_at(const char* in, unsigned width) {
  u64 v = 0;
  std::memcpy(&v, in, width);
  if constexpr (std::endian::native == std::endian::big) v = detail::byte_swapped(v);
  return v;
}

bool is_regular(std::span<const i64> times) {
  if (times.size() < 2) return true;
  const i64 step = difference(times[1], times[0]);
  i64 other = 0;
  for (std::size_t i = 1; i < times.size(); ++i) other |= difference(times[i], times[i - 1]) ^ step;
  return other == 0;
}

char* put_times_at(char* out, std::span<const i64> times, bool regular) {
  const std::size_t told = regular ? std::min<std::size_t>(times.size(), 2) : times.size();
  for (std::size_t i = 1; i < told; ++i) out = put_zigzag_at(out, difference(times[i], times[i - 1]));
  return out;
}

/// Fills `decimals`; false when one of the values is no such decimal.
bool are_decimals(std::span<const double> values, double scale, std::vector<i64>& decimals) {
  const auto off = [scale](double v) { return distance(v, to_decimal(v, scale), scale); };
  if (off(values.front()) != 0 || off(values.back()) != 0) return false;
  i64 any = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    decimals[i] = to_decimal(values[i], scale);
    any |= distance(values[i], decimals[i], scale);
  }
  return any == 0;
}

/// The fewest digits that give all values back, bit for bit.
unsigned digits_of(std::span<const double> values, std::vector<i64>& decimals) {
  decimals.resize(values.size());
  for (unsigned digits = 0; digits <= most_digits; ++digits)
    if (are_decimals(values, powers_of_ten[digits], decimals)) return digits;
  return slice_shape::as_they_are;
}

char* put_slice_at(char* out, std::span<const i64> times, std::span<const double> values, i64 first_before,
                   std::vector<i64>& decimals) {
  slice_shape shape;
  shape.digits = digits_of(values, decimals);
  shape.regular = is_regular(times);
  i64 least = 0;
  if (shape.decimal()) {
    const auto [low, high] = std::minmax_element(decimals.begin(), decimals.end());
    least = *low;
    shape.width = std::max(1U, static_cast<unsigned>(std::bit_width(static_cast<u64>(*high - *low)) + 7) / 8);
  }
  *out++ = shape.to_byte();
  out = put_zigzag_at(out, difference(times.front(), first_before));
  out = put_times_at(out, times, shape.regular);
  if (!shape.decimal()) {
    for (const double v : values) out = put_low_bytes_at(out, std::bit_cast<u64>(v), 8);
    return out;
  }
  out = put_zigzag_at(out, least);
  for (const i64 decimal : decimals) out = put_low_bytes_at(out, static_cast<u64>(decimal - least), shape.width);
  return out;
}

bool get_times(std::string_view& in, std::span<i64> times, i64 first, bool regular) {
  times.front() = first;
  i64 step = 0;
  for (std::size_t i = 1; i < times.size(); ++i) {
    if ((i == 1 || !regular) && !get_zigzag(in, step)) return false;
    times[i] = sum(times[i - 1], step);
  }
  return true;
}

bool get_values(std::string_view& in, std::span<double> values, const slice_shape& shape) {
  i64 least = 0;
  if (shape.decimal() && (shape.digits > most_digits || !get_zigzag(in, least))) return false;
  if (in.size() / shape.width < values.size()) return false;
  const double scale = shape.decimal() ? powers_of_ten[shape.digits] : 1;
  for (double& v : values) {
    const u64 low = low_bytes_at(in.data(), shape.width);
    in.remove_prefix(shape.width);
    v = shape.decimal() ? from_decimal(sum(least, static_cast<i64>(low)), scale) : std::bit_cast<double>(low);
  }
  return true;
}

bool get_slices(std::string_view& in, u64 count, u64 rows, reading_batch& batch) {
  sensor_id sensor = 0;
  std::uint32_t row = 0;
  batch.slices.reserve(count);
  for (u64 i = 0; i < count; ++i) {
    sensor_id step = 0;
    std::uint32_t size = 0;
    if (!get_varint_as(in, step) || !get_varint_as(in, size) || size == 0 || size > rows - row) return false;
    sensor += step;
    batch.slices.push_back({sensor, row, row + size});
    row += size;
  }
  return row == rows;
}

/// Slices and room for their rows. A slice takes at least two bytes, a row `row_bytes`: no damage can ask for more memory.
std::shared_ptr<reading_batch> get_outline(std::string_view& in, std::size_t row_bytes) {
  auto batch = std::make_shared<reading_batch>();
  u64 slices = 0, rows = 0;
  if (!get_varint(in, slices) || !get_varint(in, rows) || slices > in.size() / 2 || rows > in.size() / row_bytes) return nullptr;
  if (!get_slices(in, slices, rows, *batch)) return nullptr;
  batch->event_time_us.resize(rows);
  batch->value.resize(rows);
  return batch;
}

}  // namespace

void put_packed_readings(std::string& out, const reading_batch& batch) {
  constexpr std::size_t usual_row = 3, usual_slice = 12;
  out.reserve(out.size() + batch.size() * usual_row + batch.slices.size() * usual_slice + 16);
  put_varint(out, batch.slices.size());
  put_varint(out, batch.size());
  sensor_id before = 0;
  for (const slice& s : batch.slices) {
    put_varint(out, s.sensor - before);
    put_varint(out, s.size());
    before = s.sensor;
  }
  std::vector<i64> decimals;
  i64 first_before = 0;
  for (const slice& s : batch.slices) {
    const std::size_t begin = out.size();
    out.resize(begin + longest_slice_head + longest_varint + s.size() * longest_row + sizeof(u64));
    const char* const end = put_slice_at(out.data() + begin, batch.times(s), batch.values(s), first_before, decimals);
    out.resize(static_cast<std::size_t>(end - out.data()));
    first_before = batch.event_time_us[s.begin];
  }
}

void put_flagged_readings(std::string& out, const reading_batch& batch) {
  put_packed_readings(out, batch);
  put_plane(out, batch.flags, effort::quick);
}

namespace {

std::shared_ptr<reading_batch> get_packed(std::string_view& in) {
  auto batch = get_outline(in, 1);
  if (!batch) return nullptr;
  i64 first = 0;
  for (const slice& s : batch->slices) {
    std::uint8_t shape_byte = 0;
    i64 step = 0;
    if (!get_byte(in, shape_byte) || !get_zigzag(in, step)) return nullptr;
    const slice_shape shape = shape_from(shape_byte);
    first = sum(first, step);
    if (!get_times(in, std::span(batch->event_time_us).subspan(s.begin, s.size()), first, shape.regular) ||
        !get_values(in, std::span(batch->value).subspan(s.begin, s.size()), shape))
      return nullptr;
  }
  return batch;
}

}  // namespace

std::shared_ptr<const reading_batch> get_packed_readings(std::string_view& in) { return get_packed(in); }

std::shared_ptr<const reading_batch> get_flagged_readings(std::string_view& in) {
  auto batch = get_packed(in);
  if (!batch) return nullptr;
  batch->flags.resize(batch->size());
  return get_plane(in, batch->flags) ? batch : nullptr;
}

std::shared_ptr<const reading_batch> get_plain_readings(std::string_view& in) {
  auto batch = get_outline(in, 1 + sizeof(double));
  if (!batch) return nullptr;
  i64 first = 0;
  for (const slice& s : batch->slices) {
    i64 step = 0;
    if (!get_zigzag(in, step)) return nullptr;
    first = sum(first, step);
    if (!get_times(in, std::span(batch->event_time_us).subspan(s.begin, s.size()), first, false)) return nullptr;
  }
  for (double& v : batch->value)
    if (!get_double(in, v)) return nullptr;
  return batch;
}

}  // namespace factory
