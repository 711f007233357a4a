#include "http/edge/accept.hpp"

#include <gtest/gtest.h>

namespace factory {
namespace {

constexpr std::string_view types[] = {"application/json", "text/csv", "application/x-ndjson"};

TEST(accept, the_type_that_is_wanted_most_is_preferred) {
  struct row {
    std::string_view list, type;
  };
  for (const auto& [list, type] : {row{"", "application/json"},
                                   {"*/*", "application/json"},
                                   {"text/csv", "text/csv"},
                                   {"TEXT/CSV; charset=utf-8", "text/csv"},
                                   {"application/json, text/csv;q=0", "application/json"},
                                   {"application/json, text/csv;q=0.1", "application/json"},
                                   {"application/json;q=0.1,text/csv;q=0.2", "text/csv"},
                                   {"text/csv;q=0.5, */*;q=0.1", "text/csv"},
                                   {"text/csv, */*", "text/csv"},
                                   {"text/csv, application/json", "text/csv"},
                                   {"application/json, text/csv", "application/json"},
                                   {"*/*, text/csv;q=0.9", "application/json"},
                                   {"text/*", "text/csv"},
                                   {"application/*;q=0.2, text/*;q=0.3", "text/csv"},
                                   {"text/*, text/csv;q=0", "application/json"},
                                   {"application/x-ndjson;q=1.000, */*;q=0.999", "application/x-ndjson"},
                                   {"text/csvx", "application/json"},
                                   {"application/json-text/csv", "application/json"},
                                   {"text/plain", "application/json"},
                                   {"application/json;q=0, text/csv;q=0", "application/json"},
                                   {"application/json;q=0, */*", "text/csv"},
                                   {"text/csv;q=2, application/json;q=0.1", "application/json"},
                                   {"text/csv;q=, text/csv;q=0.1234, text/csv;q=-1", "application/json"},
                                   {"text/csv;note=\"a,application/json;q=1\";q=0.4", "text/csv"},
                                   {",, ;q=1, text/csv", "text/csv"}})
    EXPECT_EQ(types[preferred(list, types)], type) << list;
}

TEST(accept, a_weight_is_that_of_the_closest_item) {
  EXPECT_EQ(quality("gzip;q=0.5, *;q=0.1", "gzip"), 500U);
  EXPECT_EQ(quality("gzip;q=0.5, *;q=0.1", "br"), 100U);
  EXPECT_EQ(quality("gzip; Q=0.25", "GZIP"), 250U);
  EXPECT_EQ(quality("*, gzip;q=0", "gzip"), 0U);
  EXPECT_EQ(quality("gzip", "br"), std::nullopt);
  EXPECT_EQ(quality("", "gzip"), std::nullopt);
}

}  // namespace
}  // namespace factory
