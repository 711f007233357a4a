/// factory-inspect: what is in a data directory whose factoryd is stopped.

#include "inspect/commands.hpp"
#include "pipelines/model/time.hpp"

#include <CLI/CLI.hpp>

#include <csignal>
#include <exception>
#include <iostream>

namespace {

using namespace factory;

int failed(const error& e) {
  std::cerr << "factory-inspect: " << e.message << '\n';
  return 1;
}

CLI::callback_t time_into(std::int64_t& into) {
  return [&into](const CLI::results_t& texts) {
    const auto time = parse_time_us(texts.at(0));
    if (time) into = *time;
    return time.has_value();
  };
}

}  // namespace

int main(int argc, char** argv) try {
  std::signal(SIGPIPE, SIG_IGN);  // `dump | head` ends with a sentence
  CLI::App app("What is in a data directory. The factoryd that uses it must be stopped.");
  app.require_subcommand(1);
  std::string directory, snapshot_folder;
  dump_options what;
  const auto add = [&](const char* name, const char* about) {
    auto* const verb = app.add_subcommand(name, about);
    verb->add_option("--data-dir", directory, "the data directory")->required()->type_name("DIR");
    return verb;
  };
  const auto* const summary = add("summary", "sensors, blocks, bytes a reading, journal, events");
  const auto* const compacting = add("compact", "join small and overlapping blocks, then compact the database");
  const auto* const verifying =
      add("verify", "read everything and check it against its checksums; exit code 2 when something is damaged");
  auto* const dumping = add("dump", "print the readings as CSV");
  dumping->add_option("--sensor", what.sensors, "only this sensor; may be given several times")->type_name("ID");
  dumping->add_option("--from", time_into(what.range.begin_us), "first time, RFC 3339")->type_name("TIME");
  dumping->add_option("--to", time_into(what.range.end_us), "time to stop before, RFC 3339")->type_name("TIME");
  auto* const taking = add("snapshot", "copy all that is stored into a new directory; shares files with the old one if it can");
  taking->add_option("--to", snapshot_folder, "the directory to make")->required()->type_name("DIR");
  auto* const restoring = add("restore", "make a new data directory from a snapshot, once everything in it was verified");
  restoring->add_option("--from", snapshot_folder, "the snapshot")->required()->type_name("DIR");
  const auto* const giving_up = add(
      "give-up", "where the log is damaged: give up what stood behind it, so that factoryd starts again; says how much that was");
  CLI11_PARSE(app, argc, argv);

  if (*restoring) {
    const auto done = restore(snapshot_folder, directory, std::cout);
    return done ? 0 : failed(done.error());
  }
  if (*giving_up) {
    const auto done = give_up(directory, std::cout);
    return done ? 0 : failed(done.error());
  }
  const auto access = *compacting || *taking ? data_directory::access::change : data_directory::access::read;
  const auto data = data_directory::open(directory, access);
  if (!data) return failed(data.error());
  if (*verifying) {
    const auto faults = verify(**data, std::cout);
    return !faults ? failed(faults.error()) : *faults == 0 ? 0 : 2;
  }
  const auto done = *summary      ? print_summary(**data, std::cout)
                    : *compacting ? compact(**data, std::cout)
                    : *taking     ? snapshot(**data, snapshot_folder, std::cout)
                                  : dump(**data, what, std::cout);
  return done ? 0 : failed(done.error());
} catch (const std::exception& e) {
  return failed({errc::storage_failed, e.what()});
}
