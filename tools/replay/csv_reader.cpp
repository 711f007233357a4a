#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "replay/reader.hpp"

namespace factory::replay {

namespace {

class csv_reader : public reader {
 public:
  csv_reader(const options& how, std::string name, sensor_book& sensors)
      : how_(how), name_(std::move(name)), sensors_(sensors), decoder_(options_of(how)) {}

  expected<void> begin(text_window& text) override {
    if (auto read = text.need(window_bytes); !read) return read;
    auto layout = decoder_.open(text.view(), text.last());
    if (!layout) return tl::unexpected(std::move(layout.error()));
    text.take(decoder_.header_bytes());
    text_columns_ = layout->text_columns;
    return find_sensors(*layout);
  }

  expected<bool> next(text_window& text, std::size_t most, batch_builder& rows) override {
    const std::uint64_t errors = report_.error_count;
    for (;;) {
      if (text.view().size() < window_bytes / 2) {
        if (auto read = text.need(window_bytes); !read) return tl::unexpected(std::move(read.error()));
      }
      text.take(decoder_.decode(text.view(), text.last(), most, rows, report_));
      if (rows.size() >= most || report_.error_count != errors) return true;
      if (text.last()) return false;
      // What is left is the front of a row.
      if (auto read = text.need(window_bytes); !read) return tl::unexpected(std::move(read.error()));
    }
  }

  place at(const text_window& text) const override { return {text.offset(), decoder_.row(), decoder_.next_line()}; }
  void seek(const place& from) override { decoder_.seek(from.row, from.line); }

  std::string note() const override {
    if (text_columns_.empty()) return {};
    return fmt::format("columns passed over, as they hold text: {}", fmt::join(text_columns_, ", "));
  }

 private:
  static csv_options options_of(const options& how) {
    csv_options out{.form = how.format == file_format::csv_long   ? csv_form::long_form
                            : how.format == file_format::csv_wide ? csv_form::wide_form
                                                                  : csv_form::guess,
                    .time_column = how.time_column,
                    .value_column = how.value_column,
                    .sensor_column = how.sensor_column};
    out.start_us = how.start_us;
    out.interval_us = how.interval_us;
    return out;
  }

  expected<void> find_sensors(const csv_layout& layout) {
    std::vector<std::string> names;
    const bool long_form = layout.form == csv_form::long_form;
    if (!long_form) {
      for (const csv_series& series : layout.series) names.push_back(series.name);
    } else if (how_.sensor && !layout.sensor_column) {
      if (!sensors_.known().contains(*how_.sensor))
        return fail(errc::not_found, fmt::format("there is no sensor {}", *how_.sensor), "sensor_id");
      decoder_.assign({*how_.sensor}, &sensors_.known());
      return {};
    } else if (!layout.sensor_column) {
      names.push_back(name_);
    }
    auto ids = names.empty() ? expected<std::vector<sensor_id>>() : sensors_.columns(names);
    if (!ids) return tl::unexpected(std::move(ids.error()));
    decoder_.assign(std::move(*ids), &sensors_.known());
    return {};
  }

  const options& how_;
  std::string name_;
  sensor_book& sensors_;
  csv_decoder decoder_;
  std::vector<std::string> text_columns_;
};

}  // namespace

std::unique_ptr<reader> make_csv_reader(const options& how, std::string name, sensor_book& sensors) {
  return std::make_unique<csv_reader>(how, std::move(name), sensors);
}

}  // namespace factory::replay
