#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "actors/intake/series_path.hpp"
#include "pipelines/decode/line_protocol.hpp"
#include "pipelines/decode/text_cells.hpp"
#include "pipelines/model/reading_flags.hpp"
#include "replay/reader.hpp"

namespace factory::replay {

namespace {

/// Measurement, tags and field say whose a reading is: see path_of().
class line_protocol_reader : public reader {
 public:
  line_protocol_reader(const options& how, sensor_book& sensors) : how_(how), sensors_(sensors) {}

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
  expected<void> seek(const place& from) override {
    lines_.seek(from.line - 1);
    return {};
  }

 private:
  expected<void> take_row(batch_builder& rows) {
    const line_row& row = lines_.row();
    ++report_.rows;
    if (!row.time) return report_.refuse(lines_.line(), "", "has no time"), expected<void>{};
    if (!unit_) unit_ = guess_precision(*row.time);
    const auto time_us = to_time_us(*row.time, *unit_);
    if (!time_us) return report_.refuse(lines_.line(), "", "its time is outside of the years 1678 to 2261"), expected<void>{};
    const auto quality = quality_of_row(row);
    for (const line_field& field : row.fields) {
      if (how_.ignores(field.key) || (quality && is_quality(field))) continue;
      if (field.what == line_field::kind::text) {
        const std::string key(field.key);
        report_.refuse(lines_.line(), key, "is text, which is no reading; --ignore " + key + " passes it over");
      } else if (!field.exact) {
        report_.refuse(lines_.line(), std::string(field.key),
                       "is an integer that a 64-bit number with a fraction cannot hold exactly");
      } else {
        const auto id = sensor_of(row, field);
        if (!id && id.error().code != errc::invalid && id.error().code != errc::not_found) return tl::unexpected(id.error());
        if (!id) {
          report_.refuse(lines_.line(), std::string(field.key), id.error().message);
          continue;
        }
        rows.append(*id, *time_us, field.number, quality.value_or(flag_none));
        ++report_.readings;
      }
    }
    return {};
  }

  /// A text field `quality` says of what quality the other fields of its row are. A number of that name is a reading.
  static bool is_quality(const line_field& field) { return field.what == line_field::kind::text && field.key == "quality"; }
  static std::optional<std::uint8_t> quality_of_row(const line_row& row) {
    const auto field = std::ranges::find_if(row.fields, is_quality);
    return field == row.fields.end() ? std::nullopt : quality_of(field->text);
  }

  expected<sensor_id> sensor_of(const line_row& row, const line_field& field) {
    // A byte that names cannot hold stands between them.
    key_.assign(row.measurement).append(1, '\0').append(field.key);
    labels_.clear();
    for (const line_tag& tag : row.tags) {
      if (how_.ignores(tag.key)) continue;
      key_.append(1, '\0').append(tag.key).append(1, '\0').append(tag.value);
      labels_.push_back({tag.key, tag.value});
    }
    if (const auto found = seen_.find(key_); found != seen_.end()) return found->second;
    auto id = sensors_.find(path_of(row.measurement, labels_, field.key));
    if (id) seen_.emplace(key_, *id);
    return id;
  }

  const options& how_;
  sensor_book& sensors_;
  line_reader lines_;
  std::optional<precision> unit_;
  std::string key_;
  std::unordered_map<std::string, sensor_id> seen_;
  std::vector<series_label> labels_;
};

}  // namespace

std::unique_ptr<reader> make_line_protocol_reader(const options& how, sensor_book& sensors) {
  return std::make_unique<line_protocol_reader>(how, sensors);
}

}  // namespace factory::replay
