// Bodies of readings: what the shortcut for plain bodies takes, the parser takes too, with the same rows.
#include <algorithm>
#include <bit>
#include <cmath>
#include <string>

#include "fuzz/fuzz.hpp"
#include "pipelines/decode/decode.hpp"
#include "pipelines/decode/json_plain.hpp"

namespace {

using namespace factory;

constexpr std::size_t most = 1000;

const sensor_set& known() {
  static const sensor_set set = [] {
    sensor_set all;
    for (const sensor_id id : {1U, 2U, 17U, 300U}) all.insert(id);
    return all;
  }();
  return set;
}

void check_rows(const batch_builder& rows, const decode_result& result, const decode_options& options) {
  fuzz::require(result.errors.size() <= result.error_count, "errors are counted");
  fuzz::require(rows.size() + result.error_count <= result.row_count || result.error_count > 0, "a row is taken or refused");
  fuzz::require(options.partial || result.error_count > 0 || rows.size() == result.row_count,
                "every row of a good body is taken");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    fuzz::require(known().contains(rows.sensors()[i]), "rows are of known sensors");
    fuzz::require(std::isfinite(rows.values()[i]), "values are finite");
  }
}

bool same(const batch_builder& a, const batch_builder& b) {
  const auto bits = [](double value) { return std::bit_cast<std::uint64_t>(value); };
  return std::ranges::equal(a.sensors(), b.sensors()) && std::ranges::equal(a.times_us(), b.times_us()) &&
         std::ranges::equal(a.values(), b.values(), {}, bits, bits);
}

/// The shortcut never takes a byte order mark, so text after one is left to the parser.
void compare(json_decoder& decoder, const std::string& text, const batch_builder& plain, const decode_options& options) {
  batch_builder parsed;
  const auto result = decoder.bulk("\xEF\xBB\xBF" + text, options, parsed);
  fuzz::require(result && result->error_count == 0, "the parser takes what the shortcut takes");
  fuzz::require(same(plain, parsed), "the shortcut and the parser find the same rows");
}

std::string as_array(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::ranges::replace(text, '\n', ',');
  return "[" + text + "]";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static json_decoder decoder;
  fuzz::input in(data, size);
  const std::uint8_t choice = in.byte();
  decode_options options;
  options.known = &known();
  options.now_us = 5;
  options.max_readings = most;
  options.partial = (choice & 4U) != 0;
  options.unit = static_cast<precision>(choice >> 3U & 3U);
  const fuzz::exact text(in.rest());

  batch_builder rows;
  const auto result = choice % 4 == 0   ? decoder.one(text.view(), options, rows)
                      : choice % 4 == 1 ? decoder.lines(text.view(), options, rows)
                                        : decoder.bulk(text.view(), options, rows);
  if (result) check_rows(rows, *result, options);

  rows.clear();
  if (json_plain::read_rows(text.view(), options, most, rows)) compare(decoder, std::string(text.view()), rows, options);
  rows.clear();
  if (json_plain::read_columns(text.view(), options, most, rows)) compare(decoder, std::string(text.view()), rows, options);
  rows.clear();
  if (json_plain::read_lines(text.view(), options, most, rows))
    compare(decoder, as_array(std::string(text.view())), rows, options);
  return 0;
}
