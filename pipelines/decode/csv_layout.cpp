#include "pipelines/decode/csv_layout.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

namespace factory {

namespace {

using column_kind = csv_column_facts::kind;

constexpr std::size_t preview_rows = 1'000;

constexpr std::string_view time_names[] = {"timestamp", "time", "datetime", "date", "ts", "date_time", "_time", "event_time"};
constexpr std::string_view value_names[] = {"value", "reading", "_value"};
constexpr std::string_view sensor_names[] = {"sensor_id", "sensor",   "sensorid", "sensor_name", "device",
                                             "device_id", "deviceid", "tag",      "tag_name",    "tagname",
                                             "series",    "channel",  "signal",   "metric",      "variable"};
/// What InfluxDB's tables hold beside readings: the number of the table and the range that was asked for.
constexpr std::string_view influx_bookkeeping[] = {"result", "table", "_start", "_stop"};

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

/// 1,000 and 12,345,678: with a comma between all groups of three digits nobody can tell a decimal comma.
bool may_be_groups(std::string_view cell) {
  if (cell.starts_with('-') || cell.starts_with('+')) cell.remove_prefix(1);
  const std::size_t first = cell.find(',');
  if (first == 0 || first > 3) return false;
  for (std::size_t i = 0; i < cell.size(); ++i) {
    const bool comma = i >= first && (i - first) % 4 == 0;
    if (comma ? cell[i] != ',' : (cell[i] < '0' || cell[i] > '9')) return false;
  }
  return (cell.size() - first) % 4 == 0;
}

/// The decimal marks that were seen.
struct mark_count {
  std::size_t points = 0, commas = 0, groups = 0;

  void look_at(std::string_view cell) {
    const bool point = cell.find('.') != std::string_view::npos, comma = cell.find(',') != std::string_view::npos;
    if (point == comma) return;
    if (read_number(cell, comma ? decimal_mark::comma : decimal_mark::point).what != number_cell::kind::number) return;
    if (point) ++points;
    if (comma) ++(may_be_groups(cell) ? groups : commas);
  }
  decimal_mark verdict(char delimiter) const {
    if (delimiter == ',') return commas > 0 && points == 0 ? decimal_mark::comma : decimal_mark::point;
    if (commas + groups + points == 0) return decimal_mark::undecided;
    return commas + groups >= points ? decimal_mark::comma : decimal_mark::point;
  }
};

bool is_clock(std::string_view cell) {
  return cell.size() >= 5 && cell[2] == ':' && parse_time_us("2000-01-01 " + std::string(cell)).has_value();
}

tl::unexpected<error> no_column(std::string_view name, const std::vector<std::string>& names) {
  std::string all;
  for (std::size_t i = 0; i < names.size() && i < 10; ++i) all += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > 10) all += ", …";
  return fail(errc::invalid, "there is no column " + quoted_cell(name) + "; the file has " + all, std::string(name));
}

/// Gives out the columns, one after the other.
class column_chooser {
 public:
  column_chooser(const csv_options& options, const std::vector<csv_column_facts>& facts, csv_layout& layout)
      : options_(options), facts_(facts), layout_(layout), taken_(layout.names.size(), false) {}

  expected<void> choose() {
    name_all();
    ignore();
    if (auto chosen = choose_named(); !chosen) return chosen;
    const bool long_form = layout_.form == csv_form::long_form;
    if (sensor_) add_key(*sensor_, csv_key::role::sensor);
    for (std::size_t i = 0; i < taken_.size(); ++i) {
      if (taken_[i]) continue;
      if (auto put = long_form ? put_long(i) : put_wide(i); !put) return put;
    }
    if (auto named = find_sensor_label(); !named) return named;
    if (layout_.series.empty()) return fail(errc::invalid, "no column of the file holds numbers");
    return {};
  }

 private:
  void name_all() {
    for (std::size_t i = 0; i < taken_.size(); ++i) {
      if (layout_.names[i].empty()) layout_.names[i] = "column " + std::to_string(i + 1), unnamed_.push_back(i);
    }
  }

  void ignore() {
    for (std::size_t i = 0; i < taken_.size(); ++i) {
      const auto& all = options_.ignored;
      if (std::find(all.begin(), all.end(), layout_.names[i]) == all.end()) continue;
      taken_[i] = true;
      layout_.ignored.push_back(layout_.names[i]);
    }
  }

  std::optional<std::size_t> find(std::string_view name) const {
    for (std::size_t i = 0; i < taken_.size(); ++i) {
      if (!taken_[i] && layout_.names[i] == name) return i;
    }
    return std::nullopt;
  }

  template <std::size_t N>
  std::optional<std::size_t> find_any(const std::string_view (&usual)[N]) const {
    for (const std::string_view name : usual) {
      for (std::size_t i = 0; i < taken_.size(); ++i) {
        if (!taken_[i] && lower(layout_.names[i]) == name) return i;
      }
    }
    return std::nullopt;
  }

  template <std::size_t N>
  expected<std::optional<std::size_t>> take(const std::string& asked, const std::string_view (&usual)[N]) {
    const auto found = asked.empty() ? find_any(usual) : find(asked);
    if (!found && !asked.empty()) return no_column(asked, layout_.names);
    if (found) taken_[*found] = true;
    return found;
  }

  expected<void> choose_named() {
    const auto time = take(options_.time_column, time_names);
    if (!time) return tl::unexpected(time.error());
    layout_.time_column = *time;
    if (auto clock = choose_clock(); !clock) return clock;
    if (auto quality = choose_quality(); !quality) return quality;
    const auto value = take(options_.value_column, value_names);
    if (!value) return tl::unexpected(value.error());
    const auto sensor = take(options_.sensor_column, sensor_names);
    if (!sensor) return tl::unexpected(sensor.error());
    sensor_ = *sensor;
    influx_ = layout_.annotated || (find("_field") && *value && layout_.names[**value] == "_value");
    layout_.form = options_.form;
    if (layout_.form == csv_form::guess) {
      const bool is_long = *value && (*time || *sensor || !options_.value_column.empty());
      layout_.form = is_long ? csv_form::long_form : csv_form::wide_form;
    }
    if (!*time && !options_.start_us) {
      return fail(errc::invalid, "no column looks like a time; name it (--map timestamp=COLUMN) or give --start and --interval",
                  "timestamp");
    }
    if (layout_.form == csv_form::long_form) {
      if (!*value) return fail(errc::invalid, "no column is called value; name it (--map value=COLUMN)", "value");
      if (facts_[**value].what == column_kind::text) return fail(errc::invalid, "no column of the file holds numbers");
      layout_.series.push_back({**value, layout_.names[**value]});
    } else if (*value) {
      taken_[**value] = false;
    }
    if (layout_.form == csv_form::wide_form && options_.sensor_column.empty()) keep_if_id();
    return {};
  }

  /// Numbers under one of the usual names, beside other columns of numbers, are ids only where the name says so.
  void keep_if_id() {
    if (!sensor_ || facts_[*sensor_].what != column_kind::number || lower(layout_.names[*sensor_]).ends_with("id")) return;
    taken_[*sensor_] = false;
    sensor_.reset();
  }

  /// A column `date` and a column `time` that holds times of day belong together.
  expected<void> choose_clock() {
    if (!options_.clock_column.empty()) {
      layout_.clock_column = find(options_.clock_column);
      if (!layout_.clock_column) return no_column(options_.clock_column, layout_.names);
    } else if (options_.time_column.empty() && layout_.time_column) {
      const std::size_t clock = *layout_.time_column;
      const auto date = find_any({"date"});
      if (!date || lower(layout_.names[clock]) != "time" || !facts_[clock].clock) return {};
      layout_.time_column = date;
      layout_.clock_column = clock;
      taken_[*date] = true;
    }
    if (layout_.clock_column) taken_[*layout_.clock_column] = true;
    return {};
  }
  /// Under its usual name only where it holds text.
  expected<void> choose_quality() {
    auto& column = layout_.quality_column;
    column = find(options_.quality_column.empty() ? "quality" : options_.quality_column);
    if (!column && !options_.quality_column.empty()) return no_column(options_.quality_column, layout_.names);
    if (column && options_.quality_column.empty() && facts_[*column].what != column_kind::text) column.reset();
    if (column) taken_[*column] = true;
    return {};
  }
  expected<void> has_no_part(std::size_t i, const std::string& why) {
    const std::string& name = layout_.names[i];
    if (!options_.skip_unused) return fail(errc::invalid, "column " + quoted_cell(name) + " " + why, name);
    layout_.ignored.push_back(name);
    return {};
  }

  bool is_unnamed(std::size_t i) const { return std::find(unnamed_.begin(), unnamed_.end(), i) != unnamed_.end(); }

  void add_key(std::size_t i, csv_key::role what) {
    taken_[i] = true;
    layout_.keys.push_back({{i, layout_.names[i]}, what});
  }

  /// Columns whose part their name tells.
  bool put_by_name(std::size_t i) {
    const std::string name = lower(layout_.names[i]);
    if (influx_ &&
        std::find(std::begin(influx_bookkeeping), std::end(influx_bookkeeping), name) != std::end(influx_bookkeeping)) {
      return true;
    }
    if (is_unnamed(i) && (facts_[i].what == column_kind::empty || (influx_ && i == 0))) {
      if (facts_[i].what == column_kind::empty) layout_.unused.push_back({i, layout_.names[i]});
      return true;
    }
    if (influx_ && name == "_field") return add_key(i, csv_key::role::field), true;
    if (influx_ && name == "_measurement") return add_key(i, csv_key::role::measurement), true;
    if (name == "machine" || name == "machine_name") return add_key(i, csv_key::role::machine), true;
    if (name == "factory" || name == "factory_name") return add_key(i, csv_key::role::factory), true;
    return false;
  }

  expected<void> put_long(std::size_t i) {
    if (put_by_name(i)) return {};
    const std::string& name = layout_.names[i];
    if (facts_[i].what == column_kind::number) {
      return has_no_part(i, "holds numbers beside the values: --ignore passes it over, --map sensor_id=" + name +
                                " makes its numbers the sensors, --format wide makes each such column a sensor");
    }
    if (facts_[i].what == column_kind::empty) return layout_.unused.push_back({i, name}), expected<void>{};
    add_key(i, csv_key::role::label);
    return {};
  }

  expected<void> put_wide(std::size_t i) {
    if (put_by_name(i)) return {};
    const std::string& name = layout_.names[i];
    if (is_unnamed(i)) return has_no_part(i, "has no name: --ignore \"" + name + "\" passes it over");
    if (facts_[i].what == column_kind::text && !sensor_ && !influx_) {
      return has_no_part(i, "holds text: --ignore passes it over; if it says whose the readings are, --map sensor_id=" + name +
                                " makes a sensor of each of its entries");
    }
    if (facts_[i].what == column_kind::text) return add_key(i, csv_key::role::label), expected<void>{};
    for (const csv_column& other : layout_.series) {
      if (other.name == name) {
        return fail(errc::malformed, "line 1: two columns are called " + quoted_cell(name), name);
      }
    }
    layout_.series.push_back({i, name});
    return {};
  }

  /// Labels alone do not say what the sensor is called; one that stands alone does.
  expected<void> find_sensor_label() {
    if (influx_ && layout_.form == csv_form::wide_form) return {};  // the columns name the sensors
    std::string names;
    csv_key* only = nullptr;
    for (csv_key& key : layout_.keys) {
      if (key.what == csv_key::role::sensor || key.what == csv_key::role::field) return {};
      if (key.what != csv_key::role::label) continue;
      names += (names.empty() ? "" : ", ") + key.name;
      only = only == nullptr && names == key.name ? &key : nullptr;
    }
    if (only != nullptr) only->what = csv_key::role::sensor;
    if (names.empty() || only != nullptr || options_.skip_unused) return {};
    return fail(
        errc::invalid,
        "columns " + names +
            " hold text: --map sensor_id=COLUMN says which of them names the sensor (the others are then part of its name), "
            "--ignore COLUMN passes one over");
  }

  const csv_options& options_;
  const std::vector<csv_column_facts>& facts_;
  csv_layout& layout_;
  std::vector<bool> taken_;
  std::vector<std::size_t> unnamed_;
  std::optional<std::size_t> sensor_;
  bool influx_ = false;
};

}  // namespace

std::string quoted_cell(std::string_view text) { return "\"" + std::string(text.substr(0, 40)) + "\""; }

csv_preview look_ahead(csv_rows rows, std::string_view text, bool last, std::size_t columns, char delimiter) {
  csv_preview out;
  mark_count marks;
  csv_rows first_pass = rows;
  std::string_view left = text;
  for (std::size_t row = 0; row < preview_rows && first_pass.next(left, last) == csv_rows::found::row; ++row) {
    for (const std::string_view cell : first_pass.cells()) marks.look_at(cell);
  }
  out.decimal = marks.verdict(delimiter);
  out.columns.resize(columns);
  for (std::size_t row = 0; row < preview_rows && rows.next(text, last) == csv_rows::found::row; ++row) {
    if (rows.cells().size() != columns) continue;
    for (std::size_t i = 0; i < columns; ++i) {
      csv_column_facts& of = out.columns[i];
      if (of.what == column_kind::number) continue;
      const auto cell = rows.cells()[i];
      const auto read = read_number(cell, out.decimal).what;
      if (read == number_cell::kind::empty) continue;
      if (of.what == column_kind::empty) of.clock = is_clock(cell);
      of.what = read == number_cell::kind::other ? column_kind::text : column_kind::number;
    }
  }
  return out;
}

expected<void> choose_columns(const csv_options& options, const std::vector<csv_column_facts>& facts, csv_layout& layout) {
  return column_chooser(options, facts, layout).choose();
}

}  // namespace factory
