#include "http/edge/query.hpp"

#include "pipelines/model/time.hpp"

#include <gtest/gtest.h>

namespace factory {
namespace {

http_request with(std::vector<std::pair<std::string, std::string>> query) {
  http_request request;
  request.query = std::move(query);
  return request;
}

TEST(query, refuses_unknown_parameters_and_names_them) {
  const auto checked = check_query(with({{"limit", "1"}, {"ordr", "asc"}}), {"limit", "order"});
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, errc::invalid);
  EXPECT_EQ(checked.error().field, "ordr");
  EXPECT_EQ(checked.error().message, "Unknown query parameter ordr; known are limit, order");
  EXPECT_EQ(check_query(with({{"a", ""}}), {}).error().message, "Unknown query parameter a; this call takes none");
}

TEST(query, refuses_a_parameter_given_twice) {
  EXPECT_EQ(check_query(with({{"limit", "1"}, {"limit", "1"}}), {"limit"}).error().field, "limit");
  EXPECT_TRUE(check_query(with({{"limit", "1"}, {"order", "1"}}), {"limit", "order"}));
}

TEST(query, labels_may_be_several_of_different_keys) {
  const http_request two = with({{"label", "line:3"}, {"limit", "1"}, {"label", "at:10:30"}});
  EXPECT_TRUE(check_query(two, {"limit", "label"}));
  query_reader query(two);
  const label_set labels = query.labels();
  EXPECT_FALSE(query.fault());
  EXPECT_EQ(labels.size(), 2U);
  EXPECT_EQ(*labels.find("at"), "10:30");
  for (const auto& wrong : std::vector<std::vector<std::pair<std::string, std::string>>>{
           {{"label", "line"}}, {{"label", "line:"}}, {{"label", "my line:3"}}, {{"label", "line:3"}, {"label", "line:4"}}}) {
    const http_request request = with(wrong);
    query_reader bad(request);
    bad.labels();
    ASSERT_TRUE(bad.fault());
    EXPECT_EQ(bad.fault()->field, "label");
  }
}

TEST(query, absent_parameters_are_no_fault) {
  const http_request request = with({});
  query_reader query(request);
  EXPECT_FALSE(query.text("a") || query.integer("a", 1, 2) || query.id("a") || query.number("a", 0, 1) || query.boolean("a") ||
               query.time_us("a") || query.duration_us("a") || query.word("a", {"x"}) || query.list("a"));
  EXPECT_FALSE(query.fault());
}

TEST(query, reads_values_of_each_type) {
  const http_request request =
      with({{"n", "10"}, {"id", "7"}, {"z", "2.5"}, {"yes", "true"}, {"d", "5m"}, {"o", "desc"}, {"l", "50,95"}});
  query_reader query(request);
  EXPECT_EQ(query.integer("n", 1, 10), 10U);
  EXPECT_EQ(query.id("id"), 7U);
  EXPECT_EQ(query.number("z", 0, 10), 2.5);
  EXPECT_EQ(query.boolean("yes"), true);
  EXPECT_EQ(query.duration_us("d"), 300'000'000);
  EXPECT_EQ(query.word("o", {"asc", "desc"}), 1U);
  EXPECT_EQ(query.list("l"), (std::vector<std::string_view>{"50", "95"}));
  EXPECT_FALSE(query.fault());
}

TEST(query, wrong_values_are_a_fault_that_names_the_parameter) {
  for (const char* value : {"", "0", "11", "-1", "+5", "5.0", "5x", " 5", "99999999999999999999"}) {
    const http_request request = with({{"limit", value}});
    query_reader query(request);
    EXPECT_FALSE(query.integer("limit", 1, 10)) << value;
    ASSERT_TRUE(query.fault()) << value;
    EXPECT_EQ(query.fault()->field, "limit");
    EXPECT_EQ(query.fault()->message, "limit must be an integer of 1 to 10");
  }
  for (const char* value : {"", "nan", "inf", "1e999", "2,5", "-1", "1x"}) {
    const http_request request = with({{"threshold", value}});
    query_reader query(request);
    EXPECT_FALSE(query.number("threshold", 0, 1e9)) << value;
    EXPECT_TRUE(query.fault()) << value;
  }
}

TEST(query, keeps_the_first_fault) {
  const http_request request = with({{"a", "x"}, {"b", "x"}});
  query_reader query(request);
  query.integer("a", 1, 2);
  query.boolean("b");
  EXPECT_EQ(query.fault()->field, "a");
}

TEST(query, times_beyond_the_range_of_readings_are_its_ends) {
  const std::pair<const char*, std::int64_t> table[] = {{"9999-12-31T23:59:59Z", max_event_time_us},
                                                        {"0001-01-01T00:00:00Z", min_event_time_us},
                                                        {"9223372036854775807", max_event_time_us},
                                                        {"-9223372036854775807", min_event_time_us}};
  for (const auto& [value, time_us] : table) {
    const http_request request = with({{"from", value}});
    query_reader query(request);
    EXPECT_EQ(query.time_us("from"), time_us) << value;
  }
}

TEST(query, times_are_text_or_milliseconds) {
  constexpr std::int64_t ten_oclock_us = 1'768'816'800'000'000;
  for (const char* value :
       {"2026-01-19T10:00:00Z", "2026-01-19T10:00:00", "2026-01-19 10:00:00", "1768816800000", "2026-01-19T11:00:00+01:00",
        "2026-01-19T11:00:00 01:00", "2026-01-19T11:00:00 01", "2026-01-19 10:00", "2026-01-19T09:00:00-01:00"}) {
    const http_request request = with({{"from", value}});
    query_reader query(request);
    EXPECT_EQ(query.time_us("from"), ten_oclock_us) << value;
  }
  for (const char* value : {"", "yesterday", "2026-02-30", "1.5"}) {
    const http_request request = with({{"from", value}});
    query_reader query(request);
    EXPECT_FALSE(query.time_us("from")) << value;
    EXPECT_TRUE(query.fault()) << value;
  }
}

}  // namespace
}  // namespace factory
