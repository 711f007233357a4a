#include "pipelines/decode/csv.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <utility>

#include "pipelines/model/limits.hpp"

namespace factory {

namespace {

constexpr std::string_view time_names[] = {"timestamp", "time", "datetime", "date", "ts", "date_time", "_time", "event_time"};
constexpr std::string_view value_names[] = {"value", "reading", "_value"};
constexpr std::string_view sensor_names[] = {"sensor_id", "sensor", "sensorid"};

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

template <std::size_t N>
std::optional<std::size_t> find_any(const std::vector<std::string>& names, const std::string_view (&usual)[N]) {
  for (const std::string_view name : usual) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (lower(names[i]) == name) return i;
    }
  }
  return std::nullopt;
}

/// The byte that ends the first line, outside of quotes.
char guess_line_end(std::string_view text, bool last) {
  bool quoted = false;
  for (std::size_t at = 0; at < text.size() && text[at] != '\n'; ++at) {
    if (text[at] == '"') quoted = !quoted;
    if (text[at] != '\r' || quoted) continue;
    const std::size_t next = text.find_first_not_of('\r', at);
    const bool alone = next == std::string_view::npos ? last : text[next] != '\n';
    return alone ? '\r' : '\n';
  }
  return '\n';
}

char guess_delimiter(std::string_view header) {
  header = header.substr(0, header.find_first_of("\r\n"));
  const auto count = [&](char c) { return std::count(header.begin(), header.end(), c); };
  char best = ',';
  for (const char c : {';', '\t'}) {
    if (count(c) > count(best)) best = c;
  }
  return best;
}

std::string quoted(std::string_view text) { return "\"" + std::string(text.substr(0, 40)) + "\""; }

tl::unexpected<error> no_column(std::string_view name, const std::vector<std::string>& names) {
  std::string all;
  for (std::size_t i = 0; i < names.size() && i < 10; ++i) all += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > 10) all += ", …";
  return fail(errc::invalid, "there is no column " + quoted(name) + "; the file has " + all, std::string(name));
}

std::string row_damage(csv_rows::found what) {
  if (what == csv_rows::found::unclosed_quote) return "a quote is not closed before the end of the file";
  if (what == csv_rows::found::stray_quote) return "something stands between a closing quote and the delimiter";
  return "the row is longer than " + std::to_string(limits::text_row_bytes) + " bytes; is a quote not closed?";
}

}  // namespace

void text_report::refuse(std::uint64_t line, std::string column, std::string reason) {
  if (errors.size() < limits::row_errors_per_answer) errors.push_back({line, std::move(column), std::move(reason)});
  ++error_count;
}

std::optional<std::size_t> csv_decoder::find(std::string_view name) const {
  const auto found = std::find(layout_.names.begin(), layout_.names.end(), name);
  if (found == layout_.names.end()) return std::nullopt;
  return static_cast<std::size_t>(found - layout_.names.begin());
}

expected<csv_layout> csv_decoder::open(std::string_view preview, bool last) {
  std::string_view text = preview;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  layout_ = {};
  layout_.delimiter = guess_delimiter(text);
  rows_ = csv_rows(layout_.delimiter, guess_line_end(text, last));
  const csv_rows::found what = rows_.next(text, last);
  if (what == csv_rows::found::end) return fail(errc::malformed, "the file is empty: its first line must name the columns");
  if (what != csv_rows::found::row) return fail(errc::malformed, "line 1: " + row_damage(what));
  layout_.names.assign(rows_.cells().begin(), rows_.cells().end());
  header_bytes_ = preview.size() - text.size();
  for (const std::string& name : layout_.names) {
    if (read_number(name, false).what == number_cell::kind::number || parse_time_us(name)) {
      return fail(errc::malformed,
                  "line 1 holds " + quoted(name) + " where a column name is expected; put a line with names first");
    }
  }
  if (auto chosen = choose_columns(); !chosen) return tl::unexpected(std::move(chosen.error()));
  find_text_columns(text, last);
  if (layout_.series.empty()) return fail(errc::invalid, "no column of the file holds numbers");
  return layout_;
}

expected<void> csv_decoder::choose_columns() {
  auto& [form, delimiter, names, time, sensor, series, text_columns] = layout_;
  std::optional<std::size_t> value;
  const auto choose = [&, &names = names](const std::string& asked, const auto& usual, std::optional<std::size_t>& out) {
    out = asked.empty() ? find_any(names, usual) : find(asked);
    return asked.empty() || out.has_value();
  };
  if (!choose(options_.time_column, time_names, time)) return no_column(options_.time_column, names);
  if (!choose(options_.value_column, value_names, value)) return no_column(options_.value_column, names);
  if (!choose(options_.sensor_column, sensor_names, sensor)) return no_column(options_.sensor_column, names);
  form = options_.form;
  if (form == csv_form::guess) {
    form = value && (time || sensor || !options_.value_column.empty()) ? csv_form::long_form : csv_form::wide_form;
  }
  if (!time && !options_.start_us) {
    return fail(errc::invalid, "no column looks like a time; name it (--map timestamp=COLUMN) or give --start and --interval",
                "timestamp");
  }
  if (form == csv_form::long_form) {
    if (!value) return fail(errc::invalid, "no column is called value; name it (--map value=COLUMN)", "value");
    series.push_back({*value, names[*value]});
    return {};
  }
  sensor.reset();
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i == time) continue;
    if (names[i].empty()) {
      text_columns.push_back("column " + std::to_string(i + 1) + " (no name)");
      continue;
    }
    if (find(names[i]) != i) return fail(errc::malformed, "line 1: two columns are called " + quoted(names[i]), names[i]);
    series.push_back({i, names[i]});
  }
  return {};
}

void csv_decoder::find_text_columns(std::string_view rows, bool last) {
  csv_rows ahead = rows_;
  enum class kind : std::uint8_t { unknown, number, text };
  std::vector<kind> kinds(layout_.names.size(), kind::unknown);
  while (layout_.form == csv_form::wide_form && ahead.next(rows, last) == csv_rows::found::row) {
    for (std::size_t i = 0; i < kinds.size() && i < ahead.cells().size(); ++i) {
      if (kinds[i] != kind::unknown) continue;
      const number_cell cell = read_number(ahead.cells()[i], layout_.delimiter != ',');
      if (cell.what == number_cell::kind::empty) continue;
      kinds[i] = cell.what == number_cell::kind::other ? kind::text : kind::number;
    }
  }
  std::erase_if(layout_.series, [&](const csv_series& s) {
    const bool is_text = kinds[s.column] == kind::text;
    if (is_text) layout_.text_columns.push_back(s.name);
    return is_text;
  });
}

void csv_decoder::assign(std::vector<sensor_id> sensors, const sensor_set* known) {
  sensors_ = std::move(sensors);
  known_ = known;
}

void csv_decoder::seek(std::uint64_t row, std::uint64_t line) {
  row_ = row;
  rows_.seek(line);
}

std::size_t csv_decoder::decode(std::string_view bytes, bool last, std::size_t most, batch_builder& out, text_report& report) {
  if (ended_) return bytes.size();
  std::string_view left = bytes;
  while (out.size() < most) {
    const csv_rows::found what = rows_.next(left, last);
    if (what == csv_rows::found::row) {
      decode_row(out, report);
      continue;
    }
    if (what == csv_rows::found::end || (what == csv_rows::found::more && left.size() <= limits::text_row_bytes)) break;
    report.refuse(rows_.line(), "", row_damage(what));
    ended_ = true;
    left = {};
    break;
  }
  return bytes.size() - left.size();
}

std::optional<std::int64_t> csv_decoder::row_time(text_report& report) {
  if (!layout_.time_column) return *options_.start_us + static_cast<std::int64_t>(row_) * options_.interval_us;
  const std::string_view cell = rows_.cells()[*layout_.time_column];
  const auto time_us = time_.read(cell);
  if (!time_us) report.refuse(rows_.line(), layout_.names[*layout_.time_column], quoted(cell) + " is not a time");
  return time_us;
}

std::optional<sensor_id> csv_decoder::row_sensor(text_report& report) {
  if (!layout_.sensor_column) return sensors_.front();
  const std::string_view cell = rows_.cells()[*layout_.sensor_column];
  const char* const end = cell.data() + cell.size();
  std::uint64_t id = 0;
  const auto [rest, code] = std::from_chars(cell.data(), end, id);
  if (code == std::errc{} && rest == end && known_->contains(id)) return static_cast<sensor_id>(id);
  const bool number = code == std::errc{} && rest == end;
  report.refuse(rows_.line(), layout_.names[*layout_.sensor_column],
                number ? "unknown sensor " + std::to_string(id) : quoted(cell) + " is not the id of a sensor");
  return std::nullopt;
}

void csv_decoder::decode_row(batch_builder& out, text_report& report) {
  const auto& cells = rows_.cells();
  if (cells.size() != layout_.names.size()) {
    report.refuse(rows_.line(), "",
                  "has " + std::to_string(cells.size()) + " cells, the header " + std::to_string(layout_.names.size()));
    ++row_;
    return;
  }
  const auto time_us = row_time(report);
  const auto sensor = layout_.form == csv_form::long_form ? row_sensor(report) : std::optional<sensor_id>(0);
  ++row_;
  ++report.rows;
  if (!time_us || !sensor) return;
  for (std::size_t i = 0; i < layout_.series.size(); ++i) {
    const csv_series& from = layout_.series[i];
    const number_cell cell = read_number(cells[from.column], layout_.delimiter != ',');
    if (cell.what == number_cell::kind::number) {
      out.append(*sensor != 0 ? *sensor : sensors_[i], *time_us, cell.value);
      ++report.readings;
    } else if (cell.what == number_cell::kind::empty) {
      ++report.empty_cells;
    } else {
      report.refuse(
          rows_.line(), from.name,
          quoted(cells[from.column]) + (cell.what == number_cell::kind::infinite ? " is not finite" : " is not a number"));
    }
  }
}

}  // namespace factory
