#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

#include "pipelines/decode/decode.hpp"
#include "support/times.hpp"

namespace factory::test {

/// A body and why it is refused.
struct refused_body {
  std::string_view text, reason;
};

struct decoded {
  expected<decode_result> result;
  reading_batch batch;
};

/// Sensors 1 to 9 and 70 exist; rows without a time get ten_us + 7.
class json_decode : public testing::Test {
 protected:
  json_decode() {
    for (sensor_id id = 1; id <= 9; ++id) known_.insert(id);
    known_.insert(70);
    options_.known = &known_;
    options_.now_us = ten_us + 7;
  }
  decoded one(std::string_view text) {
    auto result = decoder_.one(text, options_, rows_);
    return {std::move(result), rows_.finish()};
  }
  decoded bulk(std::string_view text) {
    auto result = decoder_.bulk(text, options_, rows_);
    return {std::move(result), rows_.finish()};
  }
  decoded lines(std::string_view text) {
    auto result = decoder_.lines(text, options_, rows_);
    return {std::move(result), rows_.finish()};
  }

  sensor_set known_;
  decode_options options_;
  json_decoder decoder_;
  batch_builder rows_;
};

inline std::string text_of(const row_error& e) { return std::to_string(e.index) + " " + e.field + " " + e.reason; }

}  // namespace factory::test
