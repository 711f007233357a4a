#include "pipelines/decode/csv.hpp"

#include <algorithm>
#include <utility>

#include "pipelines/decode/csv_layout.hpp"
#include "pipelines/model/limits.hpp"

namespace factory {

namespace {

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
  while (header.starts_with('#')) {
    const std::size_t end = header.find_first_of("\r\n");
    const std::size_t next = end == std::string_view::npos ? end : header.find_first_not_of("\r\n", end);
    if (next == std::string_view::npos) break;
    header.remove_prefix(next);
  }
  header = header.substr(0, header.find_first_of("\r\n"));
  const auto count = [&](char c) { return std::count(header.begin(), header.end(), c); };
  char best = ',';
  for (const char c : {';', '\t'}) {
    if (count(c) > count(best)) best = c;
  }
  return best;
}

bool looks_like_data(const std::string& name) {
  return read_number(name, decimal_mark::point).what == number_cell::kind::number || parse_time_us(name);
}

/// Columns without a name were given one.
bool is_name(std::string_view cell, std::string_view name) {
  return cell == name || (cell.empty() && name.starts_with("column "));
}

std::string_view without_hash(std::string_view name) {
  name.remove_prefix(1);
  return name.substr(std::min(name.find_first_not_of(' '), name.size()));
}

/// Of the columns of an annotated table: InfluxDB says what they hold.
std::vector<csv_column_facts> facts_of(const std::vector<std::string>& datatypes, std::size_t columns) {
  using kind = csv_column_facts::kind;
  std::vector<csv_column_facts> out(columns);
  for (std::size_t i = 0; i < columns; ++i) {
    const std::string_view type = i < datatypes.size() ? datatypes[i] : std::string_view();
    const bool number = type == "double" || type == "long" || type == "unsignedLong" || type == "boolean";
    out[i].what = i == 0 || type.empty() ? kind::empty : number ? kind::number : kind::text;
  }
  return out;
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

/// What stands before the header: a byte order mark, and the delimiter as spreadsheets write it.
std::string_view csv_decoder::skip_preamble(std::string_view text, bool last) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  layout_.delimiter = guess_delimiter(text);
  const std::size_t end = text.find_first_of("\r\n");
  const bool told =
      (text.starts_with("sep=") || text.starts_with("SEP=")) && (end == 5 || (end == std::string_view::npos && text.size() == 5));
  rows_ = csv_rows(told ? text[4] : layout_.delimiter, guess_line_end(text, last));
  if (!told) return text;
  layout_.delimiter = text[4];
  text.remove_prefix(5);
  return text;
}

expected<csv_layout> csv_decoder::open(std::string_view preview, bool last) {
  layout_ = {};
  std::string_view text = skip_preamble(preview, last);
  if (auto read = read_header(text, last); !read) return tl::unexpected(std::move(read.error()));
  header_bytes_ = preview.size() - text.size();
  for (const std::string& name : layout_.names) {
    if (looks_like_data(name)) {
      return fail(errc::malformed,
                  "line 1 holds " + quoted_cell(name) + " where a column name is expected; put a line with names first");
    }
  }
  csv_preview ahead = look_ahead(rows_, text, last, layout_.names.size(), layout_.delimiter);
  layout_.decimal = ahead.decimal;
  if (layout_.annotated) ahead.columns = facts_of(datatypes_, layout_.names.size());
  if (auto chosen = choose_columns(options_, ahead.columns, layout_); !chosen) return tl::unexpected(std::move(chosen.error()));
  return layout_;
}

/// The names of the columns, from the first row that is no comment; or from the last comment, where data follows it.
expected<void> csv_decoder::read_header(std::string_view& text, bool last) {
  std::vector<std::string> comment;
  for (;;) {
    const std::string_view before = text;
    const csv_rows rows_before = rows_;
    const csv_rows::found what = rows_.next(text, last);
    if (what == csv_rows::found::end) return fail(errc::malformed, "the file is empty: its first line must name the columns");
    if (what != csv_rows::found::row) {
      return fail(errc::malformed, "line " + std::to_string(rows_.line()) + ": " + row_damage(what));
    }
    const std::vector<std::string> cells(rows_.cells().begin(), rows_.cells().end());
    if (cells.front().starts_with('#')) {
      note_annotation(cells);
      comment = cells;
      continue;
    }
    layout_.names = cells;
    const bool is_data = std::any_of(cells.begin(), cells.end(), looks_like_data);
    if (!is_data || comment.size() != cells.size() || layout_.annotated) return {};
    layout_.names = std::move(comment);
    layout_.names.front() = std::string(without_hash(layout_.names.front()));
    text = before;
    rows_ = rows_before;
    return {};
  }
}

void csv_decoder::note_annotation(const std::vector<std::string>& cells) {
  if (cells.front() != "#datatype") return;
  layout_.annotated = true;
  datatypes_ = cells;
}

/// A row within the file that names columns: the header again, or the head of a further table, which is read here.
bool csv_decoder::is_head(text_report& report) {
  const auto& cells = rows_.cells();
  if (layout_.annotated && cells.front().starts_with('#')) {
    const std::vector<std::string> copy(cells.begin(), cells.end());
    note_annotation(copy);
    head_follows_ = true;
    return true;
  }
  if (!head_follows_) {
    // Unlike data, a header has an entry for each of its names.
    return cells.size() == layout_.names.size() && cells.back() == layout_.names.back() &&
           std::equal(cells.begin(), cells.end(), layout_.names.begin(), is_name);
  }
  head_follows_ = false;
  csv_layout next;
  next.delimiter = layout_.delimiter;
  next.decimal = layout_.decimal;
  next.annotated = true;
  next.names.assign(cells.begin(), cells.end());
  if (auto chosen = choose_columns(options_, facts_of(datatypes_, next.names.size()), next); !chosen) {
    report.refuse(rows_.line(), "", std::move(chosen.error().message));
    ended_ = true;
    return true;
  }
  layout_ = std::move(next);
  owners_seen_.clear();
  return true;
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
      if (!is_head(report)) decode_row(out, report);
      if (!ended_) continue;
      left = {};
      break;
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
  std::string_view cell = rows_.cells()[*layout_.time_column];
  if (layout_.clock_column) {
    time_text_.assign(cell).append(1, ' ').append(rows_.cells()[*layout_.clock_column]);
    cell = time_text_;
  }
  const auto time_us = time_.read(cell);
  if (!time_us) {
    report.refuse(rows_.line(), layout_.names[*layout_.time_column], quoted_cell(cell) + " " + std::string(time_.reason()));
  }
  return time_us;
}

std::optional<std::uint8_t> csv_decoder::row_quality(text_report& report) const {
  if (!layout_.quality_column) return flag_none;
  const auto cell = rows_.cells()[*layout_.quality_column];
  const auto quality = read_quality(cell);
  if (!quality)
    report.refuse(rows_.line(), layout_.names[*layout_.quality_column], quoted_cell(cell) + " is not good, uncertain or bad");
  return quality;
}

const std::vector<sensor_id>* csv_decoder::row_sensors(text_report& report) {
  if (layout_.keys.empty()) return &sensors_;
  // Neighbours often share their sensors.
  const auto& cells = rows_.cells();
  owner_cells_.clear();
  owner_text_.clear();
  for (const csv_key& key : layout_.keys) {
    owner_cells_.push_back(cells[key.column]);
    owner_text_.append(cells[key.column]).append(1, '\0');
  }
  const auto found = owners_seen_.find(owner_text_);
  if (found != owners_seen_.end()) return &found->second;
  auto owners = owners_(layout_, owner_cells_);
  if (owners) return &owners_seen_.emplace(owner_text_, std::move(*owners)).first->second;
  const auto sensor = std::find_if(layout_.keys.begin(), layout_.keys.end(),
                                   [](const csv_key& key) { return key.what == csv_key::role::sensor; });
  report.refuse(rows_.line(), sensor == layout_.keys.end() ? layout_.keys.front().name : sensor->name,
                std::move(owners.error().message));
  return nullptr;
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
  const auto quality = row_quality(report);
  const auto* sensors = row_sensors(report);
  ++row_;
  ++report.rows;
  if (time_us && quality && sensors != nullptr) decode_cells(*time_us, *quality, *sensors, out, report);
}

void csv_decoder::decode_cells(std::int64_t time_us, std::uint8_t quality, const std::vector<sensor_id>& sensors,
                               batch_builder& out, text_report& report) {
  const auto& cells = rows_.cells();
  for (std::size_t i = 0; i < layout_.series.size(); ++i) {
    const csv_column& from = layout_.series[i];
    const number_cell cell = read_cell(cells[from.column]);
    if (cell.what == number_cell::kind::number) {
      out.append(sensors[i], time_us, cell.value, quality);
      ++report.readings;
    } else if (cell.what == number_cell::kind::empty) {
      ++report.empty_cells;
    } else if (options_.skip_bad_cells) {
      ++report.bad_cells;
    } else {
      report.refuse(
          rows_.line(), from.name,
          quoted_cell(cells[from.column]) + (cell.what == number_cell::kind::infinite ? " is not finite" : " is not a number"));
    }
  }
  for (const csv_column& unused : layout_.unused) {
    if (read_number(cells[unused.column], layout_.decimal).what == number_cell::kind::empty) continue;
    report.refuse(rows_.line(), unused.name,
                  quoted_cell(cells[unused.column]) +
                      " is the first entry of its column, which was taken for empty; --ignore passes it over");
  }
}

/// The first decimal mark that comes decides for the file.
number_cell csv_decoder::read_cell(std::string_view cell) {
  const number_cell read = read_number(cell, layout_.decimal);
  if (layout_.decimal == decimal_mark::undecided && read.what == number_cell::kind::number) {
    if (cell.find(',') != std::string_view::npos) layout_.decimal = decimal_mark::comma;
    if (cell.find('.') != std::string_view::npos) layout_.decimal = decimal_mark::point;
  }
  return read;
}

}  // namespace factory
