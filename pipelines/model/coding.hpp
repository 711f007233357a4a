#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

/// Numbers and texts as bytes, for everything that is stored. Values are little-endian; what stands in a key is big-endian
/// with the sign flipped, so that keys sort as the numbers do. put_* append to `out`; get_* read from the front of `in`
/// and advance it, and return false, leaving `in` anywhere, when the bytes are too short or no such encoding.
namespace factory {

namespace detail {

template <class Unsigned>
Unsigned byte_swapped(Unsigned v) {
  Unsigned out = 0;
  for (std::size_t i = 0; i < sizeof v; ++i, v = static_cast<Unsigned>(v >> 8U))
    out = static_cast<Unsigned>(out << 8U | (v & 0xffU));
  return out;
}
template <class Unsigned, std::endian Order>
void put_ordered(std::string& out, Unsigned v) {
  if constexpr (std::endian::native != Order) v = byte_swapped(v);
  out.append(reinterpret_cast<const char*>(&v), sizeof v);
}
template <class Unsigned, std::endian Order>
bool get_ordered(std::string_view& in, Unsigned& v) {
  if (in.size() < sizeof v) return false;
  std::memcpy(&v, in.data(), sizeof v);
  if constexpr (std::endian::native != Order) v = byte_swapped(v);
  in.remove_prefix(sizeof v);
  return true;
}
inline constexpr std::uint64_t sign_bit = std::uint64_t{1} << 63U;

}  // namespace detail

inline void put_byte(std::string& out, std::uint8_t v) { out.push_back(static_cast<char>(v)); }
inline void put_fixed32(std::string& out, std::uint32_t v) { detail::put_ordered<std::uint32_t, std::endian::little>(out, v); }
inline void put_fixed64(std::string& out, std::uint64_t v) { detail::put_ordered<std::uint64_t, std::endian::little>(out, v); }
/// Bit for bit: -0.0 and NaN payloads come back as they were.
inline void put_double(std::string& out, double v) { put_fixed64(out, std::bit_cast<std::uint64_t>(v)); }
/// LEB128: seven bits a byte, low ones first; 1 to 10 bytes.
inline void put_varint(std::string& out, std::uint64_t v) {
  for (; v >= 0x80U; v >>= 7U) out.push_back(static_cast<char>(v | 0x80U));
  out.push_back(static_cast<char>(v));
}
/// Small magnitudes of either sign become small unsigned numbers: 0, -1, 1, -2 ... to 0, 1, 2, 3.
inline std::uint64_t to_zigzag(std::int64_t v) {
  return static_cast<std::uint64_t>(v) << 1U ^ static_cast<std::uint64_t>(v >> 63);
}
inline std::int64_t from_zigzag(std::uint64_t v) { return static_cast<std::int64_t>(v >> 1U ^ (~(v & 1U) + 1U)); }
inline void put_zigzag(std::string& out, std::int64_t v) { put_varint(out, to_zigzag(v)); }
/// Length as varint, then the bytes.
inline void put_text(std::string& out, std::string_view v) {
  put_varint(out, v.size());
  out.append(v);
}

inline bool get_byte(std::string_view& in, std::uint8_t& v) {
  if (in.empty()) return false;
  v = static_cast<std::uint8_t>(in.front());
  in.remove_prefix(1);
  return true;
}
/// A byte that is 0 or 1.
inline bool get_flag(std::string_view& in, bool& flag) {
  std::uint8_t byte = 0;
  if (!get_byte(in, byte) || byte > 1) return false;
  flag = byte == 1;
  return true;
}
inline bool get_fixed32(std::string_view& in, std::uint32_t& v) {
  return detail::get_ordered<std::uint32_t, std::endian::little>(in, v);
}
inline bool get_fixed64(std::string_view& in, std::uint64_t& v) {
  return detail::get_ordered<std::uint64_t, std::endian::little>(in, v);
}
inline bool get_double(std::string_view& in, double& v) {
  std::uint64_t bits = 0;
  if (!get_fixed64(in, bits)) return false;
  v = std::bit_cast<double>(bits);
  return true;
}
inline bool get_varint(std::string_view& in, std::uint64_t& v) {
  v = 0;
  for (unsigned shift = 0; shift < 64 && !in.empty(); shift += 7) {
    const auto byte = static_cast<std::uint8_t>(in.front());
    in.remove_prefix(1);
    if (shift == 63 && byte > 1) return false;  // more than 64 bits
    v |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
    if (byte < 0x80U) return true;
  }
  return false;
}
/// A varint that must fit the narrower type.
template <class Unsigned>
bool get_varint_as(std::string_view& in, Unsigned& v) {
  std::uint64_t wide = 0;
  if (!get_varint(in, wide) || static_cast<Unsigned>(wide) != wide) return false;
  v = static_cast<Unsigned>(wide);
  return true;
}
inline bool get_zigzag(std::string_view& in, std::int64_t& v) {
  std::uint64_t bits = 0;
  if (!get_varint(in, bits)) return false;
  v = from_zigzag(bits);
  return true;
}
/// `v` points into what `in` points into.
inline bool get_text(std::string_view& in, std::string_view& v) {
  std::uint64_t size = 0;
  if (!get_varint(in, size) || size > in.size()) return false;
  v = in.substr(0, size);
  in.remove_prefix(size);
  return true;
}
inline bool get_text(std::string_view& in, std::string& v) {
  std::string_view view;
  if (!get_text(in, view)) return false;
  v.assign(view);
  return true;
}

inline void put_key32(std::string& out, std::uint32_t v) { detail::put_ordered<std::uint32_t, std::endian::big>(out, v); }
inline void put_key64(std::string& out, std::uint64_t v) { detail::put_ordered<std::uint64_t, std::endian::big>(out, v); }
inline void put_key_time(std::string& out, std::int64_t us) { put_key64(out, static_cast<std::uint64_t>(us) ^ detail::sign_bit); }
inline bool get_key32(std::string_view& in, std::uint32_t& v) {
  return detail::get_ordered<std::uint32_t, std::endian::big>(in, v);
}
inline bool get_key64(std::string_view& in, std::uint64_t& v) {
  return detail::get_ordered<std::uint64_t, std::endian::big>(in, v);
}
inline bool get_key_time(std::string_view& in, std::int64_t& us) {
  std::uint64_t bits = 0;
  if (!get_key64(in, bits)) return false;
  us = static_cast<std::int64_t>(bits ^ detail::sign_bit);
  return true;
}

}  // namespace factory
