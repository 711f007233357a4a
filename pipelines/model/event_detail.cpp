#include "pipelines/model/event_detail.hpp"

#include <array>
#include <concepts>
#include <utility>

#include "pipelines/model/coding.hpp"

namespace factory {
namespace {

constexpr std::uint64_t most_in_list = 4096;  // damage must not reserve memory

struct writer {
  std::string& out;
  void operator()(std::string_view, double v) { put_double(out, v); }
  void operator()(std::string_view, std::unsigned_integral auto v) { put_varint(out, v); }
  void operator()(std::string_view, const std::string& v) { put_text(out, v); }
  void operator()(std::string_view, event_kind v) { put_byte(out, static_cast<std::uint8_t>(v)); }
  template <class T>
  void operator()(std::string_view, const std::vector<T>& list) {
    put_varint(out, list.size());
    for (const T& each : list) T::members(each, *this);
  }
  void time(std::string_view, std::int64_t v) { put_zigzag(out, v); }
  void time_or_none(std::string_view, std::int64_t v) { put_zigzag(out, v); }
};

struct reader {
  std::string_view& in;
  bool good = true;
  void operator()(std::string_view, double& v) { good = good && get_double(in, v); }
  template <std::unsigned_integral Unsigned>
  void operator()(std::string_view, Unsigned& v) {
    good = good && get_varint_as(in, v);
  }
  void operator()(std::string_view, std::string& v) { good = good && get_text(in, v); }
  void operator()(std::string_view, event_kind& v) {
    std::uint8_t stored = 0;
    good = good && get_byte(in, stored) && is_event_kind(stored);
    v = static_cast<event_kind>(stored);
  }
  template <class T>
  void operator()(std::string_view, std::vector<T>& list) {
    std::uint64_t count = 0;
    good = good && get_varint(in, count) && count <= most_in_list;
    list.clear();
    for (; good && count > 0; --count) T::members(list.emplace_back(), *this);
  }
  void time(std::string_view, std::int64_t& v) { good = good && get_zigzag(in, v); }
  void time_or_none(std::string_view, std::int64_t& v) { good = good && get_zigzag(in, v); }
};

template <class Detail>
bool get_as(std::string_view& in, event_detail& detail) {
  reader from{in};
  Detail::members(detail.emplace<Detail>(), from);
  return from.good;
}

template <std::size_t... Number>
bool get_numbered(std::size_t number, std::string_view& in, event_detail& detail, std::index_sequence<Number...>) {
  constexpr std::array readers{&get_as<std::variant_alternative_t<Number, event_detail>>...};
  return number < readers.size() && readers[number](in, detail);
}

}  // namespace

void put_detail(std::string& out, const event_detail& detail) {
  put_byte(out, static_cast<std::uint8_t>(detail.index()));
  std::visit([to = writer{out}]<class Detail>(const Detail& it) mutable { Detail::members(it, to); }, detail);
}

bool get_detail(std::string_view& in, event_detail& detail) {
  std::uint8_t number = 0;
  return get_byte(in, number) && get_numbered(number, in, detail, std::make_index_sequence<std::variant_size_v<event_detail>>());
}

}  // namespace factory
