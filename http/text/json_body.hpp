#pragma once

#include <simdjson.h>

#include <string_view>

#include "pipelines/decode/json_members.hpp"
#include "pipelines/model/result.hpp"

namespace factory {

/// A small JSON body, parsed and checked as a whole. For catalog calls; readings have their own decoder (pipelines/decode/decode.hpp).
class json_body {
 public:
  /// `malformed` with what is wrong.
  expected<simdjson::dom::element> parse(std::string_view text);

 private:
  simdjson::dom::parser parser_;
};

}  // namespace factory
