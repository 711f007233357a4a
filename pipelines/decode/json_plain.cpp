#include "pipelines/decode/json_plain.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "pipelines/decode/json_plain_scalars.hpp"

namespace factory::json_plain {

namespace {

enum class member : std::uint8_t { sensor, time, value, quality };

std::optional<member> member_of(std::string_view key) {
  if (key == "sensor_id") return member::sensor;
  if (key == "timestamp") return member::time;
  if (key == "value") return member::value;
  if (key == "quality") return member::quality;
  return std::nullopt;
}

/// A place in a body that moves over punctuation. After `false` the place is undefined.
class cursor {
 public:
  cursor(std::string_view text, bool one_line) : at(text.data()), end(at + text.size()), one_line_(one_line) {}

  void blanks() {
    while (at != end && (*at == ' ' || *at == '\t' || *at == '\r' || (*at == '\n' && !one_line_))) ++at;
  }
  bool skip(char c) {
    if (at == end || *at != c) return false;
    ++at;
    return true;
  }
  /// Blanks, then `c`, then blanks.
  bool mark(char c) {
    blanks();
    if (!skip(c)) return false;
    blanks();
    return true;
  }
  bool skip(std::string_view text) {
    if (static_cast<std::size_t>(end - at) < text.size() || std::memcmp(at, text.data(), text.size()) != 0) return false;
    at += text.size();
    return true;
  }
  /// `"name":` with blanks around the colon.
  std::optional<member> key() {
    if (!skip('"')) return std::nullopt;
    const char* const begin = at;
    while (at != end && *at != '"') ++at;
    const auto named = member_of({begin, static_cast<std::size_t>(at - begin)});
    if (!named || !skip('"') || !mark(':')) return std::nullopt;
    return named;
  }
  std::string_view since(const char* begin) const { return {begin, static_cast<std::size_t>(at - begin)}; }

  const char* at;
  const char* const end;

 private:
  bool one_line_;
};

struct row {
  sensor_id sensor = 0;
  std::int64_t time_us = 0;
  double value = 0;
  std::uint8_t quality = flag_none;
};

/// Rows that are all spelled like the first.
class row_reader {
 public:
  row_reader(const decode_options& options, cursor& text) : text_(text), scalars_(options) { row_.time_us = options.now_us; }

  /// Reads the first row through its last value and records its spelling.
  bool first() {
    const char* literal = text_.at;
    if (!text_.mark('{')) return false;
    do {
      const auto named = text_.key();
      if (!named || has(*named)) return false;
      pieces_[count_++] = {text_.since(literal), *named};
      if (!value(*named)) return false;
      literal = text_.at;
    } while (text_.mark(','));
    text_.at = literal;
    return has(member::sensor) && has(member::value);
  }

  /// Moves from the last value of one row to the first value of the next; false when no row of the same spelling follows.
  bool learn_joint(char separator) {
    const char* const begin = text_.at;
    const bool follows = text_.mark('}') && text_.mark(separator) && text_.skip(pieces_[0].before);
    joint_ = text_.since(begin);
    text_.at = begin;
    return follows;
  }

  bool next() {
    if (!text_.skip(joint_) || !value(pieces_[0].named)) return false;
    for (std::size_t i = 1; i < count_; ++i)
      if (!text_.skip(pieces_[i].before) || !value(pieces_[i].named)) return false;
    return true;
  }
  bool another() const {
    return static_cast<std::size_t>(text_.end - text_.at) > joint_.size() &&
           std::memcmp(text_.at, joint_.data(), joint_.size()) == 0;
  }
  const row& now() const { return row_; }
  bool has(member m) const {
    for (std::size_t i = 0; i < count_; ++i)
      if (pieces_[i].named == m) return true;
    return false;
  }

 private:
  struct piece {
    std::string_view before;  ///< all bytes between the previous value and this one
    member named{};
  };

  bool value(member m) {
    const char* behind = nullptr;
    switch (m) {
      case member::sensor: behind = scalars_.sensor(text_.at, text_.end, row_.sensor); break;
      case member::time: behind = scalars_.time(text_.at, text_.end, row_.time_us); break;
      case member::value: behind = read_decimal(text_.at, text_.end, row_.value); break;
      case member::quality: behind = scalar_reader::quality(text_.at, text_.end, row_.quality); break;
    }
    if (behind == nullptr) return false;
    text_.at = behind;
    return true;
  }

  cursor& text_;
  scalar_reader scalars_;
  row row_;
  std::array<piece, 4> pieces_;
  std::size_t count_ = 0;
  std::string_view joint_;
};

/// Whether each sensor stands there once, as it must in bodies without times.
bool all_different(std::span<const sensor_id> sensors) {
  if (sensors.size() < 2) return true;
  std::vector<sensor_id> sorted(sensors.begin(), sensors.end());
  std::sort(sorted.begin(), sorted.end());
  return std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end();
}

bool read_all(cursor& text, char separator, const decode_options& options, std::size_t most, batch_builder& out) {
  row_reader rows(options, text);
  if (most == 0 || !rows.first()) return false;
  out.append(rows.now().sensor, rows.now().time_us, rows.now().value, rows.now().quality);
  if (!rows.learn_joint(separator)) return text.mark('}');
  while (rows.another()) {
    if (out.size() == most || !rows.next()) return false;
    out.append(rows.now().sensor, rows.now().time_us, rows.now().value, rows.now().quality);
  }
  return text.mark('}') && (rows.has(member::time) || all_different(out.sensors()));
}

std::optional<std::uint64_t> settle(bool read, batch_builder& out) {
  if (read) return out.size();
  out.clear();
  return std::nullopt;
}

/// Reads the entries of one column with `take(place)`, which returns the place after the entry; false when an entry is not plain.
template <class Take>
bool read_column(cursor& text, std::size_t most, Take take) {
  if (!text.skip('[')) return false;
  for (std::size_t count = 0; count < most; ++count) {
    text.blanks();
    const char* const behind = take(text.at);
    if (behind == nullptr) return false;
    text.at = behind;
    if (text.skip(',')) continue;
    text.blanks();
    if (text.skip(']')) return true;
    if (!text.skip(',')) return false;
  }
  return false;
}

/// Columns of one body; their memory stays with the thread.
struct columns {
  std::vector<sensor_id> sensors;
  std::vector<std::int64_t> times_us;
  std::vector<double> values;
  std::vector<std::uint8_t> qualities;
  bool sensors_read = false, times_read = false, values_read = false, qualities_read = false;

  bool read(cursor& text, member m, scalar_reader& scalars, std::size_t most) {
    switch (m) {
      case member::sensor:
        if (std::exchange(sensors_read, true)) return false;
        return read_column(text, most, [&](const char* at) { return scalars.sensor(at, text.end, sensors.emplace_back()); });
      case member::time:
        if (std::exchange(times_read, true)) return false;
        return read_column(text, most, [&](const char* at) { return scalars.time(at, text.end, times_us.emplace_back()); });
      case member::value:
        if (std::exchange(values_read, true)) return false;
        return read_column(text, most, [&](const char* at) { return read_decimal(at, text.end, values.emplace_back()); });
      case member::quality:
        if (std::exchange(qualities_read, true)) return false;
        return read_column(text, most,
                           [&](const char* at) { return scalar_reader::quality(at, text.end, qualities.emplace_back()); });
    }
    return false;
  }
  bool fit() const {
    return sensors_read && values_read && sensors.size() == values.size() && (!times_read || times_us.size() == values.size()) &&
           (!qualities_read || qualities.size() == values.size());
  }
};

bool read_object(cursor& text, const decode_options& options, std::size_t most, columns& into) {
  scalar_reader scalars(options);
  if (!text.mark('{')) return false;
  do {
    const auto named = text.key();
    if (!named || !into.read(text, *named, scalars, most)) return false;
  } while (text.mark(','));
  return text.mark('}') && text.at == text.end && into.fit();
}

/// A run of digits never reaches the end of such a body.
bool ends_with(std::string_view body, char c) {
  const auto last = body.find_last_not_of(" \t\r\n");
  return last != std::string_view::npos && body[last] == c;
}

}  // namespace

std::optional<std::uint64_t> read_rows(std::string_view body, const decode_options& options, std::size_t most,
                                       batch_builder& out) {
  if (!ends_with(body, ']')) return std::nullopt;
  cursor text(body, false);
  return settle(text.mark('[') && read_all(text, ',', options, most, out) && text.mark(']') && text.at == text.end, out);
}

std::optional<std::uint64_t> read_lines(std::string_view body, const decode_options& options, std::size_t most,
                                        batch_builder& out) {
  if (!ends_with(body, '}')) return std::nullopt;
  cursor text(body, true);
  const bool read = read_all(text, '\n', options, most, out);
  if (text.at != text.end) text.skip('\n');
  return settle(read && text.at == text.end, out);
}

std::optional<std::uint64_t> read_columns(std::string_view body, const decode_options& options, std::size_t most,
                                          batch_builder& out) {
  if (!ends_with(body, '}')) return std::nullopt;
  cursor text(body, false);
  columns read;
  if (!read_object(text, options, most, read)) return std::nullopt;
  if (!read.times_read && !all_different(read.sensors)) return std::nullopt;
  for (std::size_t i = 0; i < read.values.size(); ++i)
    out.append(read.sensors[i], read.times_read ? read.times_us[i] : options.now_us, read.values[i],
               read.qualities_read ? read.qualities[i] : static_cast<std::uint8_t>(flag_none));
  return out.size();
}

}  // namespace factory::json_plain
