// CSV files: the same readings and refusals however the file is cut.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "fuzz/fuzz.hpp"
#include "pipelines/decode/csv.hpp"

namespace {

using namespace factory;

struct outcome {
  batch_builder rows;
  text_report report;
};

bool same(const outcome& a, const outcome& b) {
  const auto same_error = [](const text_error& x, const text_error& y) {
    return x.line == y.line && x.column == y.column && x.reason == y.reason;
  };
  return std::ranges::equal(a.rows.sensors(), b.rows.sensors()) && std::ranges::equal(a.rows.times_us(), b.rows.times_us()) &&
         std::ranges::equal(a.rows.values(), b.rows.values()) && a.report.rows == b.report.rows &&
         a.report.readings == b.report.readings && a.report.empty_cells == b.report.empty_cells &&
         a.report.error_count == b.report.error_count && std::ranges::equal(a.report.errors, b.report.errors, same_error);
}

outcome read(std::string_view text, const csv_options& options, std::size_t piece) {
  outcome out;
  csv_decoder decoder(options);
  const auto layout = decoder.open(text, true);
  if (!layout) return out;
  fuzz::require(decoder.header_bytes() <= text.size(), "the header is part of the file");
  std::vector<sensor_id> sensors(layout->series.size());
  std::iota(sensors.begin(), sensors.end(), 1U);
  decoder.assign(std::move(sensors));
  decoder.assign([](const csv_layout& now, const std::vector<std::string_view>& cells) -> expected<std::vector<sensor_id>> {
    if (cells.front().empty()) return fail(errc::invalid, "is empty");
    return std::vector<sensor_id>(now.series.size(), static_cast<sensor_id>(cells.front().size()));
  });
  std::size_t at = decoder.header_bytes(), end = at;
  do {
    end = std::min(text.size(), end + piece);
    const fuzz::exact window(text.substr(at, end - at));
    at += decoder.decode(window.view(), end == text.size(), text.size() + 1, out.rows, out.report);
    fuzz::require(at <= end, "no more is taken than there is");
  } while (end < text.size());
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input in(data, size);
  const std::uint8_t choice = in.byte();
  const std::size_t piece = 1 + in.byte() % 64;
  csv_options options;
  options.form = static_cast<csv_form>(choice % 3);
  if (choice & 8U) options.start_us = 1'700'000'000'000'000, options.interval_us = 1'000;
  const outcome whole = read(in.rest(), options, in.rest().size() + 1);
  for (const double value : whole.rows.values()) fuzz::require(std::isfinite(value), "values are finite");
  fuzz::require(same(read(in.rest(), options, piece), whole), "the same readings however the file is cut");
  return 0;
}
