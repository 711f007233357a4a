#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "pipelines/model/coding.hpp"

/// States of detectors as bytes. A state names its members once, in `fields`, and is stored and read back by that list:
///
///   template <class Self, class Visit> static void fields(Self& self, Visit& visit) { visit(self.count_, self.mean_); }
///
/// Floats and doubles bit for bit, integers as varints, arrays by their elements, vectors with their length before.
namespace factory::state {

inline constexpr std::size_t longest_vector = 65'536;  ///< no state has a longer one: damaged bytes cannot ask for more

struct writer {
  std::string& out;
  template <class... Ts>
  void operator()(const Ts&... values) {
    (put(values), ...);
  }
  template <class T>
  void put(const T& value) {
    if constexpr (std::is_same_v<T, double>) {
      put_double(out, value);
    } else if constexpr (std::is_same_v<T, float>) {
      put_fixed32(out, std::bit_cast<std::uint32_t>(value));
    } else if constexpr (std::is_enum_v<T> || std::is_same_v<T, bool>) {
      put_byte(out, static_cast<std::uint8_t>(value));
    } else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>) {
      put_zigzag(out, value);
    } else if constexpr (std::is_integral_v<T>) {
      put_varint(out, value);
    } else {
      T::fields(value, *this);
    }
  }
  template <class T, std::size_t N>
  void put(const std::array<T, N>& values) {
    for (const T& each : values) put(each);
  }
  template <class T>
  void put(const std::vector<T>& values) {
    put_varint(out, values.size());
    for (const T& each : values) put(each);
  }
};

struct reader {
  std::string_view& in;
  bool ok = true;
  template <class... Ts>
  void operator()(Ts&... values) {
    (get(values), ...);
  }
  template <class T>
  void get(T& value) {
    if (!ok) return;
    if constexpr (std::is_same_v<T, double>) {
      ok = get_double(in, value);
    } else if constexpr (std::is_same_v<T, float>) {
      std::uint32_t bits = 0;
      ok = get_fixed32(in, bits);
      value = std::bit_cast<float>(bits);
    } else if constexpr (std::is_enum_v<T> || std::is_same_v<T, bool>) {
      std::uint8_t byte = 0;
      ok = get_byte(in, byte);
      value = static_cast<T>(byte);
    } else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>) {
      std::int64_t wide = 0;
      ok = get_zigzag(in, wide);
      value = static_cast<T>(wide);
      ok = ok && value == wide;
    } else if constexpr (std::is_integral_v<T>) {
      ok = get_varint_as(in, value);
    } else {
      T::fields(value, *this);
    }
  }
  template <class T, std::size_t N>
  void get(std::array<T, N>& values) {
    for (T& each : values) get(each);
  }
  template <class T>
  void get(std::vector<T>& values) {
    std::uint64_t size = 0;
    ok = ok && get_varint(in, size) && size <= longest_vector;
    values.assign(ok ? size : 0, T{});
    for (T& each : values) get(each);
  }
};

}  // namespace factory::state
