#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "pipelines/decode/decode.hpp"
#include "replay/reader.hpp"

namespace factory::replay {

namespace {

/// Stands for "the row has no time", which a file must have: the time of the replay says nothing about its readings.
constexpr std::int64_t no_time = min_event_time_us - 1;

bool blank(std::string_view line) { return line.find_first_not_of(" \t\r") == std::string_view::npos; }

class ndjson_reader : public reader {
 public:
  ndjson_reader(const options& how, sensor_book& sensors)
      : sensors_(sensors),
        members_{how.sensor_column, how.time_column, how.value_column, how.sensor.value_or(0)},
        has_clock_(!how.clock_column.empty()) {
    if (sensors.registers() || !members_.sensor.empty()) names_ = [this](std::string_view name) { return named(name); };
  }

  expected<void> begin(text_window&) override {
    if (has_clock_) return fail(errc::invalid, "--map timestamp is given twice, which is for CSV");
    if (members_.only != 0 && !sensors_.known().contains(members_.only))
      return fail(errc::not_found, fmt::format("there is no sensor {}", members_.only), "sensor_id");
    return {};
  }

  expected<bool> next(text_window& text, std::size_t most, batch_builder& rows) override {
    const std::uint64_t errors = report_.error_count;
    while (rows.size() < most && report_.error_count == errors) {
      if (auto read = text.need(window_bytes); !read) return tl::unexpected(std::move(read.error()));
      const std::string_view lines = whole_lines(text, most - rows.size());
      if (lines.empty() && text.last()) return false;
      if (lines.empty()) {
        report_.refuse(line_, "", "the line is longer than " + std::to_string(window_bytes) + " bytes");
        return true;
      }
      if (auto read = decode(lines, rows); !read) return tl::unexpected(std::move(read.error()));
      text.take(lines.size());
    }
    return true;
  }

  place at(const text_window& text) const override { return {text.offset(), report_.rows, line_}; }
  expected<void> seek(const place& from) override {
    line_ = from.line;
    return {};
  }

 private:
  bool renames() const {
    return members_.only != 0 || !members_.sensor.empty() || !members_.time.empty() || !members_.value.empty();
  }

  /// A number is an id of ours where nothing is registered.
  expected<sensor_id> named(std::string_view name) {
    if (const auto number = whole_number(name); number && !sensors_.registers()) return sensors_.find_number(*number);
    return sensors_.find({{}, {}, std::string(name)});
  }

  /// What could be said to read such a row.
  static std::string option_for(const row_error& e) {
    if (e.reason == "is missing") return fmt::format("; --map {}=MEMBER says where it stands", e.field);
    const auto begin = e.reason.find('"'), end = e.reason.rfind('"');
    if (!e.reason.starts_with("is not known") || end == begin) return {};
    return fmt::format("; --map {}={} reads it", e.reason.substr(begin + 1, end - begin - 1), e.field);
  }

  /// The first `most` lines, as many as are whole.
  static std::string_view whole_lines(const text_window& text, std::size_t most) {
    const std::string_view view = text.view();
    std::size_t end = 0;
    for (std::size_t count = 0; count < most && end < view.size(); ++count) {
      const std::size_t newline = view.find('\n', end);
      if (newline == std::string_view::npos) return text.last() ? view : view.substr(0, end);
      end = newline + 1;
    }
    return view.substr(0, end);
  }

  expected<void> decode(std::string_view lines, batch_builder& rows) {
    decode_options how;
    how.now_us = no_time;
    how.partial = true;
    how.known = &sensors_.known();
    if (names_) how.names = &names_;
    if (renames()) how.members = &members_;
    part_.clear();
    auto result = decoder_.lines(lines, how, part_);
    if (!result) return tl::unexpected(std::move(result.error()));
    report_.rows += result->row_count;
    report_.readings += part_.size();
    for (row_error& e : result->errors) {
      e.reason += option_for(e);
      report_.refuse(line_of(lines, e.index), std::move(e.field), std::move(e.reason));
    }
    for (std::size_t i = 0; i < part_.size(); ++i) {
      if (part_.times_us()[i] == no_time) {
        report_.refuse(line_of(lines, i), "timestamp", "is missing; --map timestamp=MEMBER says where it stands");
        break;
      }
      rows.append_row(part_, i);
    }
    line_ += static_cast<std::uint64_t>(std::count(lines.begin(), lines.end(), '\n'));
    return {};
  }

  std::uint64_t line_of(std::string_view lines, std::uint64_t row) const {
    std::uint64_t line = line_;
    for (;; ++line) {
      const std::size_t end = std::min(lines.find('\n'), lines.size());
      if (!blank(lines.substr(0, end)) && row-- == 0) return line;
      if (end == lines.size()) return line;
      lines.remove_prefix(end + 1);
    }
  }

  sensor_book& sensors_;
  member_names members_;
  bool has_clock_;
  std::function<expected<sensor_id>(std::string_view)> names_;  ///< with a registration an id is a name
  json_decoder decoder_;
  batch_builder part_;
  std::uint64_t line_ = 1;
};

}  // namespace

std::unique_ptr<reader> make_ndjson_reader(const options& how, sensor_book& sensors) {
  return std::make_unique<ndjson_reader>(how, sensors);
}

}  // namespace factory::replay
