#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <csignal>
#include <exception>
#include <fstream>

#include "http/text/backtest_text.hpp"
#include "replay/backtest.hpp"
#include "replay/backtest_stored.hpp"
#include "replay/options.hpp"
#include "replay/progress.hpp"
#include "replay/replay.hpp"
#include "replay/sink.hpp"

namespace {

using namespace factory;

std::atomic<bool> stop{false};

/// The first Ctrl-C ends the run after the batch under way, a second one at once.
extern "C" void on_signal(int number) {
  stop = true;
  std::signal(number, SIG_DFL);
}

void describe(CLI::App& app, replay::command_line& typed) {
  app.add_option("FILE", typed.files, "CSV, NDJSON or line protocol, plain or as gzip or zstd; - is standard input");
  auto* url = app.add_option("--url", typed.url, "the daemon that takes the readings")->capture_default_str();
  app.add_option("--token", typed.token, "the daemon's token, when it asks for one")->envname("FACTORY_TOKEN");
  app.add_option("--data-dir", typed.data_dir, "straight into a data directory that no daemon has open")->excludes(url);
  app.add_option("--format", typed.format, "long, wide, ndjson or lp; guessed where it can be");
  app.add_option("--map", typed.map,
                 "timestamp=COLUMN (twice: date and time of day), value=COLUMN, sensor_id=COLUMN or sensor_id=NUMBER")
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("--ignore", typed.ignore, "pass over this column, tag, field or member; may be given several times")
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("--bad-cells", typed.bad_cells,
                 "stop at a cell of a column of numbers that is none (default), or skip and count it");
  app.add_option("--auto-register", typed.auto_register,
                 "FACTORY/MACHINE: make missing sensors there, named as the file names them; its ids are names too");
  app.add_flag("--allow-overwrite", typed.allow_overwrite,
               "of two readings of a file at one time of a sensor keep the later; otherwise they end the run");
  app.add_option("--start", typed.start, "time of the first row of a file without times");
  app.add_option("--interval", typed.interval, "time between its rows, like 100ms");
  app.add_option("--from", typed.from, "send readings from this time on");
  app.add_option("--to", typed.to, "send readings before this time");
  app.add_option("--speed", typed.speed, "max, or as recorded: 1x, 60x")->capture_default_str();
  app.add_option("--batch", typed.batch, "readings a request (10000 over HTTP, 100000 into a data directory)");
  app.add_flag("--resume", typed.resume, "go on behind the last row that an interrupted run had stored");
  app.add_flag("--backtest", typed.backtest,
               "judge the files (CSV, or folders of it) with the detectors, or the readings of --data-dir with its rules and "
               "detectors, here, and store nothing");
  app.add_option(
      "--scores", typed.scores,
      "backtest of FILEs: where scores go, one row for each, instead of what fired: a file, or a folder for several FILEs");
  app.add_flag("--machine", typed.machine, "backtest: the columns of a wide file are the sensors of one machine");
  app.add_option("--labels", typed.labels,
                 "with --machine: the column that says which rows are faulty (not 0); F1, false and missed rows are printed");
  app.add_option("--drafts", typed.drafts,
                 "backtest of --data-dir: a file with what is tried, as the body of POST /api/backtests (rules, pipelines, "
                 "detectors, labels, selector)");
  app.add_flag("--digest", typed.digest, "backtest: print the digest of the findings, as GET /api/events/digest");
  app.add_flag("--json", typed.json, "backtest: print the result as JSON");
  app.add_option("--html", typed.html, "backtest: a page with the result goes into this file");
}

int complain(const error& why) {
  fmt::print(stderr, "factory-replay: {}\n", why.message);
  for (const row_error& row : why.rows)
    fmt::print(stderr, "  reading {} of the batch: {}: {}\n", row.index, row.field, row.reason);
  return 1;
}

int replay_files(const replay::options& how) {
  auto to = how.data_dir.empty() ? replay::open_http_sink(how.url, how.token) : replay::open_engine_sink(how.data_dir);
  if (!to) return complain(to.error());
  replay::summary_figures done;
  const auto came = replay::run(how, **to, stop, done);
  const bool finished = came && *came == replay::outcome::finished;
  if (finished || done.rows != 0 || done.rejected != 0) fmt::print("{}", replay::to_text(done));
  std::fflush(stdout);
  if (finished) return 0;
  if (!came) complain(came.error());
  if (!came && done.sent == 0) return 1;
  const bool piped = how.files.size() == 1 && how.files.front() == "-";
  const char* next = piped                ? ""
                     : done.rejected != 0 ? "; correct the file and replay it: readings that are stored already are recognised"
                                          : "; go on with the same options and --resume";
  fmt::print(stderr, "{}{} readings were stored{}\n", came ? "interrupted: " : "", replay::with_commas(done.stored.stored()),
             next);
  return came ? 130 : 1;
}

int score_files(const replay::options& how, const replay::command_line& typed) {
  const auto done = replay::run_backtest(how, typed.scores, typed.machine);
  if (!done) return complain(done.error());
  fmt::print("{}", replay::to_text(*done));
  return 0;
}

int backtest(const replay::options& how, const replay::command_line& typed) {
  const auto done = typed.files.empty() ? replay::run_stored_backtest(how, stop) : replay::judge_files(how, stop);
  if (!done) return complain(done.error());
  if (!typed.html.empty()) {
    std::ofstream page(typed.html, std::ios::binary);
    page << done->html;
    if (!page.flush()) return complain({errc::storage_failed, typed.html + " cannot be written"});
  }
  if (typed.digest)
    fmt::print("{}\n", digest_text(done->result.digest));
  else
    fmt::print("{}", typed.json ? done->json + "\n" : replay::to_text(done->result));
  return 0;
}

}  // namespace

int main(int argc, char** argv) try {
  spdlog::set_default_logger(spdlog::stderr_color_mt("factory-replay"));
  spdlog::set_level(spdlog::level::warn);
  replay::command_line typed;
  CLI::App app("Sends recorded readings to a running factoryd, or straight into its data directory.", "factory-replay");
  describe(app, typed);
  CLI11_PARSE(app, argc, argv);
  const auto how = replay::understand(typed);
  if (!how) return complain(how.error());
  if (typed.backtest && !typed.scores.empty()) return score_files(*how, typed);
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  if (typed.backtest) return backtest(*how, typed);
  std::signal(SIGPIPE, SIG_IGN);
  return replay_files(*how);
} catch (const std::exception& problem) {
  fmt::print(stderr, "factory-replay: {}\n", problem.what());
  return 1;
}
