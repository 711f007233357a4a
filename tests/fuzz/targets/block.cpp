// The block codec: any rows come back bit for bit, any damage is found, and any bytes are read without a step too far.
#include <algorithm>
#include <bit>
#include <string>

#include "fuzz/fuzz.hpp"
#include "storage/block/block.hpp"
#include "storage/block/columns.hpp"
#include "storage/block/integer_column.hpp"
#include "storage/block/value_column.hpp"

namespace {

using namespace factory;

void read_anything(fuzz::input in) {
  const std::size_t count = 1 + (in.byte() | in.byte() << 8U) % 4096;
  const fuzz::exact bytes(in.rest());
  reading_run rows;
  std::string_view columns = bytes.view(), integers = bytes.view(), values = bytes.view();
  if (get_columns(columns, count, rows)) fuzz::require(rows.size() == count, "as many rows as were asked for");
  std::vector<std::int64_t> numbers(count);
  static_cast<void>(get_integers(integers, numbers));
  std::vector<double> doubles(count);
  static_cast<void>(get_values(values, doubles));
  static_cast<void>(read_header(bytes.view()));
  static_cast<void>(open_block(bytes.view()));
}

/// `small` steps look like a cadence, `decimal` values like a sensor's; else any bits.
reading_run rows_of(fuzz::input& in, bool small, bool decimal) {
  std::vector<std::int64_t> times;
  reading_run rows;
  std::int64_t time_us = static_cast<std::int64_t>(in.word());
  while (!in.rest().empty() && rows.size() < 2'000) {
    time_us =
        small ? static_cast<std::int64_t>(static_cast<std::uint64_t>(time_us) + in.byte()) : static_cast<std::int64_t>(in.word());
    times.push_back(time_us);
    const double value =
        decimal ? static_cast<double>(static_cast<std::int8_t>(in.byte())) / 10 : std::bit_cast<double>(in.word());
    rows.value.push_back(value);
    rows.flags.push_back(in.byte() & 3U);
  }
  std::ranges::sort(times);
  times.erase(std::unique(times.begin(), times.end()), times.end());
  rows.value.resize(times.size());
  rows.flags.resize(times.size());
  rows.event_time_us = std::move(times);
  return rows;
}

bool same(const reading_run& a, const reading_run& b) {
  const auto bits = [](double value) { return std::bit_cast<std::uint64_t>(value); };
  return a.event_time_us == b.event_time_us && a.flags == b.flags && std::ranges::equal(a.value, b.value, {}, bits, bits);
}

void there_and_back(fuzz::input in, std::uint8_t choice) {
  const std::uint64_t damage = in.word();
  const reading_run rows = rows_of(in, choice & 2U, choice & 4U);
  if (rows.empty()) return;
  for (const effort how : {effort::quick, effort::thorough}) {
    block sealed = seal(7, 1, rows, how);
    const auto opened = open_block(fuzz::exact(sealed.bytes).view());
    fuzz::require(opened && same(*opened, rows), "rows come back bit for bit");
    fuzz::require(read_header(sealed.bytes)->count == rows.size(), "the header counts them");
    char& byte = sealed.bytes[(damage >> 8U) % sealed.bytes.size()];
    byte = static_cast<char>(byte ^ (1U << (damage % 8)));
    fuzz::require(!open_block(fuzz::exact(sealed.bytes).view()), "a bit that changed is found");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input in(data, size);
  const std::uint8_t choice = in.byte();
  choice % 2 == 0 ? read_anything(in) : there_and_back(in, choice);
  return 0;
}
