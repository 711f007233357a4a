#include "replay/backtest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "pipelines/backtest/row_judge.hpp"
#include "pipelines/decode/csv.hpp"
#include "pipelines/detect/detector_set.hpp"
#include "pipelines/machine/machine_detector.hpp"
#include "replay/byte_source.hpp"
#include "replay/progress.hpp"

namespace factory::replay {

namespace {

namespace fs = std::filesystem;

struct job {
  fs::path from, to;
};

expected<std::vector<job>> jobs_of(const options& how, const std::string& scores) {
  std::vector<job> out;
  const bool many = how.files.size() > 1 || fs::is_directory(scores);
  for (const std::string& file : how.files) {
    if (!fs::is_directory(file)) {
      out.push_back({file, many ? fs::path(scores) / fs::path(file).filename() : fs::path(scores)});
      continue;
    }
    for (const auto& each : fs::recursive_directory_iterator(file))
      if (each.is_regular_file() && each.path().extension() == ".csv")
        out.push_back({each.path(), fs::path(scores) / fs::relative(each.path(), file)});
  }
  std::sort(out.begin(), out.end(), [](const job& a, const job& b) { return a.from < b.from; });
  if (out.empty()) return fail(errc::not_found, "there is no .csv file to test");
  return out;
}

expected<std::string> text_of(const fs::path& path) {
  auto source = byte_source::open(path.string());
  if (!source) return tl::unexpected(std::move(source.error()));
  std::string text;
  constexpr std::size_t piece = 1UL << 20;
  for (;;) {
    const std::size_t had = text.size();
    text.resize(had + piece);
    const auto got = (*source)->read(text.data() + had, piece);
    if (!got) return tl::unexpected(got.error());
    text.resize(had + *got);
    if (*got == 0) return text;
  }
}

/// One file: its rows one after the other, as text and as numbers.
class table {
 public:
  static expected<table> open(const options& how, const fs::path& path) {
    auto text = text_of(path);
    if (!text) return tl::unexpected(std::move(text.error()));
    table out(how, std::move(*text));
    csv_options wanted;
    wanted.form = how.format == file_format::csv_wide ? csv_form::wide_form : csv_form::guess;
    wanted.time_column = how.time_column;
    wanted.value_column = how.value_column;
    wanted.start_us = how.start_us;
    wanted.interval_us = how.interval_us;
    wanted.ignored = how.ignored;
    wanted.skip_unused = true;
    csv_decoder decoder(wanted);
    auto layout = decoder.open(out.text_, true);
    if (!layout) return tl::unexpected(std::move(layout.error()));
    out.layout_ = std::move(*layout);
    out.at_ = decoder.header_bytes();
    out.rows_ = csv_rows(out.layout_.delimiter);
    out.rows_.seek(decoder.next_line());
    return out;
  }

  /// False at the end. An empty cell leaves the number of the row before.
  expected<bool> next() {
    std::string_view rest = std::string_view(text_).substr(at_);
    const auto came = rows_.next(rest, true);
    at_ = text_.size() - rest.size();
    if (came == csv_rows::found::end) return false;
    if (came != csv_rows::found::row) return fail(errc::malformed, fmt::format("line {}: quotes are damaged", rows_.line()));
    const auto& cells = rows_.cells();
    values.resize(layout_.series.size());
    has_.assign(values.size(), false);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::size_t column = layout_.series[i].column;
      const auto number = read_number(column < cells.size() ? cells[column] : "", layout_.decimal);
      if (number.what == number_cell::kind::number) {
        values[i] = number.value;
        has_[i] = true;
      } else if (number.what != number_cell::kind::empty) {
        return fail(errc::malformed, fmt::format("line {}: {}: not a number", rows_.line(), layout_.series[i].name));
      }
    }
    return read_time(cells);
  }

  const csv_layout& layout() const { return layout_; }
  /// Whether the row has a number in this series.
  bool has(std::size_t series) const { return has_[series]; }
  std::string_view cell(std::size_t column) const { return column < rows_.cells().size() ? rows_.cells()[column] : ""; }

  std::int64_t time_us = 0;
  std::string time_text;
  std::vector<double> values;

 private:
  table(const options& how, std::string text) : how_(&how), text_(std::move(text)) {}

  expected<bool> read_time(const std::vector<std::string_view>& cells) {
    if (!layout_.time_column) {
      time_us = how_->start_us.value_or(0) + how_->interval_us * static_cast<std::int64_t>(row_++);
      time_text = format_time(time_us);
      return true;
    }
    time_text = *layout_.time_column < cells.size() ? cells[*layout_.time_column] : "";
    const auto read = time_.read(time_text);
    if (!read) return fail(errc::malformed, fmt::format("line {}: \"{}\" is not a time", rows_.line(), time_text));
    time_us = *read;
    return true;
  }

  const options* how_;
  std::string text_;
  std::size_t at_ = 0;
  csv_layout layout_;
  csv_rows rows_{','};
  time_cell time_;
  std::uint64_t row_ = 0;
  std::vector<bool> has_;
};

double as_share(double score) { return score > 0 ? score / (1 + score) : 0; }

/// Each row of a file: `score` judges it, or says nothing of a row that is not judged; `write` gets 0 for that.
template <class Score, class Write>
expected<void> score_rows(table& rows, backtest_figures& done, const Score& score, const Write& write) {
  expected<bool> more = rows.next();
  for (; more && *more; more = rows.next()) {
    ++done.rows;
    const std::optional<double> is = score();
    done.not_judged += is ? 0 : 1;
    write(as_share(is.value_or(0)));
  }
  if (!more) return tl::unexpected(more.error());
  return {};
}

expected<void> judge_sensor(table& rows, std::string& out, backtest_figures& done) {
  row_judge<detector_set> judge;
  const detect_settings settings;
  out = "timestamp,value,anomaly_score\n";
  const auto score = [&] { return judge.score(rows.time_us, rows.values[0], settings); };
  auto scored = score_rows(rows, done, score, [&](double share) {
    out += fmt::format("{},{},{:.6f}\n", rows.time_text, rows.cell(rows.layout().series[0].column), share);
  });
  done.episodes += judge.opened();
  return scored;
}

/// The place of the column of labels among the series; none where none is wanted.
expected<std::optional<std::size_t>> place_of_labels(const table& rows, const std::string& name) {
  const auto& series = rows.layout().series;
  if (name.empty()) return std::nullopt;
  const auto at = std::find_if(series.begin(), series.end(), [&](const auto& each) { return each.name == name; });
  if (at == series.end()) return fail(errc::invalid, fmt::format("--labels: there is no column of numbers \"{}\"", name));
  if (series.size() == 1) return fail(errc::invalid, "--labels: there is no column of numbers but that of the labels");
  return static_cast<std::size_t>(at - series.begin());
}

expected<void> judge_machine(table& rows, const std::string& labels, std::string& out, backtest_figures& done) {
  const auto label_at = place_of_labels(rows, labels);
  if (!label_at) return tl::unexpected(label_at.error());
  const bool has_labels = label_at->has_value();
  if (has_labels && !done.labelled) done.labelled.emplace();
  row_judge judge{machine_detector(rows.layout().series.size() - (has_labels ? 1 : 0))};
  out = "timestamp,anomaly_score\n";
  const auto score = [&] {
    std::vector<double> of_sensors = rows.values;  // the row goes on to hold what an empty cell of the next one repeats
    if (has_labels) of_sensors.erase(of_sensors.begin() + static_cast<std::ptrdiff_t>(**label_at));
    const auto is = judge.score(rows.time_us, of_sensors);
    if (is && has_labels && judge.judged() > machine_detector::learn_rows)
      done.labelled->count(rows.values[**label_at] != 0, *is >= 1);
    return is;
  };
  auto scored = score_rows(rows, done, score, [&](double share) { out += fmt::format("{},{:.6f}\n", rows.time_text, share); });
  done.episodes += judge.opened();
  return scored;
}

/// Adds the columns of a file as series.
expected<void> read_series(const options& how, const fs::path& file, std::vector<reading_run>& series,
                           std::vector<std::string>& names) {
  auto rows = table::open(how, file);
  if (!rows) return tl::unexpected(std::move(rows.error()));
  const auto first = series.size();
  std::vector<std::map<std::int64_t, double>> columns(rows->layout().series.size());
  expected<bool> more = rows->next();
  for (; more && *more; more = rows->next())
    for (std::size_t i = 0; i < columns.size(); ++i)
      if (rows->has(i)) columns[i][rows->time_us] = rows->values[i];
  if (!more) return tl::unexpected(more.error());
  for (std::size_t i = 0; i < columns.size(); ++i) {
    names.push_back(file.filename().string() + (columns.size() > 1 ? "/" + rows->layout().series[i].name : ""));
    series.emplace_back();
    for (const auto& [time_us, value] : columns[i]) series[first + i].push_back(time_us, value, flag_none);
  }
  return {};
}

expected<void> run_one(const options& how, const job& what, bool machine, backtest_figures& done) {
  auto rows = table::open(how, what.from);
  if (!rows) return tl::unexpected(std::move(rows.error()));
  const auto& series = rows->layout().series;
  if (series.empty()) return fail(errc::malformed, "there is no column of numbers");
  if (!machine && series.size() > 1)
    return fail(
        errc::invalid,
        fmt::format("has {} columns of numbers; --machine judges them together, --map value=COLUMN takes one", series.size()));
  std::string out;
  auto judged = machine ? judge_machine(*rows, how.labels, out, done) : judge_sensor(*rows, out, done);
  if (!judged) return judged;
  std::error_code code;
  if (what.to.has_parent_path()) fs::create_directories(what.to.parent_path(), code);
  std::ofstream file(what.to, std::ios::binary);
  file << out;
  if (!file.flush()) return fail(errc::storage_failed, fmt::format("{} cannot be written", what.to.string()));
  return {};
}

}  // namespace

expected<backtest_figures> run_backtest(const options& how, const std::string& scores, bool machine) {
  const auto begin = std::chrono::steady_clock::now();
  const auto jobs = jobs_of(how, scores);
  if (!jobs) return tl::unexpected(jobs.error());
  backtest_figures done;
  for (const job& each : *jobs) {
    if (auto ran = run_one(how, each, machine, done); !ran) {
      ran.error().message = each.from.string() + ": " + ran.error().message;
      return tl::unexpected(std::move(ran.error()));
    }
    ++done.files;
  }
  done.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return done;
}

expected<told_backtest> judge_files(const options& how, const std::atomic<bool>& stop) {
  const auto jobs = jobs_of(how, {});
  if (!jobs) return tl::unexpected(jobs.error());
  std::vector<reading_run> series;
  std::vector<std::string> names;
  for (const job& each : *jobs) {
    if (auto read = read_series(how, each.from, series, names); !read) {
      read.error().message = each.from.string() + ": " + read.error().message;
      return tl::unexpected(std::move(read.error()));
    }
  }
  if (series.empty()) return fail(errc::malformed, "there is no column of numbers");
  return run_backtest_of(series, names, {how.from_us, how.to_us}, stop);
}

std::string to_text(const backtest_figures& done) {
  std::string out =
      fmt::format("{:<11}{} in {} {}\n", "rows", with_commas(done.rows), done.files, done.files == 1 ? "file" : "files");
  if (done.not_judged != 0)
    out += fmt::format("{:<11}{} rows that are not newer than one before\n", "not judged", with_commas(done.not_judged));
  out += fmt::format("{:<11}{}\n", "episodes", with_commas(done.episodes));
  if (done.labelled) {
    const auto& is = *done.labelled;
    out += fmt::format("{:<11}{} rows behind the first {} of each file, {} of them faulty\n", "labels", with_commas(is.rows()),
                       machine_detector::learn_rows, with_commas(is.faulty()));
    out += fmt::format("{:<11}{:.3f}\n", "F1", is.f1());
    out += fmt::format("{:<11}{:.1f} % of the rows without a fault\n", "false", 100 * is.wrong_share());
    out += fmt::format("{:<11}{:.1f} % of the faulty rows\n", "missed", 100 * is.missed_share());
  }
  out += fmt::format("{:<11}{:.2f} s\n", "time", done.seconds);
  return out;
}

}  // namespace factory::replay
