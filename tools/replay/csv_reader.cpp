#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "actors/intake/series_path.hpp"
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
    layout_ = std::move(*layout);
    return find_sensors();
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
  expected<void> seek(const place& from) override {
    if (layout_.annotated) {
      return fail(errc::invalid,
                  "a file of InfluxDB's tables cannot be taken up in its middle; replay it whole without --resume: readings "
                  "that are stored are recognised");
    }
    decoder_.seek(from.row, from.line);
    return {};
  }

  std::string note() const override {
    std::string out;
    if (decoder_.decimal() == decimal_mark::comma) out = "decimal mark: comma";
    if (!layout_.ignored.empty()) {
      out += fmt::format("{}columns passed over as asked: {}", out.empty() ? "" : "; ", fmt::join(layout_.ignored, ", "));
    }
    return out;
  }

 private:
  static csv_options options_of(const options& how) {
    csv_options out{.form = how.format == file_format::csv_long   ? csv_form::long_form
                            : how.format == file_format::csv_wide ? csv_form::wide_form
                                                                  : csv_form::guess,
                    .time_column = how.time_column,
                    .value_column = how.value_column,
                    .sensor_column = how.sensor_column,
                    .quality_column = how.quality_column,
                    .clock_column = how.clock_column,
                    .ignored = how.ignored,
                    .skip_bad_cells = how.skip_bad_cells};
    out.start_us = how.start_us;
    out.interval_us = how.interval_us;
    return out;
  }

  expected<void> find_sensors() {
    if (!layout_.keys.empty()) {
      if (how_.sensor) {
        return fail(errc::invalid,
                    fmt::format("column {} says whose the readings are, and --map sensor_id={} that all are of one sensor; "
                                "--ignore passes the column over",
                                layout_.keys.front().name, *how_.sensor));
      }
      decoder_.assign([this](const csv_layout& layout, const auto& cells) { return owners(layout, cells); });
      return {};
    }
    std::vector<sensor_id> ids;
    const bool long_form = layout_.form == csv_form::long_form;
    if (long_form && how_.sensor) {
      if (!sensors_.known().contains(*how_.sensor))
        return fail(errc::not_found, fmt::format("there is no sensor {}", *how_.sensor), "sensor_id");
      ids.push_back(*how_.sensor);
    } else {
      for (const csv_column& series : layout_.series) {
        const auto id = sensors_.find({{}, {}, long_form ? name_ : series.name});
        if (!id) return tl::unexpected(id.error());
        ids.push_back(*id);
      }
    }
    decoder_.assign(std::move(ids));
    return {};
  }

  expected<std::vector<sensor_id>> owners(const csv_layout& layout, const std::vector<std::string_view>& cells) {
    using role = csv_key::role;
    std::string_view measurement, field;
    std::vector<series_label> labels;
    bool has_sensor = false;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const csv_key& key = layout.keys[i];
      switch (key.what) {
        case role::measurement: measurement = cells[i]; break;
        case role::field: field = cells[i]; break;
        case role::machine: labels.push_back({"machine", cells[i]}); break;
        case role::factory: labels.push_back({"factory", cells[i]}); break;
        case role::label: labels.push_back({key.name, cells[i]}); break;
        case role::sensor:
          has_sensor = true;
          if (cells[i].empty()) return fail(errc::invalid, "does not say whose the reading is", key.name);
          labels.push_back({"sensor", cells[i]});
          break;
      }
    }
    const bool alone = cells.size() == 1 && has_sensor && layout.series.size() == 1;
    if (const auto number = alone ? whole_number(cells.front()) : std::nullopt; number && !sensors_.registers()) {
      return sensors_.find_number(*number).map([](sensor_id id) { return std::vector{id}; });
    }
    std::vector<sensor_id> ids;
    for (const csv_column& series : layout.series) {
      std::string_view named = series.name;
      if (layout.form == csv_form::long_form) named = !field.empty() ? field : has_sensor ? "value" : std::string_view(name_);
      const auto id = sensors_.find(path_of(measurement, labels, named));
      if (!id) return tl::unexpected(id.error());
      ids.push_back(*id);
    }
    return ids;
  }

  const options& how_;
  std::string name_;
  sensor_book& sensors_;
  csv_decoder decoder_;
  csv_layout layout_;
};

}  // namespace

std::unique_ptr<reader> make_csv_reader(const options& how, std::string name, sensor_book& sensors) {
  return std::make_unique<csv_reader>(how, std::move(name), sensors);
}

}  // namespace factory::replay
