// Bodies of the anomaly service.
#include <cmath>

#include "fuzz/fuzz.hpp"
#include "pipelines/decode/decode.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using factory::fuzz::require;
  const factory::fuzz::exact text(factory::fuzz::input(data, size).rest());
  const auto asked = factory::decode_analyze(text.view());
  if (!asked) {
    require(!asked.error().message.empty(), "a refusal says why");
    return 0;
  }
  require(asked->items.size() == asked->values.size(), "a value for each item");
  require(std::isfinite(asked->threshold) && asked->threshold >= 0, "the threshold is 0 or more");
  for (const double value : asked->values) require(std::isfinite(value), "values are finite");
  return 0;
}
