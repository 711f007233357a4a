#include <chrono>
#include <utility>

#include "http/api/api_call.hpp"
#include "http/calls/alert_view.hpp"
#include "http/edge/access.hpp"
#include "http/edge/query.hpp"
#include "pipelines/alarm/alarm_performance.hpp"
#include "storage/base/limits.hpp"

namespace factory {

namespace {

constexpr std::size_t most_alerts = 500'000;  // in one report: 413
constexpr std::int64_t day_long_us = 24LL * 60 * 60 * 1'000'000, longest_standing_us = 31 * day_long_us;
constexpr std::int64_t longest_report_us = 400 * day_long_us, usual_report_us = 7 * day_long_us;

std::int64_t time_now_us() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

alert_facts facts_of(const query_port& behind, const finding& alert) {
  const event& raised = *alert.stated;
  alert_facts facts{raised.key, raised.at_us, std::nullopt, std::nullopt, priority_of(behind, alert), true};
  if (alert.ended) facts.ended_us = alert.ended->at_us;
  if (alert.acknowledged) facts.acknowledged_us = alert.acknowledged->recorded_at_us;
  facts.was_told = raised.alarm() == nullptr || raised.alarm()->hushed.empty();
  return facts;
}

/// All alerts that the question asks for, page by page.
expected<std::vector<alert_facts>> read_facts(const query_port& behind, alert_query asked) {
  std::vector<alert_facts> all;
  asked.limit = limits::page_readings;
  for (;;) {
    auto page = behind.events().alert_page(asked);
    if (!page) return tl::unexpected(page.error());
    for (const finding& each : page->rows) all.push_back(facts_of(behind, each));
    if (all.size() > most_alerts) return fail(errc::too_large, "Too many alerts for one report; ask for a shorter range");
    if (!page->next) return all;
    asked.before_sequence = *page->next;
  }
}

class figure_writer {
 public:
  explicit figure_writer(json_writer& out) : out_(out) {}
  template <class Number>
  void operator()(std::string_view name, const Number& value, std::string_view bound, alarm_verdict how) {
    out_.key(name)
        .begin_object()
        .member("value", value)
        .member("recommended", bound)
        .member("verdict", to_text(how))
        .end_object();
  }

 private:
  json_writer& out_;
};

void write_load(json_writer& out, const query_port& behind, const limit_load& it) {
  const auto names = names_of(behind, it.limit);
  const auto name_or_null = [](const auto& entry) { return entry ? std::optional(std::string_view(entry->name)) : std::nullopt; };
  out.begin_object().member("sensor_id", it.limit.sensor).member("source", to_text(it.limit.source));
  out.member("rule_id", it.limit.rule != 0 ? std::optional(it.limit.rule) : std::nullopt);
  out.member("sensor", name_or_null(names.sensor)).member("rule", name_or_null(names.rule));
  out.member("alarms", it.alarms).member("share", it.share).member("chattering_minutes", it.chatter).end_object();
}

void write_loads(json_writer& out, std::string_view name, const query_port& behind, const std::vector<limit_load>& limits) {
  out.key(name).begin_array();
  for (const auto& each : limits) write_load(out, behind, each);
  out.end_array();
}

alarm_verdict on_acknowledging(const std::optional<double>& median_s) {
  return !median_s || *median_s <= 600 ? alarm_verdict::good
         : *median_s <= 3'600          ? alarm_verdict::manageable
                                       : alarm_verdict::bad;
}

http_response performance_json(const query_port& behind, const alarm_performance& it, const time_range& range) {
  json_writer out(4'096);
  figure_writer figure(out);
  out.begin_object().time_member("from", range.begin_us).time_member("to", range.end_us);
  out.member("alarms", it.alarms).member("hushed", it.hushed).key("figures").begin_object();
  figure("average_per_10_minutes", it.per_ten_minutes, "at most 1; manageable up to 2", verdict_on_average(it.per_ten_minutes));
  figure("peak_in_10_minutes", it.peak, "at most 10", verdict_on_peak(it.peak));
  figure("share_of_10_minutes_above_10", it.above_ten_share, "below 0.01", verdict_on_share(it.above_ten_share, 0.01, 0.05));
  figure("share_of_time_in_flood", it.flood_share, "below 0.01", verdict_on_share(it.flood_share, 0.01, 0.05));
  figure("share_of_top_ten", it.top_share, "below 0.05", verdict_on_top(it));
  figure("chattering_limits", it.chattering.size(), "0", it.chattering.empty() ? alarm_verdict::good : alarm_verdict::bad);
  figure("standing_over_24_h", it.standing_per_day, "below 5 at once", verdict_on_standing(it.standing_per_day));
  figure("median_seconds_to_acknowledge", it.ack_median_s, "at most 600 (ours: the standards name none)",
         on_acknowledging(it.ack_median_s));
  out.key("by_priority").begin_object().key("value").begin_object();
  for (std::size_t i = 0; i < it.by_priority.size(); ++i) out.member(std::string_view("1234").substr(i, 1), it.by_priority[i]);
  out.end_object().member("recommended", "at most 5 % of priority 1, 15 % of 2");
  out.member("verdict", to_text(verdict_on_priorities(it.by_priority))).end_object().end_object();
  out.time_member("peak_at", it.peak_us)
      .member("acknowledged", it.acknowledged)
      .member("p90_seconds_to_acknowledge", it.ack_p90_s);
  out.member("stood_over_24_h", it.standing);
  write_loads(out, "top_ten", behind, it.top);
  write_loads(out, "chattering", behind, it.chattering);
  out.end_object();
  return json_response(out);
}

expected<http_response> get_performance(query_port& behind, const http_request& request, const path_argument&) {
  query_reader query(request);
  time_range range;
  range.end_us = query.time_us("to").value_or(time_now_us());
  range.begin_us = query.time_us("from").value_or(range.end_us - usual_report_us);
  if (range.begin_us >= range.end_us)
    query.fail_at("to", "later than from");
  else if (range.end_us - range.begin_us > longest_report_us)
    query.fail_at("from", "at most 400 days before to");
  const auto factory = query.id("factory_id");
  if (query.fault()) return fail_with(*query.fault());

  alert_query asked;
  asked.among = [&](const event_key& key) {
    if (!may_see_alerts_of(behind, request, key.sensor)) return false;
    return !factory || sensors_of(behind, *factory)->contains(key.sensor);
  };
  asked.range = {range.begin_us - longest_standing_us, range.end_us};
  auto facts = read_facts(behind, asked);
  if (!facts) return fail_with(facts.error());
  asked.active = true;  // what has stood for longer
  asked.range = {INT64_MIN, range.begin_us - longest_standing_us};
  const auto old = read_facts(behind, asked);
  if (!old) return fail_with(old.error());
  facts->insert(facts->end(), old->begin(), old->end());
  return performance_json(behind, performance_of(*facts, range.begin_us, range.end_us), range);
}

}  // namespace

void add_performance_call(api_table& table) {
  table.push_back({http_method::get,
                   "/api/alarms/performance",
                   "How the alarms of a range (the last seven days) were to live with, after ISA-18.2 and EEMUA 191",
                   get_performance,
                   {"from", "to", "factory_id"},
                   {},
                   "alarm_performance"});
  table.back().limited = factory_limit::handled;
}

}  // namespace factory
