#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <map>
#include <random>
#include <set>

#include "pipelines/model/finding.hpp"
#include "pipelines/stream/stream_instance.hpp"
#include "pipelines/support/random_pipeline.hpp"
#include "support/times.hpp"

namespace factory {
namespace {

using stream_reference::differences;
using stream_reference::random_spec;
using stream_reference::series;

struct arrival {
  std::int64_t received_at_us;
  std::size_t source;
  std::int64_t time_us;
  double value;
};

pipeline_spec parsed(const std::string& json) {
  auto spec = parse_pipeline(json);
  EXPECT_TRUE(spec) << (spec ? "" : spec.error().message);
  return spec ? *spec : pipeline_spec{};
}

/// Feeds an instance and keeps what it has told, as a derived sensor does.
class told_results {
 public:
  explicit told_results(const pipeline_spec& spec, const stream_times& times = {})
      : spec_(spec), times_(times), instance_(stream_plan::of(spec), times) {}

  void take(std::int64_t received_at_us, const std::vector<arrival>& body) {
    std::vector<std::vector<std::int64_t>> times_us(spec_.sources.size());
    std::vector<std::vector<double>> values(spec_.sources.size());
    for (const auto& each : body) {
      times_us[each.source].push_back(each.time_us);
      values[each.source].push_back(each.value);
    }
    std::vector<source_rows> rows;
    for (std::size_t i = 0; i < times_us.size(); ++i)
      if (!values[i].empty()) rows.push_back({i, times_us[i], values[i]});
    stream_told told;
    instance_.apply(received_at_us, rows, told);
    write(told.results);
    hear(told.events);
  }
  void take_rows(std::int64_t received_at_us, const source_rows& rows) {
    stream_told told;
    instance_.apply(received_at_us, {&rows, 1}, told);
    write(told.results);
    hear(told.events);
  }
  void pass_time(std::int64_t now_us) {
    stream_told told;
    instance_.pass_time(now_us, told);
    write(told.results);
    hear(told.events);
  }
  void restart() {
    std::string bytes;
    instance_.encode(bytes);
    stream_instance again(stream_plan::of(spec_), times_);
    std::string_view in = bytes;
    ASSERT_TRUE(again.decode(in));
    ASSERT_TRUE(in.empty());
    std::string bytes_again;
    again.encode(bytes_again);
    EXPECT_EQ(bytes, bytes_again);
    instance_ = std::move(again);
  }
  const series& results() const { return results_; }
  /// What the event sinks say that holds: of each finding the begin, the end, and how many results met the condition until then.
  std::map<event_key, stream_reference::met> findings() const {
    std::map<event_key, stream_reference::met> out;
    for (const auto& [key, it] : findings_) {
      if (!it.holds()) continue;
      auto& said = out[key];
      said.value = it.stated->value;
      if (!it.ended) continue;
      said.end_us = it.ended->at_us;
      said.count = std::get<result_detail>(it.ended->detail).count;
    }
    return out;
  }
  std::vector<event> events;
  stream_instance& instance() { return instance_; }
  std::size_t writes = 0, taken_back = 0;

 private:
  void write(const std::vector<stream_instance::change>& told) {
    for (const auto& [before, after] : told) {
      if (before) {
        EXPECT_TRUE(results_.contains(before->time_us));
        EXPECT_EQ(results_[before->time_us], before->value);
      } else {
        // What may be taken back is told when it is settled, or when nothing came for so long: then it may be told once more.
        EXPECT_TRUE(stream_plan::of(spec_)->may_withdraw || !results_.contains(after->time_us))
            << "told twice as new: " << after->time_us;
      }
      if (after) {
        results_[after->time_us] = after->value;
        ++writes;
      } else {
        results_.erase(before->time_us);
        ++taken_back;
      }
    }
  }
  void hear(const std::vector<event>& told) {
    for (const auto& each : told) {
      EXPECT_TRUE(keys_.insert(each.key).second) << "an event with this key was told before: " << finding_id(each.key);
      factory::apply(findings_[with_kind(each.key, {})], each);
      events.push_back(each);
    }
  }

  pipeline_spec spec_;
  stream_times times_;
  stream_instance instance_;
  series results_;
  std::set<event_key> keys_;
  std::map<event_key, finding> findings_;
};

const std::string bearing_difference = R"({"name":"bearing difference", "per":"machine",
  "sources":{"a":{"machine_type":"press","name":"bearing_a"}, "b":{"machine_type":"press","name":"bearing_b"}},
  "steps":[{"align":{"tolerance_ms":1000}}, {"compute":"a - b"}, {"window":{"tumbling_ms":60000},"aggregate":"mean"}],
  "sinks":[{"sensor":{"name":"bearing_difference","unit":"K"}}]})";

std::string one_source(const std::string& steps) {
  return R"({"name":"x","sources":{"a":{"sensor_id":1}},"steps":[)" + steps + R"(],"sinks":[{"sensor":{"name":"y"}}]})";
}

TEST(stream_instance, a_window_gives_its_result_when_a_row_passes_its_end) {
  told_results told(parsed(one_source(R"({"window":{"tumbling_ms":60000},"aggregate":"mean"})")));
  told.take(1, {{0, 0, 10 * second_us, 1.0}, {0, 0, 50 * second_us, 3.0}});
  EXPECT_TRUE(told.results().empty());
  told.take(2, {{0, 0, 60 * second_us, 100.0}});
  EXPECT_EQ(told.results(), (series{{0, 2.0}}));
}

TEST(stream_instance, the_last_window_ends_when_time_passes) {
  told_results told(parsed(one_source(R"({"window":{"tumbling_ms":60000},"aggregate":"sum"})")));
  told.take(50 * second_us, {{0, 0, 50 * second_us, 3.0}});
  ASSERT_TRUE(told.instance().due_us());
  const auto due_us = *told.instance().due_us();
  EXPECT_EQ(due_us, 62 * second_us);
  told.pass_time(due_us - 1);
  EXPECT_TRUE(told.results().empty());
  told.pass_time(due_us);
  EXPECT_EQ(told.results(), (series{{0, 3.0}}));
  EXPECT_FALSE(told.instance().due_us());
  told.take(63 * second_us, {{0, 0, 59 * second_us, 4.0}});  // and is revised by what comes late
  EXPECT_EQ(told.results(), (series{{0, 7.0}}));
  told.take(64 * second_us, {{0, 0, 61 * second_us, 1.0}});
  EXPECT_EQ(told.results(), (series{{0, 7.0}}));
  EXPECT_EQ(told.writes, 2U);
}

TEST(stream_instance, two_sources_are_joined_within_the_tolerance) {
  told_results told(parsed(R"({"name":"x","sources":{"a":{"sensor_id":1},"b":{"sensor_id":2}},
      "steps":[{"align":{"tolerance_ms":1000}},{"compute":"a - b"}],"sinks":[{"sensor":{"name":"y"}}]})"));
  told.take(1, {{0, 0, 0, 5.0}, {0, 1, 0, 2.0}, {0, 0, 2 * second_us, 6.0}, {0, 1, 3 * second_us, 1.0}});
  EXPECT_EQ(told.results(), (series{{0, 3.0}, {3 * second_us, 5.0}}));
}

TEST(stream_instance, a_row_beyond_the_lateness_is_counted_and_left_out) {
  told_results told(parsed(one_source(R"({"window":{"tumbling_ms":60000},"aggregate":"count"})")));
  told.take(300 * second_us, {{0, 0, 0, 1.0}, {0, 0, 200 * second_us, 1.0}});
  told.take(300 * second_us, {{0, 0, 1, 1.0}});
  EXPECT_EQ(told.instance().counts().late, 1U);
  EXPECT_EQ(told.results().at(0), 1.0);
}

TEST(stream_instance, bad_readings_take_no_part_and_one_that_turns_bad_none_any_more) {
  told_results told(parsed(one_source(R"({"window":{"tumbling_ms":60000},"aggregate":"count"})")));
  const std::vector<std::int64_t> times{0, second_us, 2 * second_us, 61 * second_us}, again{second_us};
  const std::vector<double> values{1, 2, 3, 4}, value{2};
  const std::vector<std::uint8_t> flags{flag_none, flag_none, flag_bad, flag_uncertain}, bad{flag_bad}, none{flag_none};
  told.take_rows(100 * second_us, {0, times, values, flags});
  EXPECT_EQ(told.results().at(0), 2.0);
  told.take_rows(100 * second_us, {0, again, value, bad});
  EXPECT_EQ(told.results().at(0), 1.0);
  told.take_rows(100 * second_us, {0, again, value, none});
  EXPECT_EQ(told.results().at(0), 2.0);
}

TEST(stream_instance, a_window_whose_readings_all_turn_bad_takes_its_result_back) {
  for (const char* const steps :
       {R"({"window":{"tumbling_ms":60000},"aggregate":"mean"})", R"({"window":{"session_ms":10000},"aggregate":"mean"})"}) {
    told_results told(parsed(one_source(steps)));
    const std::vector<std::int64_t> time{second_us};
    const std::vector<double> value{2};
    const std::vector<std::uint8_t> bad{flag_bad}, good{flag_none};
    told.take_rows(50 * second_us, {0, time, value, good});
    told.pass_time(200 * second_us);  // told, though a reading of that time would still be taken in
    EXPECT_EQ(told.results().size(), 1U);
    told.take_rows(201 * second_us, {0, time, value, bad});
    EXPECT_TRUE(told.results().empty());
    EXPECT_EQ(told.taken_back, 1U);
    told.take_rows(202 * second_us, {0, time, value, good});
    told.pass_time(400 * second_us);
    EXPECT_EQ(told.results().size(), 1U);
  }
}

TEST(stream_instance, what_a_filter_may_take_back_is_told_when_it_is_settled) {
  told_results told(parsed(one_source(R"({"filter":"value > 10"})")));
  told.take(second_us, {{0, 0, second_us, 20.0}});
  EXPECT_TRUE(told.results().empty());
  told.take(2 * second_us, {{0, 0, second_us, 5.0}, {0, 0, 2 * second_us, 30.0}});  // corrected: it would have been taken back
  told.take(63 * second_us, {{0, 0, 63 * second_us, 0.0}});
  EXPECT_EQ(told.results(), (series{{2 * second_us, 30.0}}));
}

TEST(stream_instance, a_fault_is_counted_and_a_correction_takes_it_back) {
  told_results told(parsed(one_source(R"({"compute":"1 / a"})")));
  told.take(second_us, {{0, 0, second_us, 0.0}});
  EXPECT_EQ(told.instance().counts().faulty, 1U);
  EXPECT_EQ(told.instance().last_fault()->time_us, second_us);
  told.take(second_us, {{0, 0, second_us, 2.0}});
  EXPECT_EQ(told.instance().counts().faulty, 0U);
  told.pass_time(200 * second_us);
  EXPECT_EQ(told.results(), (series{{second_us, 0.5}}));
}

TEST(stream_instance, an_event_begins_with_the_first_result_that_meets_the_condition_and_ends_with_the_next_that_does_not) {
  told_results told(parsed(R"({"name":"hot","sources":{"a":{"sensor_id":1}},"steps":[],
      "sinks":[{"event":{"severity":"CRITICAL","when":"value > 5","message":"it is at {value} C"}}]})"));
  told.take(10 * second_us, {{0, 0, second_us, 1.0}, {0, 0, 2 * second_us, 7.5}, {0, 0, 3 * second_us, 8.0}});
  ASSERT_EQ(told.events.size(), 1U);
  const auto raised = told.events.front();
  EXPECT_EQ(raised.key.kind, event_kind::pipeline_raised);
  EXPECT_EQ(raised.at_us, 2 * second_us);
  EXPECT_EQ(raised.level, severity::rule_critical);
  EXPECT_EQ(raised.explanation, "it is at 7.5 C");
  told.take(11 * second_us, {{0, 0, 4 * second_us, 2.0}});
  ASSERT_EQ(told.events.size(), 2U);
  EXPECT_EQ(told.events.back().key, with_kind(raised.key, event_kind::pipeline_cleared));
  EXPECT_EQ(told.events.back().explanation, "hot: value > 5 is met no more, for value 2");
}

TEST(stream_instance, a_late_reading_revises_and_withdraws_events_and_says_so) {
  told_results told(
      parsed(R"({"name":"x","sources":{"a":{"sensor_id":1}},"steps":[{"window":{"tumbling_ms":10000},"aggregate":"max"}],
      "sinks":[{"event":{"when":"value > 5"}}]})"));
  told.take(1, {{0, 0, second_us, 6.0}, {0, 0, 11 * second_us, 1.0}, {0, 0, 21 * second_us, 1.0}});
  ASSERT_EQ(told.events.size(), 2U);
  told.take(2, {{0, 0, 2 * second_us, 9.0}});  // late: the same window has another maximum
  ASSERT_EQ(told.events.size(), 3U);
  EXPECT_EQ(told.events.back().key.kind, event_kind::revised);
  EXPECT_EQ(told.events.back().value, 9.0);
  EXPECT_EQ(std::get<revision_of<result_detail>>(told.events.back().detail).reason, "a reading came late or was corrected");
  told.take(3, {{0, 0, second_us, 0.0}, {0, 0, 2 * second_us, 0.0}});  // corrected: there was none
  EXPECT_EQ(told.events.back().key.kind, event_kind::withdrawn);
  EXPECT_TRUE(told.findings().empty());
  told.take(4, {{0, 0, second_us, 7.0}});
  ASSERT_EQ(told.findings().size(), 1U);
  EXPECT_EQ(told.findings().begin()->second.end_us, 10 * second_us);
}

/// Readings of both sources over two minutes, some corrected, in an order of arrival that stays within `lateness_us`. Later writes of a time come
/// later.
std::vector<arrival> random_arrivals(std::mt19937& random, std::size_t sources, std::int64_t lateness_us) {
  std::vector<arrival> all;
  for (std::size_t source = 0; source < sources; ++source)
    for (std::int64_t time_us = 0; time_us < 120 * second_us;
         time_us += static_cast<std::int64_t>(random() % 4 * 500'000 + 500'000)) {
      const auto writes = random() % 8 == 0 ? 2 : 1;
      auto at_us = time_us;
      for (int i = 0; i < writes; ++i) {
        at_us += static_cast<std::int64_t>(random() % static_cast<std::uint64_t>((time_us + lateness_us - at_us) / 2 + 1));
        all.push_back({at_us, source, time_us, static_cast<double>(random() % 6)});
      }
    }
  std::ranges::stable_sort(all, {}, &arrival::received_at_us);
  return all;
}

TEST(stream_instance, results_are_those_of_the_sorted_set_whatever_the_order_portions_ticks_and_restarts) {
  for (unsigned seed = 0; seed < 400; ++seed) {
    std::mt19937 random(seed);
    const auto json = random_spec(random);
    const auto spec = parsed(json);
    const stream_times times{.allowed_lateness_us = static_cast<std::int64_t>(random() % 50 + 1) * second_us,
                             .future_skew_us = second_us};
    const auto arrivals = random_arrivals(random, spec.sources.size(), times.allowed_lateness_us);
    std::vector<series> sources(spec.sources.size());
    for (const auto& each : arrivals) sources[each.source][each.time_us] = each.value;

    told_results told(spec, times);
    for (std::size_t next = 0; next < arrivals.size();) {
      const auto end = std::min(arrivals.size(), next + 1 + random() % 12);
      told.take(arrivals[end - 1].received_at_us,
                {arrivals.begin() + static_cast<std::ptrdiff_t>(next), arrivals.begin() + static_cast<std::ptrdiff_t>(end)});
      next = end;
      const auto quiet_until_us = next < arrivals.size() ? arrivals[next].received_at_us : INT64_MAX;
      if (random() % 5 == 0)
        told.pass_time(
            std::min(arrivals[end - 1].received_at_us + static_cast<std::int64_t>(random() % 10) * second_us, quiet_until_us));
      if (random() % 5 == 0) told.restart();
      if (HasFatalFailure()) return;
    }
    const auto due = told.instance().due_us();
    told.pass_time(1'000 * second_us);
    EXPECT_EQ(told.instance().counts().late, 0U);
    const auto expected = stream_reference::run(spec, sources);
    ASSERT_EQ(told.results(), expected) << "seed " << seed << ": " << json << " due " << due.value_or(-1)
                                        << " differ: " << differences(told.results(), expected);
    EXPECT_EQ(told.findings(), stream_reference::findings(spec, expected)) << "seed " << seed << ": " << json;
    EXPECT_EQ(told.taken_back, 0U) << "seed " << seed << ": " << json;
    EXPECT_FALSE(told.instance().due_us());
  }
}

}  // namespace
}  // namespace factory
