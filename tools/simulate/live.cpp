#include <algorithm>
#include <chrono>

#include <fmt/core.h>

#include "pipelines/model/time.hpp"
#include "pipelines/stats/downsample.hpp"
#include "simulate/commands.hpp"
#include "simulate/feed.hpp"
#include "simulate/pipelines.hpp"
#include "simulate/stop_request.hpp"

namespace factory {

namespace {

constexpr fault_policy live_faults{600'000'000, 0.25};  // with 60 sensors one or two a minute
constexpr std::size_t readings_per_body = 50'000;
constexpr std::int64_t first_pause_ms = 200, longest_pause_ms = 5'000;
constexpr std::int64_t answer_deadline_ms = 5'000;
constexpr std::int64_t shortest_step_us = 100;

std::int64_t now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

void say(const std::string& text) {
  fmt::print("factory-simulate: {}\n", text);
  std::fflush(stdout);
}

/// True for errors worth a retry: no server, no answer in time, or a refusal that may pass.
bool passes(const error& why) {
  return why.code == errc::unavailable || why.code == errc::timed_out || why.code == errc::overloaded ||
         why.code == errc::storage_full || why.code == errc::storage_failed || why.code == errc::stopping;
}

/// Sends without end. Readings that could not be sent are not kept but computed again: a signal is a function of time.
class live_run {
 public:
  live_run(const simulate_options& common, api_client api)
      : common_(common),
        api_(std::move(api)),
        plan_(plan_plant(common.seed, common.factory_count, common.machines_per_factory)) {}

  int run(std::optional<double> rate);

 private:
  /// Repeats `attempt`, an expected<T> (), with growing pauses while its error passes; the last result, or nothing when stopped.
  template <class Attempt>
  auto patiently(Attempt attempt) -> std::optional<decltype(attempt())>;
  expected<void> send(const std::string& body);
  void note(const std::vector<ledger_entry>& begun);

  const simulate_options& common_;
  api_client api_;
  std::vector<planned_factory> plan_;
  stop_request stop_;
  std::vector<ledger_entry> faults_;
};

template <class Attempt>
auto live_run::patiently(Attempt attempt) -> std::optional<decltype(attempt())> {
  const std::int64_t since_us = now_us();
  for (std::int64_t pause_ms = first_pause_ms;; pause_ms = std::min(2 * pause_ms, longest_pause_ms)) {
    auto result = attempt();
    if (result || !passes(result.error())) {
      if (pause_ms > first_pause_ms) say(fmt::format("going on after {:.1f} s", static_cast<double>(now_us() - since_us) / 1e6));
      return result;
    }
    if (pause_ms == first_pause_ms) say(result.error().message + "; trying again until it answers");
    if (stop_.within_ms(pause_ms)) return std::nullopt;
  }
}

expected<void> live_run::send(const std::string& body) {
  const auto answer = post_readings(api_, body);
  if (!answer) return tl::unexpected(answer.error());
  if (!answer->ok()) return tl::unexpected(refusal(*answer));
  return {};
}

void live_run::note(const std::vector<ledger_entry>& begun) {
  if (begun.empty()) return;
  for (const auto& fault : begun) say("fault " + to_line(fault));
  faults_.insert(faults_.end(), begun.begin(), begun.end());
  if (common_.ledger.empty()) return;
  if (const auto written = write_ledger(common_.ledger, faults_); !written) say(written.error().message);
}

int live_run::run(std::optional<double> rate) {
  const auto ensure = [&] {
    return ensure_plant(api_, plan_).and_then([&](std::vector<simulated_sensor> found) {
      return ensure_pipelines(api_).map([&] { return std::move(found); });
    });
  };
  auto sensors = patiently(ensure);
  if (!sensors) return say("stopped before the daemon answered"), 0;
  if (!*sensors) return say((*sensors).error().message), 1;

  const double sensor_count = static_cast<double>((*sensors)->size());
  const auto step_us = static_cast<std::int64_t>(sensor_count / rate.value_or(sensor_count) * 1e6);
  if (step_us < shortest_step_us) return say("this rate needs more sensors: give more --factories or --machines"), 1;
  say(fmt::format("sending a reading of each of {} sensors every {} ms", (*sensors)->size(), static_cast<double>(step_us) / 1e3));

  feed source(**sensors, live_faults, now_us(), step_us);
  bool refused = false;  // whether the last body was; twice in a row is no accident
  for (;;) {
    const std::int64_t wait_us = source.next_time_us() - now_us();
    if (stop_.within_ms(std::clamp<std::int64_t>(wait_us / 1'000 + 1, 0, 1'000))) break;
    std::vector<ledger_entry> begun;
    const std::string body = source.take(now_us() + 1, readings_per_body, begun);
    note(begun);
    if (body.empty()) continue;
    const auto sent = patiently([&] { return send(body); });
    if (!sent) break;
    if (*sent) {
      refused = false;
      continue;
    }
    say(sent->error().message);
    if (refused) return 1;
    refused = true;
    say("looking for the plant again: the daemon may have another data directory now");
    sensors = patiently(ensure);
    if (!sensors) break;
    if (!*sensors) return say((*sensors).error().message), 1;
    source.send_to(**sensors);
  }
  say(fmt::format("stopped after {} readings", source.reading_count()));
  return 0;
}

}  // namespace

int run_live(const simulate_options& common, const live_options& options) {
  auto api = api_client::open({.url = common.url, .token = common.token, .timeout_ms = answer_deadline_ms, .patience_ms = 0});
  if (!api) return say(api.error().message), 1;
  return live_run(common, std::move(*api)).run(options.rate);
}

}  // namespace factory
