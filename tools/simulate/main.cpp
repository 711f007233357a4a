/// factory-simulate: a simulated factory for a running factoryd, as a history to query at once or as a live feed.

#include <CLI/CLI.hpp>

#include "pipelines/model/time.hpp"
#include "simulate/commands.hpp"

namespace {

using namespace factory;

void add_common(CLI::App& command, simulate_options& common) {
  command.add_option("--url", common.url, "address of factoryd's API")->capture_default_str();
  command.add_option("--token", common.token, "factoryd's token, when it asks for one")->envname("FACTORY_TOKEN");
  command.add_option("--seed", common.seed, "same seed, same plant, readings and faults")->capture_default_str();
  command.add_option("--factories", common.factory_count)->check(CLI::Range(1, 1'000))->capture_default_str();
  command.add_option("--machines", common.machines_per_factory, "machines a factory, five sensors each")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  command.add_option("--faults", common.ledger, "also write the faults to this file, as JSON");
}

template <class Value>
CLI::callback_t parsed(std::optional<Value> (*parse)(std::string_view), Value& into) {
  return [parse, &into](const CLI::results_t& texts) {
    const auto value = parse(texts.at(0));
    if (value) into = *value;
    return value.has_value();
  };
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("A simulated factory for a running factoryd.");
  app.require_subcommand(1);
  simulate_options common;
  history_options history;
  live_options live;
  double rate = 0;
  std::int64_t until_us = 0;

  auto* const past = app.add_subcommand("history", "create the plant and send days of readings at once");
  add_common(*past, common);
  past->add_option("--days", history.days)->check(CLI::Range(0.01, 366.0))->capture_default_str();
  past->add_option("--interval", parsed(parse_duration_us, history.interval_us), "time between readings of a sensor [10s]")
      ->type_name("DURATION");
  past->add_option("--until", parsed(parse_time_us, until_us), "end of the history, RFC 3339 [now]")->type_name("TIME");

  auto* const present = app.add_subcommand("live", "keep sending the readings of now until SIGINT or SIGTERM");
  add_common(*present, common);
  present->add_option("--rate", rate, "readings a second in all [one a sensor]")->check(CLI::PositiveNumber);

  CLI11_PARSE(app, argc, argv);
  if (past->count("--until") > 0) history.until_us = until_us;
  if (present->count("--rate") > 0) live.rate = rate;
  return *past ? run_history(common, history) : run_live(common, live);
}
