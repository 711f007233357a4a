#include "bench/works/startup.hpp"

#include <chrono>
#include <stdexcept>

#include <fmt/format.h>

#include "bench/load.hpp"
#include "bench/works.hpp"
#include "process/child_process.hpp"

namespace factory::bench {

namespace {

constexpr const char* no_checkpoint = "--checkpoint-bytes=1000000000000";

struct stored_readings {
  std::vector<std::uint32_t> sensors;
  std::uint64_t count = 0;
  double journal_bytes = 0;
};

/// Fills a daemon and kills it.
stored_readings fill(const factory_options& daemon, const workload_options& options, std::size_t readings) {
  const auto target = make_factory_server(daemon);
  stored_readings out{target->add_sensors(options.sensors), 0, 0};
  bulk_work bodies(*target, body_shape::columns, out.sensors, options.ticks_per_body, recent(100), options.bulk_connections,
                   readings / options.sensors);
  out.count = run_load(target->port(), options.bulk_connections, bodies, 0).readings;
  target->settle();
  out.journal_bytes = factory_metric(target->port(), "factory_journal_bytes").value_or(0);
  target->kill();
  return out;
}

/// Starts a daemon on the stored data, checks that everything is there, and stops it in order.
figures started(const factory_options& daemon, const stored_readings& stored, std::uint64_t to_recover) {
  const auto begin = std::chrono::steady_clock::now();
  const auto target = make_factory_server(daemon);
  figures out;
  out.seconds = out.result = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  out.used = target->used();
  out.server = target->name();
  out.unit.push_back('s');  // GCC 12 sees an overlap in assigning a literal here
  out.less_is_better = true;
  out.readings = stored.count;
  const double recovered = factory_metric(target->port(), "factory_recovered_readings").value_or(-1);
  if (recovered != static_cast<double>(to_recover))
    throw std::runtime_error(fmt::format("{} readings were recovered from the journal instead of {}", recovered, to_recover));
  check_stored(*target, stored.sensors, stored.count);
  return out;
}

}  // namespace

void run_startup(const factory_options& daemon, const workload_options& options, std::size_t readings,
                 const std::function<void(figures)>& ended) {
  const temp_directory directory("factory-bench-startup");
  factory_options kept = daemon;
  kept.directory = directory.path();
  kept.extra.emplace_back(no_checkpoint);
  const stored_readings stored = fill(kept, options, readings);
  const auto report = [&](std::string_view after, figures of, std::string note) {
    of.work = fmt::format("{}-{}", after, readings);
    of.note = std::move(note);
    ended(std::move(of));
  };
  auto killed = started(kept, stored, stored.count);
  const double millions = static_cast<double>(stored.count) / 1e6;
  auto note = fmt::format("{:.3f} s per million readings in the journal, {:.1f} bytes each there", killed.result / millions,
                          stored.journal_bytes / static_cast<double>(stored.count));
  report("killed", std::move(killed), std::move(note));
  report("stopped", started(kept, stored, 0), {});
}

}  // namespace factory::bench
