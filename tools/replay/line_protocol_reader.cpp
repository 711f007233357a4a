#include <string>
#include <unordered_map>
#include <utility>

#include "pipelines/decode/line_protocol.hpp"
#include "pipelines/decode/text_cells.hpp"
#include "replay/reader.hpp"

namespace factory::replay {

namespace {

/// A row's tags `factory`, `machine` and `sensor` say whose its readings are; without them the measurement is the machine and
/// the field the sensor. A field beside `sensor` that is not called value goes behind its name: temp_max.
class line_protocol_reader : public reader {
 public:
  explicit line_protocol_reader(sensor_book& sensors) : sensors_(sensors) {}

  expected<void> begin(text_window&) override { return {}; }

  expected<bool> next(text_window& text, std::size_t most, batch_builder& rows) override {
    const std::uint64_t errors = report_.error_count;
    while (rows.size() < most && report_.error_count == errors) {
      if (text.view().size() < window_bytes / 2) {
        if (auto read = text.need(window_bytes); !read) return tl::unexpected(std::move(read.error()));
      }
      std::string_view left = text.view();
      const line_reader::found what = lines_.next(left, text.last());
      const bool too_long = what == line_reader::found::more && left.size() >= window_bytes;
      text.take(text.view().size() - left.size());
      if (what == line_reader::found::end) return false;
      if (too_long) report_.refuse(lines_.line() + 1, "", "the line is longer than " + std::to_string(window_bytes) + " bytes");
      if (what == line_reader::found::damaged) report_.refuse(lines_.line(), "", lines_.reason());
      if (what == line_reader::found::more) {
        if (auto read = text.need(window_bytes); !read) return tl::unexpected(std::move(read.error()));
      }
      if (what != line_reader::found::row) continue;
      if (auto taken = take_row(rows); !taken) return tl::unexpected(std::move(taken.error()));
    }
    return true;
  }

  place at(const text_window& text) const override { return {text.offset(), report_.rows, lines_.line() + 1}; }
  void seek(const place& from) override { lines_.seek(from.line - 1); }

  std::string note() const override {
    return texts_ == 0 ? std::string() : std::to_string(texts_) + " text fields passed over: they are no readings";
  }

 private:
  expected<void> take_row(batch_builder& rows) {
    const line_row& row = lines_.row();
    ++report_.rows;
    if (!row.time) return report_.refuse(lines_.line(), "", "has no time"), expected<void>{};
    if (!unit_) unit_ = guess_precision(*row.time);
    const auto time_us = to_time_us(*row.time, *unit_);
    if (!time_us) return report_.refuse(lines_.line(), "", "its time is outside of the years 1678 to 2261"), expected<void>{};
    for (const line_field& field : row.fields) {
      if (field.what == line_field::kind::text) {
        ++texts_;
      } else if (!field.exact) {
        report_.refuse(lines_.line(), std::string(field.key),
                       "is an integer that a 64-bit number with a fraction cannot hold exactly");
      } else {
        const auto id = sensor_of(row, field);
        if (!id) return tl::unexpected(id.error());
        rows.append(*id, *time_us, field.number);
        ++report_.readings;
      }
    }
    return {};
  }

  expected<sensor_id> sensor_of(const line_row& row, const line_field& field) {
    std::string_view factory, machine = row.measurement, sensor;
    for (const line_tag& tag : row.tags) {
      if (tag.key == "factory") factory = tag.value;
      if (tag.key == "machine") machine = tag.value;
      if (tag.key == "sensor") sensor = tag.value;
    }
    // A byte that names cannot hold stands between them.
    key_.assign(factory).append(1, '\0').append(machine).append(1, '\0').append(sensor).append(1, '\0').append(field.key);
    if (const auto found = seen_.find(key_); found != seen_.end()) return found->second;
    std::string name(sensor.empty() ? field.key : sensor);
    if (!sensor.empty() && field.key != "value") name.append("_").append(field.key);
    auto id = sensors_.sensor(std::string(factory), std::string(machine), name);
    if (!id) {
      id.error().message = "line " + std::to_string(lines_.line()) + ": " + id.error().message;
      return id;
    }
    seen_.emplace(key_, *id);
    return id;
  }

  sensor_book& sensors_;
  line_reader lines_;
  std::optional<precision> unit_;
  std::string key_;
  std::unordered_map<std::string, sensor_id> seen_;
  std::uint64_t texts_ = 0;
};

}  // namespace

std::unique_ptr<reader> make_line_protocol_reader(sensor_book& sensors) {
  return std::make_unique<line_protocol_reader>(sensors);
}

}  // namespace factory::replay
