#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "bench/report.hpp"
#include "bench/server.hpp"
#include "bench/works/backtest.hpp"
#include "bench/works/bytes.hpp"
#include "bench/works/detectors.hpp"
#include "bench/works/endurance.hpp"
#include "bench/works/history.hpp"
#include "bench/works/machines.hpp"
#include "bench/works/nab.hpp"
#include "bench/works/pipelines.hpp"
#include "bench/works/startup.hpp"
#include "bench/works/workloads.hpp"

namespace factory::bench {
namespace {

struct settings {
  workload_options load;
  std::string work, shape = "rows", recordings;
  std::vector<std::size_t> sensor_counts{1, 100, 10'000, 100'000};
  std::vector<std::size_t> body_sizes{1, 10, 100, 1'000, 10'000, 100'000};
  std::vector<std::size_t> history_sizes{1'000'000, 10'000'000}, journal_sizes{1'000'000, 5'000'000};
  std::vector<std::size_t> instance_counts{0, 1, 100, 10'000};
  detector_options detectors;
  machine_options machines;
  nab_options nab;
  backtest_options backtests;
  factory_options factoryd;
  std::string url, peer;
  bool peer_only = false, as_json = false;
  int rounds = 1;
  std::optional<double> seconds;
};

std::vector<std::string> works(const settings& given) {
  std::vector<std::string> cardinalities, sizes;
  for (const std::size_t count : given.sensor_counts) cardinalities.push_back("cardinality-" + std::to_string(count));
  for (const std::size_t readings : given.body_sizes) sizes.push_back("size-" + std::to_string(readings));
  if (given.work == "pipelines") {
    std::vector<std::string> counts;
    for (const std::size_t count : given.instance_counts) counts.push_back("pipelines-" + std::to_string(count));
    return counts;
  }
  if (given.work == "bulk") return {"bulk-" + given.shape};
  if (given.work == "cardinality") return cardinalities;
  if (given.work == "size") return sizes;
  if (given.work != "all") return {given.work};
  std::vector<std::string> out{"bulk-rows", "bulk-columns", "bulk-ndjson", "single", "query", "mean"};
  out.insert(out.end(), cardinalities.begin(), cardinalities.end());
  out.insert(out.end(), sizes.begin(), sizes.end());
  return out;
}

/// The port of "http://127.0.0.1:8080".
std::uint16_t local_port(const std::string& url) {
  for (const std::string start : {"http://127.0.0.1:", "http://localhost:"})
    if (url.starts_with(start)) return static_cast<std::uint16_t>(std::stoul(url.substr(start.size())));
  throw std::runtime_error("--url must be http://127.0.0.1:PORT: the load generator does not leave this machine");
}

void add_options(CLI::App& app, settings& given) {
  app.require_subcommand(1);
  app.fallthrough();
  const auto add_work = [&](const std::string& name, const std::string& what) {
    CLI::App* sub = app.add_subcommand(name, what);
    sub->callback([&given, name] { given.work = name; });
    return sub;
  };
  add_work("bulk", "bodies of 10,000 readings: 1,000 sensors x 10")
      ->add_option("--shape", given.shape, "rows, columns or ndjson")
      ->check(CLI::IsMember({"rows", "columns", "ndjson"}))
      ->capture_default_str();
  add_work("single", "one reading a POST");
  add_work("query", "five aggregates over 1,000 readings of a sensor");
  add_work("mean", "the mean of each of 1,000 sensors over 1,000 readings, in one call");
  add_work("cardinality", "bodies over few and many sensors, and the memory that a sensor takes")
      ->add_option("--counts", given.sensor_counts, "how many sensors")
      ->capture_default_str();
  add_work("size", "bodies of few and many readings")
      ->add_option("--sizes", given.body_sizes, "how many readings; beyond 1,000 several of each of 1,000 sensors")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  add_work("all", "all of these");
  add_work("overload",
           "ten times what the engine may hold, at any instant, while others query; a minute unless --seconds says otherwise")
      ->add_option("--connections", given.load.overload_connections)
      ->capture_default_str();
  add_work("bytes", "bytes a reading on disk after compaction, each reading read back and compared")
      ->add_option("--recordings", given.recordings, "a folder with cnc_mill/ and nab/; without it, random readings alone");
  add_work("history", "five aggregates over 1,000 readings, one question at a time, while the history grows")
      ->add_option("--sizes", given.history_sizes, "readings of all sensors together, rising")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  add_work("startup", "seconds until ready, after kill -9 with all readings in the journal and after a stop in order")
      ->add_option("--sizes", given.journal_sizes, "readings")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  add_work("visible", "from posting a reading until its alert is among the events, at half load");
  add_work("told", "from posting a reading until a receiver has the webhook of its alert, at half load");
  add_work("flood",
           "10,000 sensors under one rule, all in alarm: alarms a second, memory, and from posting to the webhook at half load");
  auto* detectors =
      add_work("detectors", "the detectors on a simulated plant with faults: what they find, what a reading costs; no server");
  detectors->add_option("--seed", given.detectors.seed, "of the plant")->capture_default_str();
  detectors->add_option("--days", given.detectors.days)->capture_default_str()->check(CLI::PositiveNumber);
  auto* machines =
      add_work("machines", "the machine detector on runs of a simulated pump, row by row: F1, false, missed; no server");
  machines->add_option("--seed", given.machines.seed, "of the runs")->capture_default_str();
  machines->add_option("--runs", given.machines.runs)->capture_default_str()->check(CLI::PositiveNumber);
  machines->add_option("--plant-days", given.machines.plant_days, "so many days of a simulated plant instead")
      ->check(CLI::PositiveNumber);
  auto* nab =
      add_work("nab", "the detectors on the Numenta Anomaly Benchmark, also with constants found on other files; no server");
  nab->add_option("--data", given.nab.data, "its folder")->capture_default_str();
  nab->add_option("--folds", given.nab.folds, "constants for each of so many parts are searched for on the others")
      ->capture_default_str();
  nab->add_option("--steps", given.nab.steps, "candidates of a search")->capture_default_str();
  nab->add_option("--seed", given.nab.seed, "of the searches")->capture_default_str();
  nab->add_flag("--from-present", given.nab.from_present, "searches begin at the constants as they are, not at round figures");
  auto* backtests =
      add_work("backtest", "readings a second of a backtest from stored blocks: default detectors, one rule a sensor; no server");
  backtests->add_option("--backtest-sensors", given.backtests.sensors)->capture_default_str()->check(CLI::PositiveNumber);
  backtests->add_option("--backtest-readings", given.backtests.readings)->capture_default_str()->check(CLI::PositiveNumber);
  backtests->add_option("--live-seconds", given.backtests.live_seconds,
                        "also: p99 of ingest at half load, alone and beside a backtest, each so long")
      ->check(CLI::PositiveNumber);
  add_work("pipelines", "what a step costs a reading; then bodies as of bulk beside windows over its sensors")
      ->add_option("--instances", given.instance_counts, "how many instances of pipelines")
      ->capture_default_str();
  add_work("soak", "steady mixed load; an hour unless --seconds says otherwise");

  app.add_option("--seconds", given.seconds, "seconds of load per run; 5 for all but overload and soak");
  app.add_option("--rounds", given.rounds, "rounds; each runs every server once")->capture_default_str();
  app.add_option("--bulk-connections", given.load.bulk_connections)->capture_default_str();
  app.add_option("--single-connections", given.load.single_connections)->capture_default_str();
  app.add_option("--query-connections", given.load.query_connections)->capture_default_str();
  app.add_option("--history", given.load.history, "readings per sensor before queries")->capture_default_str();
  app.add_option("--factoryd", given.factoryd.program, "the daemon to start")->capture_default_str();
  app.add_option("--factoryd-option", given.factoryd.extra, "a further option for it, as --factoryd-option=--name=value");
  app.add_option("--tick-ms", given.load.tick_ms, "bulk, size: event time between two readings of a sensor")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--sensors-a-machine", given.factoryd.sensors_a_machine,
                 "so many of factoryd's sensors are one machine; 0: all");
  app.add_option("--url", given.url, "use the factoryd that runs at http://127.0.0.1:PORT");
  app.add_option_function<std::string>(
      "--token", [](const std::string& token) { setenv("FACTORY_TOKEN", token.c_str(), 1); },
      "its token, when it asks for one; or the variable FACTORY_TOKEN");
  app.add_option("--peer", given.peer, "run the same work on InfluxDB 1.x (package influxdb)")
      ->check(CLI::IsMember({"influxdb"}));
  app.add_flag("--peer-only", given.peer_only, "leave factoryd out");
  app.add_flag("--json", given.as_json, "print JSON");
}

/// The sets of readings whose bytes are counted.
std::vector<recording> recordings(const settings& given) {
  std::vector<recording> out;
  if (!given.recordings.empty()) {
    out.push_back(read_cnc_mill(given.recordings + "/cnc_mill"));
    out.push_back(read_nab(given.recordings + "/nab"));
  }
  out.push_back(make_adversarial());
  return out;
}

void print_runs(const std::vector<figures>& runs, const settings& given) {
  if (given.as_json)
    fmt::print("{}\n", json_report(runs));
  else if (given.rounds > 1 || !given.peer.empty())
    fmt::print("\n{}", summary_table(runs));
}

using run_taker = std::function<void(figures)>;

void run_bytes(const settings& given, const run_taker& add) {
  for (const recording& each : recordings(given)) {
    if (!given.peer_only) add(factory_bytes(each));
    if (!given.peer.empty()) add(influxdb_bytes(each));
  }
}

void run_works(const settings& given, const run_taker& add) {
  for (const std::string& work : works(given)) {
    if (!given.peer_only) add(run_workload(work, *make_factory_server(given.factoryd), given.load));
    if (!given.peer.empty()) add(run_workload(work, *make_influxdb_server(), given.load));
  }
}

void run_round(const settings& given, const run_taker& add) {
  if (given.work == "bytes") return run_bytes(given, add);
  if (given.work == "history") return run_history(*make_factory_server(given.factoryd), given.load, given.history_sizes, add);
  if (given.work != "startup") return run_works(given, add);
  for (const std::size_t readings : given.journal_sizes) run_startup(given.factoryd, given.load, readings, add);
}

void refuse_what_does_not_go_together(const settings& given) {
  const bool ours_alone = given.work == "soak" || given.work == "overload" || given.work == "history" ||
                          given.work == "startup" || given.work == "visible" || given.work == "told" || given.work == "flood" ||
                          given.work == "pipelines";
  if (ours_alone && (given.peer_only || !given.peer.empty()))
    throw std::runtime_error(given.work + " is for factoryd alone: leave --peer out");
  if (given.work == "startup" && !given.url.empty())
    throw std::runtime_error("startup starts and kills a factoryd of its own: leave --url out");
}

int run(settings given) {
  if (given.work == "detectors") return run_detectors(given.detectors), 0;
  if (given.work == "machines") return run_machines(given.machines), 0;
  if (given.work == "nab") return run_nab(given.nab), 0;
  if (given.work == "backtest") return run_backtests(given.backtests), 0;
  refuse_what_does_not_go_together(given);
  if (!given.url.empty()) given.factoryd.running_port = local_port(given.url);
  given.load.seconds = given.seconds.value_or(given.work == "soak" ? 3'600 : given.work == "overload" ? 60 : 5);
  if (given.work == "overload")
    given.factoryd.extra.push_back("--in-flight-readings=" + std::to_string(overload_in_flight(given.load)));
  if (!given.as_json)
    given.load.on_stretch = [](const stretch& ended) {
      fmt::print("{}", stretch_line(ended));
      std::fflush(stdout);
    };
  std::vector<figures> runs;
  const auto add = [&](figures measured) {
    runs.push_back(std::move(measured));
    if (given.as_json) return;
    fmt::print("{}", table_line(runs.back()));
    std::fflush(stdout);
  };
  if (given.work == "pipelines" && !given.as_json) {
    run_step_costs();
    fmt::print("\n");
  }
  if (!given.as_json) fmt::print("{}", table_head());
  for (int round = 0; round < given.rounds; ++round) run_round(given, add);
  print_runs(runs, given);
  int code = 0;
  for (const figures& each : runs) {
    if (each.failure.empty()) continue;
    std::fprintf(stderr, "factory-bench: %s: %s\n", each.work.c_str(), each.failure.c_str());
    code = 1;
  }
  return code;
}

}  // namespace
}  // namespace factory::bench

int main(int argc, char** argv) try {
  CLI::App app(
      "Load generator and figures for Factory Monitor. Starts a server of its own on a temporary directory, measures, checks\n"
      "that it has stored exactly what it acknowledged, and removes it.");
  factory::bench::settings given;
  given.factoryd.program = (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "factoryd").string();
  factory::bench::add_options(app, given);
  CLI11_PARSE(app, argc, argv);
  return factory::bench::run(std::move(given));
} catch (const std::exception& failure) {
  std::fprintf(stderr, "factory-bench: %s\n", failure.what());
  return 1;
}
