#include "storage/block/value_column.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <optional>
#include <vector>

#include "pipelines/model/coding.hpp"
#include "storage/block/decimal.hpp"
#include "storage/block/integer_column.hpp"

namespace factory {
namespace {

using u64 = std::uint64_t;
using i64 = std::int64_t;

enum class mapping : std::uint8_t { bits = 0, decimal = 1, dictionary = 2 };

constexpr std::size_t dictionary_limit = 4'096;
constexpr double guessed_share = 0.75, tried_share = 1;  // `tried` is for callers that try both and keep the smaller

/// Maps the bits to an integer that rises with the value (plain bits run backwards below zero). The mapping is its own inverse.
i64 in_order(i64 bits) { return bits ^ static_cast<i64>(static_cast<u64>(bits >> 63) >> 1U); }

/// The digits with which a decimal comes as close to `v` as the result of a few sums and products of decimals.
std::optional<unsigned> digits_of(double v) {
  constexpr i64 near = 2;
  for (unsigned digits = 0; digits < powers_of_ten.size(); ++digits) {
    const double scale = powers_of_ten[digits];
    if (!(std::abs(v * scale) < largest_decimal)) return std::nullopt;
    const i64 off = distance(v, to_decimal(v, scale), scale);
    if (off >= -near && off <= near) return digits;
  }
  return std::nullopt;
}

/// The number of digits that encodes a sample of the values best: each digit costs every value log2(10) bits, and a value that
/// needs more digits leaves most of its mantissa over. Nullopt when the plain bits cost no more; their cost is estimated as
/// `share_of_mantissa`, because exponents and high bits are alike.
std::optional<unsigned> best_digits(std::span<const double> values, double share_of_mantissa) {
  constexpr std::size_t sample = 32;
  constexpr double bits_per_digit = 3.33, mantissa_bits = 52;
  std::array<unsigned, powers_of_ten.size()> needing{};
  unsigned taken = 0;
  const std::size_t stride = std::max<std::size_t>(1, values.size() / sample);
  for (std::size_t i = stride / 2; i < values.size(); i += stride, ++taken)
    if (const auto digits = digits_of(values[i])) ++needing[*digits];
  std::optional<unsigned> best;
  double least = mantissa_bits * share_of_mantissa * taken;
  unsigned covered = 0;
  for (unsigned digits = 0; digits < needing.size(); ++digits) {
    covered += needing[digits];
    const double cost = taken * digits * bits_per_digit + (taken - covered) * mantissa_bits;
    if (cost >= least) continue;
    least = cost;
    best = digits;
  }
  return best;
}

void put_bits(std::string& out, std::span<const double> values, effort how) {
  thread_local std::vector<i64> integers;
  integers.resize(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) integers[i] = std::bit_cast<i64>(values[i]);
  put_byte(out, static_cast<std::uint8_t>(mapping::bits));
  put_integers(out, integers, how);
}

void put_decimals(std::string& out, std::span<const double> values, unsigned digits, effort how) {
  thread_local std::vector<i64> decimals, distances;
  decimals.resize(values.size());
  distances.resize(values.size());
  const double scale = powers_of_ten[digits];
  i64 any = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    decimals[i] = to_decimal(values[i], scale);
    distances[i] = distance(values[i], decimals[i], scale);
    any |= distances[i];
  }
  put_byte(out, static_cast<std::uint8_t>(mapping::decimal));
  put_byte(out, static_cast<std::uint8_t>(digits));
  put_byte(out, any == 0 ? 0 : 1);
  put_integers(out, decimals, how);
  if (any != 0) put_integers(out, distances, how);
}

void put_direct(std::string& out, std::span<const double> values, effort how) {
  if (const auto digits = best_digits(values, guessed_share)) return put_decimals(out, values, *digits, how);
  put_bits(out, values, how);
}

/// False, with nothing written, when there are too many distinct values.
bool put_dictionary(std::string& out, std::span<const double> values, effort how) {
  std::vector<i64> keys(values.size());
  std::transform(values.begin(), values.end(), keys.begin(), [](double v) { return in_order(std::bit_cast<i64>(v)); });
  std::vector<i64> distinct = keys;
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  if (distinct.size() > dictionary_limit || distinct.size() > values.size() / 2) return false;
  for (i64& key : keys) key = std::lower_bound(distinct.begin(), distinct.end(), key) - distinct.begin();
  std::vector<double> words(distinct.size());
  std::transform(distinct.begin(), distinct.end(), words.begin(), [](i64 key) { return std::bit_cast<double>(in_order(key)); });
  put_byte(out, static_cast<std::uint8_t>(mapping::dictionary));
  put_varint(out, words.size());
  put_direct(out, words, how);
  put_integers(out, keys, how);
  return true;
}

bool get_bits(std::string_view& in, std::span<double> values, std::span<i64> integers) {
  if (!get_integers(in, integers)) return false;
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::bit_cast<double>(integers[i]);
  return true;
}

bool get_decimals(std::string_view& in, std::span<double> values, std::span<i64> integers) {
  std::uint8_t digits = 0, distances = 0;
  if (!get_byte(in, digits) || !get_byte(in, distances) || digits >= powers_of_ten.size() || !get_integers(in, integers))
    return false;
  const double scale = powers_of_ten[digits];
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = from_decimal(integers[i], scale);
  if (distances == 0) return true;
  if (!get_integers(in, integers)) return false;
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = std::bit_cast<double>(std::bit_cast<u64>(values[i]) + static_cast<u64>(integers[i]));
  return true;
}

bool get_dictionary(std::string_view& in, std::span<double> values, std::span<i64> integers) {
  u64 count = 0;
  if (!get_varint(in, count) || count == 0 || count > dictionary_limit) return false;
  std::vector<double> words(count);
  if (in.empty() || in.front() == static_cast<char>(mapping::dictionary) || !get_values(in, words) || !get_integers(in, integers))
    return false;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (static_cast<u64>(integers[i]) >= count) return false;
    values[i] = words[static_cast<std::size_t>(integers[i])];
  }
  return true;
}

}  // namespace

void put_values(std::string& out, std::span<const double> values, effort how) {
  if (how != effort::thorough) return put_direct(out, values, how);
  std::string best, candidate;
  const auto keep_smaller = [&] {
    if (best.empty() || candidate.size() < best.size()) best.swap(candidate);
    candidate.clear();
  };
  put_bits(best, values, how);
  if (const auto digits = best_digits(values, tried_share)) {
    put_decimals(candidate, values, *digits, how);
    keep_smaller();
  }
  if (put_dictionary(candidate, values, how)) keep_smaller();
  out += best;
}

bool get_values(std::string_view& in, std::span<double> values) {
  std::uint8_t what = 0;
  if (!get_byte(in, what)) return false;
  // Local to the call: reading a dictionary reads its words as a column of their own in between.
  std::vector<i64> integers(values.size());
  switch (static_cast<mapping>(what)) {
    case mapping::bits: return get_bits(in, values, integers);
    case mapping::decimal: return get_decimals(in, values, integers);
    case mapping::dictionary: return get_dictionary(in, values, integers);
  }
  return false;
}

}  // namespace factory
