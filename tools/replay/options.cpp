#include "replay/options.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "pipelines/model/limits.hpp"

namespace factory::replay {

namespace {

constexpr std::size_t http_batch = 10'000, engine_batch = 100'000;

expected<std::optional<std::int64_t>> time_option(std::string_view name, const std::string& text) {
  if (text.empty()) return std::nullopt;
  const auto time_us = parse_time_us(text);
  if (time_us) return time_us;
  return fail(errc::invalid, fmt::format("{} \"{}\" is not a time; write it like 2026-01-19T10:00:00Z", name, text));
}

expected<file_format> format_option(const std::string& text) {
  if (text.empty()) return file_format::guess;
  if (text == "long") return file_format::csv_long;
  if (text == "wide") return file_format::csv_wide;
  if (text == "ndjson") return file_format::ndjson;
  if (text == "lp") return file_format::line_protocol;
  return fail(errc::invalid, fmt::format("--format \"{}\" is not long, wide, ndjson or lp", text));
}

expected<double> speed_option(const std::string& text) {
  if (text == "max") return 0.0;
  double speed = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), speed);
  const bool good = code == std::errc{} && end + 1 == text.data() + text.size() && *end == 'x' && speed > 0 && speed <= 1e9;
  if (good) return speed;
  return fail(errc::invalid, fmt::format("--speed \"{}\" is not max or a factor like 1x or 60x", text));
}

expected<void> map_option(const std::string& text, options& out) {
  const std::size_t equals = text.find('=');
  const std::string what = text.substr(0, equals);
  const std::string column = equals == std::string::npos ? "" : text.substr(equals + 1);
  if (column.empty()) return fail(errc::invalid, fmt::format("--map \"{}\" has no column; write --map {}=COLUMN", text, what));
  if (what == "timestamp") return void((out.time_column.empty() ? out.time_column : out.clock_column) = column), expected<void>{};
  if (what == "value") return void(out.value_column = column), expected<void>{};
  if (what == "quality") return void(out.quality_column = column), expected<void>{};
  if (what != "sensor_id")
    return fail(errc::invalid, fmt::format("--map knows timestamp, value, quality and sensor_id, not \"{}\"", what));
  sensor_id id = 0;
  const auto [end, code] = std::from_chars(column.data(), column.data() + column.size(), id);
  if (code == std::errc{} && end == column.data() + column.size() && id > 0) {
    out.sensor = id;
  } else {
    out.sensor_column = column;
  }
  return {};
}

expected<void> register_option(const std::string& text, options& out) {
  if (text.empty()) return {};
  const std::size_t slash = text.find('/');
  if (slash == 0 || slash == std::string::npos || slash + 1 == text.size()) {
    return fail(errc::invalid, fmt::format("--auto-register \"{}\" is not FACTORY/MACHINE", text));
  }
  out.auto_register = {text.substr(0, slash), text.substr(slash + 1)};
  return {};
}

expected<void> time_options(const command_line& typed, options& out) {
  const auto start = time_option("--start", typed.start), from = time_option("--from", typed.from),
             to = time_option("--to", typed.to);
  for (const auto* given : {&start, &from, &to}) {
    if (!*given) return tl::unexpected(given->error());
  }
  if (typed.start.empty() != typed.interval.empty()) return fail(errc::invalid, "--start and --interval belong together");
  if (!typed.interval.empty()) {
    const auto interval = parse_duration_us(typed.interval);
    if (!interval)
      return fail(errc::invalid, fmt::format("--interval \"{}\" is not a duration like 100ms or 1s", typed.interval));
    out.interval_us = *interval;
  }
  out.start_us = *start;
  out.from_us = from->value_or(min_event_time_us);
  out.to_us = to->value_or(max_event_time_us);
  if (out.from_us >= out.to_us) return fail(errc::invalid, "--from must be before --to");
  return {};
}

/// A backtest is of files, and writes scores, or of what a data directory holds.
expected<void> backtest_options(const command_line& typed) {
  const bool prints = typed.digest || typed.json || !typed.html.empty();
  if (!typed.backtest) {
    if (!typed.scores.empty()) return fail(errc::invalid, "--backtest and --scores belong together");
    if (typed.machine || prints || !typed.drafts.empty() || !typed.labels.empty())
      return fail(errc::invalid, "--machine, --labels, --drafts, --digest, --json and --html are for --backtest");
    if (typed.files.empty()) return fail(errc::invalid, "FILE is required");
    return {};
  }
  if (typed.files.empty() && typed.data_dir.empty()) return fail(errc::invalid, "--backtest needs FILEs or --data-dir");
  if (!typed.files.empty() && !typed.data_dir.empty())
    return fail(errc::invalid, "--backtest is of FILEs or of a --data-dir, not of both");
  if (typed.files.empty() && !typed.scores.empty()) return fail(errc::invalid, "--scores are of FILEs");
  if (typed.data_dir.empty() && !typed.drafts.empty())
    return fail(errc::invalid, "--drafts are tried on a --data-dir: files have no rules and no pipelines");
  if (!typed.labels.empty() && !typed.machine) return fail(errc::invalid, "--labels is for --machine");
  if (typed.machine && typed.scores.empty()) return fail(errc::invalid, "--machine is for --scores");
  if (prints && !typed.scores.empty())
    return fail(errc::invalid, "--scores are rows; --digest, --json and --html show what fired: choose one");
  if (typed.digest && typed.json) return fail(errc::invalid, "--digest and --json are two ways to print: choose one");
  return {};
}

}  // namespace

bool options::ignores(std::string_view name) const { return std::find(ignored.begin(), ignored.end(), name) != ignored.end(); }

std::string options::digest() const {
  return fmt::format("{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}", url, data_dir, static_cast<int>(format), time_column,
                     value_column, sensor_column, sensor.value_or(0), auto_register ? auto_register->factory : "",
                     auto_register ? auto_register->machine : "", start_us.value_or(0), interval_us, from_us, to_us,
                     fmt::join(ignored, ",")) +
         "|" + clock_column + (quality_column.empty() ? "" : "|quality " + quality_column) + (skip_bad_cells ? "|skip" : "");
}

expected<options> understand(const command_line& typed) {
  options out;
  out.files = typed.files;
  if (typed.data_dir.empty()) out.url = typed.url;
  out.token = typed.token;
  out.data_dir = typed.data_dir;
  out.resume = typed.resume;
  if (auto good = backtest_options(typed); !good) return tl::unexpected(good.error());
  out.drafts = typed.drafts;
  out.labels = typed.labels;
  out.allow_overwrite = typed.allow_overwrite;
  out.ignored = typed.ignore;
  const auto format = format_option(typed.format);
  if (!format) return tl::unexpected(format.error());
  out.format = *format;
  if (typed.bad_cells != "" && typed.bad_cells != "stop" && typed.bad_cells != "skip") {
    return fail(errc::invalid, fmt::format("--bad-cells \"{}\" is not stop or skip", typed.bad_cells));
  }
  out.skip_bad_cells = typed.bad_cells == "skip";
  const auto speed = speed_option(typed.speed);
  if (!speed) return tl::unexpected(speed.error());
  out.speed = *speed;
  for (const std::string& entry : typed.map) {
    if (auto done = map_option(entry, out); !done) return tl::unexpected(done.error());
  }
  if (auto done = register_option(typed.auto_register, out); !done) return tl::unexpected(done.error());
  if (auto done = time_options(typed, out); !done) return tl::unexpected(done.error());
  out.batch = typed.batch != 0 ? typed.batch : out.data_dir.empty() ? http_batch : engine_batch;
  if (out.batch > limits::readings_per_body) {
    return fail(errc::invalid,
                fmt::format("--batch {} is above the {} readings of one request", out.batch, limits::readings_per_body));
  }
  const auto inputs = std::count(out.files.begin(), out.files.end(), "-");
  if (inputs > 1) return fail(errc::invalid, "standard input (-) can be read once");
  if (inputs == 1 && out.resume) return fail(errc::invalid, "--resume needs a file: standard input cannot be read again");
  return out;
}

file_format format_of_name(std::string_view path) {
  for (const std::string_view suffix : {".gz", ".zst"}) {
    if (path.ends_with(suffix)) path.remove_suffix(suffix.size());
  }
  for (const std::string_view suffix : {".ndjson", ".jsonl"}) {
    if (path.ends_with(suffix)) return file_format::ndjson;
  }
  for (const std::string_view suffix : {".lp", ".line", ".influx"}) {
    if (path.ends_with(suffix)) return file_format::line_protocol;
  }
  return file_format::guess;
}

}  // namespace factory::replay
