#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "storage/base/limits.hpp"
#include "storage/events/event_log.hpp"
#include "storage/support/temporary_directory.hpp"

namespace factory {
namespace {

event an_event(sensor_id sensor, std::int64_t time_us, event_kind kind, event_source source, event_detail detail) {
  event e;
  e.key = {sensor, time_us, source, 0, kind};
  e.at_us = time_us;
  e.level = severity::high;
  e.detail = std::move(detail);
  return e;
}
event fed_anomaly(sensor_id sensor, std::int64_t time_us) {
  return an_event(sensor, time_us, event_kind::anomaly, event_source::z_score, z_score_detail{4, 20, 1, 3});
}
event fed_alert(sensor_id sensor, std::int64_t time_us) {
  return an_event(sensor, time_us, event_kind::alert_raised, event_source::max_threshold, limit_detail{80});
}
event episode(event_kind kind, sensor_id sensor, std::int64_t begin_us, std::int64_t end_us) {
  return an_event(sensor, begin_us, kind, event_source::drift,
                  episode_detail{.what = "drift", .begin_us = begin_us, .end_us = end_us, .contributions = {}});
}

struct opened_log {
  opened_log() : db(std::move(database::open(directory.path(), {}).value())), log(std::make_unique<event_log>(*db)) {}
  void reopen() {
    log.reset();
    db.reset();
    db = std::move(database::open(directory.path(), {}).value());
    log = std::make_unique<event_log>(*db);
  }
  test::temporary_directory directory;
  std::unique_ptr<database> db;
  std::unique_ptr<event_log> log;
};

std::vector<std::uint64_t> sequences(const std::vector<event>& events) {
  std::vector<std::uint64_t> out;
  for (const event& e : events) out.push_back(e.sequence);
  return out;
}
std::vector<std::int64_t> begins(const event_page<finding>& page) {
  std::vector<std::int64_t> out;
  for (const finding& each : page.rows) out.push_back(each.stated->key.event_time_us);
  return out;
}
using list = std::vector<std::uint64_t>;
using times = std::vector<std::int64_t>;

TEST(event_subscription, gives_every_event_once_and_wakes_once_until_it_is_read) {
  opened_log it;
  ASSERT_TRUE(it.log->append({fed_anomaly(1, 1), fed_anomaly(1, 2)}));
  int wakes = 0;
  const auto feed = it.log->subscribe(1, [&] { ++wakes; });
  EXPECT_EQ(sequences(feed->next(10).value()), (list{2}));
  EXPECT_TRUE(feed->next(10).value().empty());
  ASSERT_TRUE(it.log->append({fed_anomaly(1, 3)}));
  ASSERT_TRUE(it.log->append({fed_anomaly(1, 4)}));
  EXPECT_EQ(wakes, 1) << "two appends, one waking";
  EXPECT_EQ(sequences(feed->next(1).value()), (list{3}));
  EXPECT_EQ(sequences(feed->next(10).value()), (list{4}));
  EXPECT_TRUE(feed->next(10).value().empty());
  ASSERT_TRUE(it.log->append({fed_anomaly(1, 4), fed_anomaly(1, 5)}));
  EXPECT_EQ(wakes, 2);
  EXPECT_EQ(sequences(feed->next(10).value()), (list{5})) << "what was stored before is not told again";
  EXPECT_EQ(feed->cursor(), 5U);
}

TEST(event_subscription, that_is_slow_reads_from_the_log_where_it_left) {
  opened_log it;
  const auto feed = it.log->subscribe(0, [] {});
  std::vector<event> many;
  const auto count = static_cast<std::int64_t>(limits::feed_events) + 500;
  for (std::int64_t i = 1; i <= count; ++i) many.push_back(fed_anomaly(1, i));
  ASSERT_TRUE(it.log->append(many));
  std::uint64_t expected_next = 1;
  for (auto page = feed->next(300).value(); !page.empty(); page = feed->next(300).value())
    for (const event& e : page) EXPECT_EQ(e.sequence, expected_next++);
  EXPECT_EQ(expected_next, static_cast<std::uint64_t>(count) + 1);
}

TEST(event_subscription, resumes_from_its_cursor_after_a_restart) {
  opened_log it;
  ASSERT_TRUE(it.log->append({fed_anomaly(1, 1), fed_anomaly(1, 2), fed_anomaly(1, 3)}));
  it.reopen();
  const auto feed = it.log->subscribe(2, {});
  EXPECT_EQ(sequences(feed->next(10).value()), (list{3}));
  ASSERT_TRUE(it.log->append({fed_anomaly(1, 4)}));
  EXPECT_EQ(sequences(feed->next(10).value()), (list{4}));
}

TEST(event_log_ends, what_is_open_of_sensors_that_are_gone) {
  opened_log it;
  ASSERT_TRUE(it.log->append({fed_alert(1, 10), fed_alert(2, 11), episode(event_kind::anomaly_opened, 1, 20, 25)}));
  const auto first_is_gone = [](const event_key& key) { return key.sensor == 1; };
  EXPECT_EQ(it.log->end_findings(first_is_gone, "The sensor was deleted.", 99).value(), 2U);
  EXPECT_EQ(it.log->end_findings(first_is_gone, "The sensor was deleted.", 100).value(), 0U);
  it.reopen();
  EXPECT_EQ(it.log->count().active_alerts, 1U);
  const auto alert = it.log->find(fed_alert(1, 10).key).value().value();
  EXPECT_FALSE(alert.open());
  EXPECT_EQ(alert.ended->explanation, "The sensor was deleted.");
  EXPECT_EQ(alert.ended->limit(), 80);
  EXPECT_TRUE(it.log->anomalies({.open = true}).value().rows.empty());
}

TEST(anomalies, are_found_by_sensor_detector_state_and_time) {
  opened_log it;
  ASSERT_TRUE(it.log->append({fed_anomaly(1, 10), episode(event_kind::anomaly_opened, 1, 20, 20), fed_anomaly(2, 30),
                              episode(event_kind::anomaly_closed, 1, 20, 45), episode(event_kind::anomaly_opened, 2, 50, 55)}));
  const auto asked = [&](const anomaly_query& q) { return begins(it.log->anomalies(q).value()); };
  EXPECT_EQ(asked({}), (times{50, 30, 20, 10}));
  EXPECT_EQ(asked({.sensor = 1}), (times{20, 10}));
  EXPECT_EQ(asked({.detector = event_source::drift}), (times{50, 20}));
  EXPECT_EQ(asked({.open = true}), (times{50}));
  EXPECT_EQ(asked({.sensor = 1, .open = true}), (times{}));
  EXPECT_EQ(asked({.open = false}), (times{30, 20, 10}));
  EXPECT_EQ(asked({.range = {40, 50}}), (times{20})) << "its end lies in the range";
  EXPECT_EQ(asked({.range = {60, 70}}), (times{50})) << "it is going on";
  const auto first = it.log->anomalies({.limit = 2}).value();
  ASSERT_TRUE(first.next);
  EXPECT_EQ(asked({.before_sequence = *first.next}), (times{20, 10}));
  EXPECT_FALSE(it.log->anomalies({.limit = 4}).value().next);
}

TEST(event_pages, end_after_so_many_entries_and_go_on) {
  opened_log it;
  std::vector<event> many{fed_alert(1, 1)};
  for (std::int64_t i = 1; i <= static_cast<std::int64_t>(limits::events_looked_at) + 100; ++i) {
    many.push_back(fed_anomaly(1, i));
    if (i % 500 == 0) many.push_back(fed_alert(2, i));  // of another sensor, so that no stretch of the log can be passed over
  }
  ASSERT_TRUE(it.log->append(many));
  event_query asked{.sensor = 1, .kind = event_kind::alert_raised};
  auto page = it.log->page(asked).value();
  EXPECT_TRUE(page.rows.empty());
  ASSERT_TRUE(page.next);
  asked.before_sequence = *page.next;
  page = it.log->page(asked).value();
  EXPECT_EQ(sequences(page.rows), (list{1}));
  EXPECT_FALSE(page.next);
  const auto all = it.log->page({.limit = 2}).value();
  EXPECT_EQ(all.rows.size(), 2U);
  EXPECT_EQ(all.next, all.rows.back().sequence);
}

}  // namespace
}  // namespace factory
