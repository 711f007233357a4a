#include "http/text/json_body.hpp"

#include <string>

namespace factory {

expected<simdjson::dom::element> json_body::parse(std::string_view text) {
  simdjson::dom::element root;
  const auto failed = parser_.parse(text.data(), text.size()).get(root);
  if (failed) return fail(errc::malformed, std::string("The body is no valid JSON: ") + simdjson::error_message(failed));
  return root;
}

}  // namespace factory
