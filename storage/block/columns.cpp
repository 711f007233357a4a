#include "storage/block/columns.hpp"

#include <algorithm>
#include <cstring>

#include "pipelines/model/coding.hpp"
#include "storage/block/integer_column.hpp"
#include "storage/block/value_column.hpp"

namespace factory {
namespace {

enum class form : std::uint8_t { plain = 0, coded = 1 };

template <class Number>
void put_copy(std::string& out, const std::vector<Number>& column) {
  for (const Number v : column) put_fixed64(out, std::bit_cast<std::uint64_t>(v));
}
template <class Number>
bool get_copy(std::string_view& in, std::vector<Number>& column) {
  for (Number& v : column) {
    std::uint64_t bits = 0;
    if (!get_fixed64(in, bits)) return false;
    v = std::bit_cast<Number>(bits);
  }
  return true;
}

void put_plain(std::string& out, const reading_run& rows) {
  put_byte(out, static_cast<std::uint8_t>(form::plain));
  put_copy(out, rows.event_time_us);
  put_copy(out, rows.value);
  put_plane(out, rows.flags, effort::plain);
}

void put_coded(std::string& out, const reading_run& rows, effort how) {
  put_byte(out, static_cast<std::uint8_t>(form::coded));
  put_integers(out, rows.event_time_us, how);
  put_values(out, rows.value, how);
  put_plane(out, rows.flags, how);
}

bool same(const reading_run& a, const reading_run& b) {
  return a.event_time_us == b.event_time_us && a.flags == b.flags && a.value.size() == b.value.size() &&
         std::memcmp(a.value.data(), b.value.data(), a.value.size() * sizeof(double)) == 0;
}

bool comes_back(std::string_view coded, const reading_run& rows) {
  thread_local reading_run decoded;
  return get_columns(coded, rows.size(), decoded) && coded.empty() && same(decoded, rows);
}

}  // namespace

void put_columns(std::string& out, const reading_run& rows, effort how) {
  const std::size_t begin = out.size();
  if (how != effort::plain) {
    put_coded(out, rows, how);
    if (comes_back(std::string_view(out).substr(begin), rows)) return;
    out.resize(begin);
  }
  put_plain(out, rows);
}

bool get_columns(std::string_view& in, std::size_t count, reading_run& rows) {
  std::uint8_t what = 0;
  if (!get_byte(in, what) || count > most_rows) return false;
  rows.event_time_us.resize(count);
  rows.value.resize(count);
  rows.flags.resize(count);
  switch (static_cast<form>(what)) {
    case form::plain: return get_copy(in, rows.event_time_us) && get_copy(in, rows.value) && get_plane(in, rows.flags);
    case form::coded: return get_integers(in, rows.event_time_us) && get_values(in, rows.value) && get_plane(in, rows.flags);
  }
  return false;
}

}  // namespace factory
