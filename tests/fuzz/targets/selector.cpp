// Selectors: any text is read or refused with the member at fault; what was read comes back from its bytes and matches as they do.
#include <simdjson.h>

#include "fuzz/fuzz.hpp"
#include "pipelines/select/selector.hpp"
#include "pipelines/select/selector_index.hpp"
#include "pipelines/select/selector_json.hpp"

namespace {

using namespace factory;

void read_bytes(std::string_view bytes) {
  selector which;
  std::string_view in = bytes;
  if (!get_selector(in, which)) return;
  std::string again;
  put_selector(again, which);
  selector back;
  in = again;
  fuzz::require(get_selector(in, back) && back == which && in.empty(), "a selector comes back from its bytes");
}

void read_json(const std::string& text, std::string_view name) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(text).get(root)) return;
  const auto which = read_selector("selector", root);
  if (!which) {
    fuzz::require(which.error().field.starts_with("selector"), "a refusal names the member");
    return;
  }
  std::string bytes;
  put_selector(bytes, *which);
  read_bytes(bytes);
  const label_set none;
  const sensor_traits sensor{1, 1, 1, name, "C", "press", &none, &which->labels};
  selector_index index;
  index.put(7, *which);
  fuzz::require(index.matching(sensor).size() == (which->matches(sensor) ? 1U : 0U), "the index agrees with the selector");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input in(data, size);
  const bool as_bytes = in.byte() % 2 == 0;
  const fuzz::exact text(in.rest());
  as_bytes ? read_bytes(text.view()) : read_json(std::string(text.view()), "bearing_a");
  return 0;
}
