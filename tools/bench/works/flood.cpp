#include "bench/works/flood.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>

#include "bench/load.hpp"
#include "bench/webhooks.hpp"
#include "bench/works.hpp"

namespace factory::bench {

namespace {

using clock = std::chrono::steady_clock;
using namespace std::chrono_literals;
constexpr std::size_t flooded_sensors = 10'000;
// A channel has room for 10'000 open notifications; what comes beyond is a dead letter. A digest may be among them.
constexpr std::size_t told_at_once = 9'000;
constexpr std::size_t alarms_of_long_body = 100, alarms_of_short_body = 10;
constexpr double beyond = 85, within = 50;  // the rule's limit is 80; those of the sensors are 10 and 90
constexpr auto give_up = 120s;

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}
double seconds_since(clock::time_point from) { return std::chrono::duration<double>(clock::now() - from).count(); }

/// Waits for what the server does behind an answer, of which it gives no notice.
template <class Condition>
void await(const Condition& is_so, const char* what) {
  const auto until = clock::now() + give_up;
  while (!is_so()) {
    if (clock::now() > until) throw std::runtime_error(fmt::format("{} took longer than {} s", what, give_up.count()));
    std::this_thread::sleep_for(50ms);  // the metrics that are asked for cost the server as much as many webhooks
  }
}

/// Rounds through all sensors: even ones breach the limit, odd ones clear it.
struct round_range {
  std::uint64_t first = 0, end = UINT64_MAX;
};

/// Each connection has sensors of its own, in groups of one body: it takes all of them through a round, then through the next.
class flood : public work {
 public:
  flood(const server& target, const std::vector<std::uint32_t>& sensors, std::size_t connections, std::size_t alarms_of_body,
        std::uint32_t rule, std::int64_t first_ms, round_range rounds = {})
      : target_(target),
        sensors_(sensors),
        connections_(connections),
        alarms_of_body_(alarms_of_body),
        rule_(rule),
        first_ms_(first_ms),
        rounds_(rounds),
        turns_(connections),
        requests_(connections) {}

  std::optional<std::string_view> next(std::size_t connection) override {
    const std::size_t bodies = sensors_.size() / alarms_of_body_, own = (bodies - connection + connections_ - 1) / connections_;
    const std::uint64_t turn = turns_[connection]++, round = rounds_.first + turn / own;
    if (round >= rounds_.end) return std::nullopt;
    const std::size_t first = (connection + turn % own * connections_) * alarms_of_body_;
    const bool breach = round % 2 == 0;
    const std::int64_t time_ms = first_ms_ + static_cast<std::int64_t>(turn / own);
    last_ms_ = std::max(last_ms_, time_ms);
    std::string body;
    for (std::size_t i = first; i < first + alarms_of_body_; ++i) {
      fmt::format_to(std::back_inserter(body), R"({}{{"sensor_id":{},"value":{},"timestamp":{}}})", body.empty() ? '[' : ',',
                     sensors_[i], breach ? beyond : within, time_ms);
      if (breach) posted[fmt::format("{}-{}000-alert_rule-{}:alert_raised:0", sensors_[i], time_ms, rule_)] = clock::now();
    }
    requests_[connection] = request_text("POST", "/api/readings/bulk", "application/json", body + "]");
    return requests_[connection];
  }
  std::uint64_t check(std::size_t, const answer& got) override { return target_.acknowledged(got, alarms_of_body_); }

  /// The first time that no reading has yet.
  std::int64_t end_ms() const { return last_ms_ + 1; }
  webhook_times posted;  ///< of each alarm

 private:
  const server& target_;
  const std::vector<std::uint32_t>& sensors_;
  std::size_t connections_, alarms_of_body_;
  std::uint32_t rule_;
  std::int64_t first_ms_, last_ms_ = 0;
  round_range rounds_;
  std::vector<std::uint64_t> turns_;
  std::vector<std::string> requests_;
};

/// Waits until the notifier knows all events and the receiver has all that it is told. Digests that wait for their time are not among it.
void await_told(server& target) {
  target.settle();
  const auto is_zero = [&](const char* name) { return factory_metric(target.port(), name).value_or(1) == 0; };
  await([&] { return is_zero("factory_notification_lag_events") && is_zero("factory_notifications_open"); }, "telling the flood");
}
void await_all_over(server& target) {
  await([&] { return factory_metric(target.port(), "factory_notification_told_alerts").value_or(1) == 0; }, "ending the flood");
  await_told(target);
}

/// Raises alarms at once, each told by itself: webhooks a second. Then ends them.
double tell_all_at_once(server& target, flood& raises, flood& ends, std::size_t connections, const webhook_receiver& shift) {
  const auto began = clock::now();
  run_load(target.port(), connections, raises, 0);
  auto missing = raises.posted.begin();
  await(
      [&] {
        while (missing != raises.posted.end() && shift.seen(missing->first)) ++missing;
        if (factory_metric(target.port(), "factory_notification_dead_letters").value_or(0) != 0)
          throw std::runtime_error("alarms became dead letters");
        return missing == raises.posted.end();
      },
      "telling the alarms");
  const double seconds = seconds_since(began);
  run_load(target.port(), connections, ends, 0);
  await_all_over(target);
  return static_cast<double>(raises.posted.size()) / seconds;
}

double mib(const std::optional<std::uint64_t>& bytes) { return static_cast<double>(bytes.value_or(0)) / (1UL << 20); }

}  // namespace

figures run_flood(server& target, const workload_options& options) {
  const std::size_t connections = options.bulk_connections;
  webhook_receiver shift;
  const auto channel = add_webhook(target, shift, R"("digest_every_ms":1000,"group_every_ms":1000)");
  const auto rule =
      post_json(target, "/api/rules",
                fmt::format(R"({{"selector":{{"name":"s*"}},"name":"hot","condition":"GREATER_THAN","high":80,"channels":[{}]}})",
                            channel));
  const auto sensors = target.add_sensors(flooded_sensors);
  const auto idle = target.used().rss_bytes;

  flood full(target, sensors, connections, alarms_of_long_body, rule, now_ms() - 3'600'000);
  const load_result reached = run_load(target.port(), connections, full, options.seconds);
  target.settle();
  const double alarms = static_cast<double>(full.posted.size());
  const double alarms_per_second = alarms / reached.seconds;
  const auto flooded = target.used().rss_bytes;
  const auto behind = clock::now();
  await_told(target);
  const double caught_up_seconds = seconds_since(behind);
  flood over(target, sensors, connections, alarms_of_long_body, rule, full.end_ms(), {1, 2});
  run_load(target.port(), connections, over, 0);
  await_all_over(target);

  const auto patched = ask_once(target.port(), request_text("PATCH", fmt::format("/api/channels/{}", channel), "application/json",
                                                            R"({"digest_above":0,"group_every_ms":0,"damp_chatter":false})"));
  if (patched.status != 200) throw std::runtime_error(patched.body);
  const std::int64_t next_ms = over.end_ms();
  const std::vector<std::uint32_t> some(sensors.begin(), sensors.begin() + told_at_once);
  flood raises(target, some, connections, alarms_of_long_body, rule, next_ms, {0, 1});
  flood ends(target, some, connections, alarms_of_long_body, rule, next_ms + 1, {1, 2});
  const double webhooks_per_second = tell_all_at_once(target, raises, ends, connections, shift);

  flood half(target, sensors, connections, alarms_of_short_body, rule, next_ms + 2);
  std::vector<std::uint32_t> after_us;
  figures out = measured(target, "ms p99", [&] {
    auto load = run_load(target.port(), connections, half, options.seconds, webhooks_per_second / 2 / alarms_of_short_body);
    after_us = told_after_us(half.posted, shift);
    return load;
  });
  out.note = fmt::format(
      "{} alarms at {:.0f} webhooks/s of {:.0f}; flood of {:.0f} alarms/s, {:.1f} s behind at its end; memory {:.0f} MiB before, "
      "{:.0f} after",
      after_us.size(), 2 * static_cast<double>(after_us.size()) / out.seconds, webhooks_per_second, alarms_per_second,
      caught_up_seconds, mib(idle), mib(flooded));
  measure_delays(out, std::move(after_us));
  return out;
}

}  // namespace factory::bench
