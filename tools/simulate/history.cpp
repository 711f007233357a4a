#include <algorithm>
#include <chrono>

#include <fmt/core.h>

#include "pipelines/model/time.hpp"
#include "pipelines/stats/downsample.hpp"
#include "simulate/commands.hpp"
#include "simulate/feed.hpp"
#include "simulate/pipelines.hpp"

namespace factory {

namespace {

constexpr fault_policy history_faults{6 * 3'600'000'000LL, 0.08};  // about 40 in two days of 60 sensors
constexpr std::size_t readings_per_body = 100'000;

int give_up(const error& why) {
  fmt::print(stderr, "factory-simulate: {}\n", why.message);
  return 1;
}

}  // namespace

int run_history(const simulate_options& common, const history_options& options) {
  using namespace std::chrono;
  const auto now_us = duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
  const std::int64_t end_us = bucket_start(options.until_us.value_or(now_us), options.interval_us);
  const std::int64_t begin_us = end_us - bucket_start(static_cast<std::int64_t>(options.days * 86'400e6), options.interval_us);
  if (begin_us < 0)
    return give_up({errc::invalid, "a simulated history starts in 1970 at the earliest: fewer --days or a later --until"});

  auto api = api_client::open({.url = common.url, .token = common.token});
  if (!api) return give_up(api.error());
  const auto plan = plan_plant(common.seed, common.factory_count, common.machines_per_factory);
  const auto sensors = ensure_plant(*api, plan);
  if (!sensors) return give_up(sensors.error());
  if (const auto made = ensure_pipelines(*api); !made) return give_up(made.error());

  const auto started = steady_clock::now();
  feed source(*sensors, history_faults, begin_us, options.interval_us);
  std::vector<ledger_entry> faults;
  for (;;) {
    const std::string body = source.take(end_us, readings_per_body, faults);
    if (body.empty()) break;
    const auto answer = post_readings(*api, body);
    if (!answer) return give_up(answer.error());
    if (!answer->ok()) return give_up(refusal(*answer));
  }
  const double took_s = duration<double>(steady_clock::now() - started).count();

  // Live readings have their own faults, so a fault under way at the end of the history ends there.
  for (auto& fault : faults) fault.what.end_us = std::min(fault.what.end_us, end_us);
  std::sort(faults.begin(), faults.end(), [](const auto& a, const auto& b) { return a.what.begin_us < b.what.begin_us; });
  for (const auto& fault : faults) fmt::print("{}\n", to_line(fault));
  if (!common.ledger.empty())
    if (const auto written = write_ledger(common.ledger, faults); !written) return give_up(written.error());
  fmt::print("{} readings of {} sensors from {} to {}, {} faults in them, sent in {:.1f} s\n", source.reading_count(),
             sensors->size(), format_time(begin_us), format_time(end_us), faults.size(), took_s);
  return 0;
}

}  // namespace factory
