#include "pipelines/model/labels.hpp"

#include <gtest/gtest.h>

#include "pipelines/model/limits.hpp"

namespace factory {
namespace {

TEST(label, is_read_from_text_up_to_the_first_colon) {
  EXPECT_EQ(parse_label("line:3"), (label{"line", "3"}));
  EXPECT_EQ(parse_label("at:10:30"), (label{"at", "10:30"}));
  EXPECT_EQ(parse_label("line"), std::nullopt);
  EXPECT_EQ(parse_label(":"), (label{"", ""}));
}

TEST(label, has_a_plain_key_and_a_short_text) {
  struct row {
    label one;
    bool good;
  };
  const row table[] = {
      {{"line", "3"}, true},
      {{"iec/zone-2_b.x", "hot end"}, true},
      {{std::string(limits::label_key_bytes, 'k'), std::string(limits::label_value_bytes, 'v')}, true},
      {{"line", "\xc3\xbc"}, true},
      {{"", "3"}, false},
      {{"line", ""}, false},
      {{"my line", "3"}, false},
      {{"a:b", "3"}, false},
      {{"\xc3\xbc", "3"}, false},
      {{"line", "a\nb"}, false},
      {{"line", "\xff"}, false},
      {{std::string(limits::label_key_bytes + 1, 'k'), "3"}, false},
      {{"line", std::string(limits::label_value_bytes + 1, 'v')}, false},
  };
  for (const auto& [one, good] : table) EXPECT_EQ(!fault_of(one), good) << one.key << ':' << one.value;
}

TEST(label_set, holds_each_key_once_in_order) {
  label_set labels;
  for (const char* key : {"zone", "line", "asset"}) labels.put({key, "1"});
  labels.put({"line", "2"});
  std::string keys;
  for (const label& one : labels) keys += one.key + one.value + " ";
  EXPECT_EQ(keys, "asset1 line2 zone1 ");
  EXPECT_EQ(*labels.find("line"), "2");
  EXPECT_EQ(labels.find("lin"), nullptr);
  EXPECT_TRUE(labels.has({"line", "2"}));
  EXPECT_FALSE(labels.has({"line", "1"}));
  labels.erase("line");
  labels.erase("line");
  EXPECT_EQ(labels.size(), 2U);
}

TEST(label_set, says_what_is_wrong_with_it) {
  label_set labels;
  for (std::size_t i = 0; i < limits::labels_per_entity; ++i) labels.put({"k" + std::to_string(i), "v"});
  EXPECT_EQ(fault_of(labels), std::nullopt);
  labels.put({"more", "v"});
  EXPECT_TRUE(fault_of(labels));
  label_set bad;
  bad.put({"line", ""});
  EXPECT_NE(fault_of(bad)->find("'line'"), std::string::npos);
}

TEST(label_set, comes_back_from_its_bytes) {
  label_set labels, back;
  labels.put({"zone", "hot"});
  labels.put({"line", "3"});
  std::string bytes;
  put_labels(bytes, labels);
  bytes += "rest";
  std::string_view in = bytes;
  ASSERT_TRUE(get_labels(in, back));
  EXPECT_EQ(back, labels);
  EXPECT_EQ(in, "rest");
  for (std::size_t cut = 0; cut + 4 < bytes.size(); ++cut) {
    std::string_view damaged = std::string_view(bytes).substr(0, cut);
    EXPECT_FALSE(get_labels(damaged, back)) << cut;
  }
}

}  // namespace
}  // namespace factory
