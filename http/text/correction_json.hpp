#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "http/text/json_writer.hpp"
#include "pipelines/correct/consequences.hpp"
#include "pipelines/correct/correction.hpp"
#include "pipelines/model/result.hpp"
#include "pipelines/select/selector.hpp"

namespace factory {

/// The body of POST /api/corrections: what is wanted, and for which sensors; these are not yet in `wanted`.
struct correction_request {
  std::variant<sensor_id, selector> sensors;
  correction wanted;
};
expected<correction_request> read_correction(std::string_view body);

/// Who reverts a correction, and why: {"by","reason"}.
struct reversal_words {
  std::string by, reason;
};
expected<reversal_words> read_reversal(std::string_view body);

/// With what followed from its newest step; null: not known yet.
void write_correction(json_writer& out, const correction& it, const consequences* followed);
/// As an object.
void write_consequences(json_writer& out, const consequences& all);

}  // namespace factory
