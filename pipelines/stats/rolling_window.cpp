#include "pipelines/stats/rolling_window.hpp"

#include "pipelines/model/coding.hpp"
#include "pipelines/model/near_end.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>

namespace factory {
namespace {

constexpr std::uint8_t encoding_version = 1;
constexpr std::size_t first_rows = 1;  // of 100,000 sensors most are idle, with a reading or two

// Below this share of the largest sum of squares, the remaining sum has lost too many digits.
constexpr double worn_ratio = 1e-4;

bool same_bits(double a, double b) { return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b); }

}  // namespace

rolling_window::rolling_window(std::size_t max_count, std::int64_t span_us)
    : max_count_(static_cast<std::uint32_t>(max_count)), span_us_(span_us) {
  assert(max_count > 0 && max_count < UINT32_MAX / 2);
}

/// The sums stay in registers from reading to reading; in memory, stores to the ring would force reloads.
void rolling_window::push_run(std::span<const std::int64_t> times_us, std::span<const double> values) {
  running_sums sums = sums_;
  for (std::size_t i = 0; i < values.size(); ++i) {
    assert(size_ == 0 || times_us[i] > newest_us());
    if (size_ == max_count_) drop_oldest(sums);
    if (span_us_ > 0)
      while (size_ > 0 && oldest_us() <= times_us[i] - span_us_) drop_oldest(sums);
    append(times_us[i], values[i], sums);
    keep_exact(sums);
  }
  sums_ = sums;
}

inline void rolling_window::append(std::int64_t time_us, double value, running_sums& sums) {
  if (size_ == 0) {
    sums = {value, 0, 0, 0};
    left_count_ = equal_count_ = 0;
  } else if (nth(size_ - 1).value != value) {
    equal_count_ = 0;
  }
  if (equal_count_ < max_count_) ++equal_count_;
  if (size_ == ring_.size()) grow();
  ring_[place(size_)] = {time_us, value};
  ++size_;
  sums.add(value);
}

inline void rolling_window::drop_oldest(running_sums& sums) {
  remove(ring_[head_].value, sums);
  head_ = place(1);
  --size_;
}

inline void rolling_window::running_sums::add(double value) {
  const double d = value - shift;
  sum += d;
  sum_sq += d * d;
  largest_sum_sq = std::max(largest_sum_sq, sum_sq);
}

inline void rolling_window::running_sums::take_away(double value) {
  const double d = value - shift;
  sum -= d;
  sum_sq -= d * d;
}

inline void rolling_window::remove(double value, running_sums& sums) {
  sums.take_away(value);
  ++left_count_;
}

void rolling_window::grow() {
  std::vector<row> larger;
  larger.resize(std::min<std::size_t>(std::max(first_rows, ring_.size() * 2), max_count_));
  for (std::uint32_t i = 0; i < size_; ++i) larger[i] = nth(i);
  ring_ = std::move(larger);
  head_ = 0;
}

inline bool rolling_window::running_sums::worn(std::uint32_t count) const {
  const double n = count;
  return n * sum_sq - sum * sum < worn_ratio * n * largest_sum_sq;
}

inline void rolling_window::keep_exact(running_sums& sums) {
  if (left_count_ < max_count_ && !sums.worn(size_)) return;
  sums = summed_anew();
  left_count_ = 0;
}

rolling_window::running_sums rolling_window::summed_anew() const {
  const double first = ring_[head_].value;
  double from_first = 0;
  for (std::uint32_t i = 0; i < size_; ++i) from_first += nth(i).value - first;
  const double mean = first + from_first / size_;
  running_sums anew;
  anew.shift = std::isfinite(mean) ? mean : first;
  for (std::uint32_t i = 0; i < size_; ++i) {
    const double d = nth(i).value - anew.shift;
    anew.sum += d;
    anew.sum_sq += d * d;
  }
  anew.largest_sum_sq = anew.sum_sq;
  return anew;
}

void rolling_window::count_equal() {
  const double newest = nth(size_ - 1).value;
  equal_count_ = 1;
  while (equal_count_ < size_ && nth(size_ - 1 - equal_count_).value == newest) ++equal_count_;
}

std::uint32_t rolling_window::lower_bound(std::int64_t time_us) const {
  return static_cast<std::uint32_t>(lower_bound_near_end(size_, time_us, [this](std::size_t i) { return nth(i).time_us; }));
}

rolling_window::revision rolling_window::revise(std::int64_t time_us, double value) {
  if (size_ == 0) {
    append(time_us, value, sums_);
    return revision::inserted;
  }
  assert(time_us <= newest_us());
  if (span_us_ > 0 && time_us <= newest_us() - span_us_) return revision::outside;
  std::uint32_t at = lower_bound(time_us);
  if (nth(at).time_us == time_us) {
    double& old = ring_[place(at)].value;
    if (same_bits(old, value)) return revision::identical;
    remove(old, sums_);
    old = value;
    sums_.add(value);
    count_equal();
    keep_exact(sums_);
    return revision::replaced;
  }
  if (size_ == max_count_) {
    if (at == 0) return revision::outside;
    drop_oldest(sums_);
    --at;
  }
  if (size_ == ring_.size()) grow();
  make_room(at, 1);
  ring_[place(at)] = {time_us, value};
  ++size_;
  sums_.add(value);
  count_equal();
  keep_exact(sums_);
  return revision::inserted;
}

void rolling_window::revise_run(std::span<const std::int64_t> times_us, std::span<const double> values) {
  for (std::size_t done = 0; done < values.size();) {
    const auto some = revise_some(times_us.subspan(done), values.subspan(done));
    if (some == 0) revise(times_us[done], values[done]);
    done += std::max<std::size_t>(some, 1);
  }
}

/// Inserts as many of the first rows as go to one place: revise() would find the same place for each and keep the sums. Returns how many;
/// after 0 the first row needs revise().
std::uint32_t rolling_window::revise_some(std::span<const std::int64_t> times_us, std::span<const double> values) {
  if (size_ == 0 || (span_us_ > 0 && times_us.front() <= newest_us() - span_us_)) return 0;
  const bool full = size_ == max_count_;
  const std::uint32_t at = lower_bound(times_us.front());
  const auto most = static_cast<std::uint32_t>(std::min<std::size_t>(values.size(), full ? at : max_count_ - size_));
  running_sums sums = sums_;
  std::uint32_t count = 0, left = left_count_;
  for (; count < most; ++count) {
    running_sums next = sums;
    if (full) next.take_away(nth(count).value);
    next.add(values[count]);
    if ((full && left + 1 >= max_count_) || next.worn(full ? size_ : size_ + count + 1)) break;
    if (full) ++left;
    sums = next;
  }
  if (count == 0) return 0;
  sums_ = sums;
  left_count_ = left;
  if (full) {
    head_ = place(count);
    size_ -= count;
  }
  while (size_ + count > ring_.size()) grow();
  const std::uint32_t first = full ? at - count : at;
  make_room(first, count);
  for (std::uint32_t i = 0; i < count; ++i) ring_[place(first + i)] = {times_us[i], values[i]};
  size_ += count;
  count_equal();
  return count;
}

/// Moves the rows after the first `at` by `count` places.
void rolling_window::make_room(std::uint32_t at, std::uint32_t count) {
  const auto from = ring_.begin() + place(at), behind = ring_.begin() + place(size_);
  if (from <= behind && behind + count <= ring_.end()) {
    std::move_backward(from, behind, behind + count);
    return;
  }
  for (std::uint32_t i = size_; i > at; --i) ring_[place(i - 1 + count)] = ring_[place(i - 1)];
}

std::optional<double> rolling_window::at(std::int64_t time_us) const {
  const std::uint32_t i = lower_bound(time_us);
  if (i == size_ || nth(i).time_us != time_us) return std::nullopt;
  return nth(i).value;
}

std::int64_t rolling_window::next_time_us(std::int64_t time_us) const {
  const std::uint32_t i = lower_bound(time_us);
  return i == size_ ? INT64_MAX : nth(i).time_us;
}

mean_std_dev rolling_window::stats() const {
  if (size_ == 0) return {};
  if (equal_count_ >= size_) return {nth(size_ - 1).value, 0};
  const double n = size_;
  const double mean = sums_.shift + sums_.sum / n;
  const double variance = (sums_.sum_sq - sums_.sum * (sums_.sum / n)) / (n - 1);
  if (std::isnormal(variance) && std::isfinite(mean)) return {mean, variance > 0 ? std::sqrt(variance) : 0};
  // True for values so large or small that their squares leave the range of double.
  std::vector<double> values(size_);
  for (std::uint32_t i = 0; i < size_; ++i) values[i] = nth(i).value;
  return describe(values);
}

/// (value - mean)^2 > z^2 * variance, both sides times n^2 (n - 1). The sums have lost less than 1e-11 of the right side to rounding
/// (see worn_ratio), and the mean that z_score() is given is rounded to its own last digit. Squares near the ends of the
/// range of double say nothing.
bool rolling_window::may_exceed(double value, double z) const {
  constexpr double room = 1 - 1e-9, smallest = 1e-250, largest = 1e300;
  const double n = size_;
  const double rounding = n * (std::abs(sums_.shift) + std::abs(value)) * 0x1p-51;
  const double distance = std::abs((value - sums_.shift) * n - sums_.sum) + rounding;
  const double reach = z * z * n * (n * sums_.sum_sq - sums_.sum * sums_.sum) * room;
  const bool sound = reach > smallest && reach < largest;
  return !sound || !(distance * distance * (n - 1) <= reach);
}

double rolling_window::min() const {
  double found = nth(0).value;
  for (std::uint32_t i = 1; i < size_; ++i) found = std::min(found, nth(i).value);
  return found;
}

double rolling_window::max() const {
  double found = nth(0).value;
  for (std::uint32_t i = 1; i < size_; ++i) found = std::max(found, nth(i).value);
  return found;
}

std::int64_t rolling_window::covers_us() const {
  return span_us_ > 0 && size_ < max_count_ ? span_us_ : newest_us() - oldest_us();
}

void rolling_window::encode(std::string& out) const {
  put_byte(out, encoding_version);
  put_varint(out, max_count_);
  put_zigzag(out, span_us_);
  put_varint(out, size_);
  if (size_ == 0) return;
  put_varint(out, left_count_);
  put_varint(out, equal_count_);
  for (const double sum : {sums_.shift, sums_.sum, sums_.sum_sq, sums_.largest_sum_sq}) put_double(out, sum);
  put_zigzag(out, oldest_us());
  for (std::uint32_t i = 1; i < size_; ++i) put_varint(out, static_cast<std::uint64_t>(nth(i).time_us - nth(i - 1).time_us));
  for (std::uint32_t i = 0; i < size_; ++i) put_double(out, nth(i).value);
}

bool rolling_window::decode_rows(std::string_view& in, std::uint32_t count) {
  ring_.resize(count);
  if (!get_zigzag(in, ring_[0].time_us)) return false;
  for (std::uint32_t i = 1; i < count; ++i) {
    std::uint64_t step = 0;
    if (!get_varint(in, step) || step == 0 || step > INT64_MAX) return false;
    if (__builtin_add_overflow(ring_[i - 1].time_us, static_cast<std::int64_t>(step), &ring_[i].time_us)) return false;
  }
  for (row& r : ring_)
    if (!get_double(in, r.value) || !std::isfinite(r.value)) return false;
  size_ = count;
  return true;
}

bool rolling_window::decode(std::string_view& in) {
  std::string_view rest = in;
  std::uint8_t version = 0;
  std::uint32_t count = 0;
  rolling_window read(1, 0);
  if (!get_byte(rest, version) || version != encoding_version || !get_varint_as(rest, read.max_count_) ||
      !get_zigzag(rest, read.span_us_) || !get_varint_as(rest, count) || count > read.max_count_ || count > rest.size())
    return false;
  if (count > 0) {
    if (!get_varint_as(rest, read.left_count_) || !get_varint_as(rest, read.equal_count_)) return false;
    for (double* const sum : {&read.sums_.shift, &read.sums_.sum, &read.sums_.sum_sq, &read.sums_.largest_sum_sq})
      if (!get_double(rest, *sum)) return false;
    if (!read.decode_rows(rest, count)) return false;
  }
  if (read.max_count_ != max_count_ || read.span_us_ != span_us_) {
    rolling_window anew(max_count_, span_us_);
    for (const row& r : read.ring_) anew.push(r.time_us, r.value);
    read = std::move(anew);
  }
  *this = std::move(read);
  in = rest;
  return true;
}

bool rolling_window::operator==(const rolling_window& other) const {
  if (size_ != other.size_ || max_count_ != other.max_count_ || span_us_ != other.span_us_) return false;
  if (size_ == 0) return true;
  for (std::uint32_t i = 0; i < size_; ++i)
    if (nth(i).time_us != other.nth(i).time_us || !same_bits(nth(i).value, other.nth(i).value)) return false;
  return left_count_ == other.left_count_ && equal_count_ == other.equal_count_ && same_bits(sums_.shift, other.sums_.shift) &&
         same_bits(sums_.sum, other.sums_.sum) && same_bits(sums_.sum_sq, other.sums_.sum_sq) &&
         same_bits(sums_.largest_sum_sq, other.sums_.largest_sum_sq);
}

}  // namespace factory
